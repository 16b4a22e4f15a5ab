"""Being told when a run ends, also while the page is in the background: its timers stand still there, so a few lines
of script ask for themselves. The browser is asked for its permission only when the button is pressed.
"""

from typing import Any

import gradio as gr

from backends.errors import AppError
from ui import words
from ui.room import Room

LABEL = "Tell me when it ends"

#: the new words of the button are what it returns
WATCH = """async () => {
  const run = document.querySelector('#acr-run [data-run]').dataset.run;
  const allowed = 'Notification' in window && await Notification.requestPermission() === 'granted';
  const address = location.pathname.replace(/\\/?$/, '/gradio_api/run/run_state');
  const tell = end => {
    const title = document.title;
    document.title = end.said;
    addEventListener('focus', () => { document.title = title; }, {once: true});
    if (allowed) new Notification(end.said, {body: end.reason, tag: run});
  };
  const look = async () => {
    const body = JSON.stringify({data: [run]});
    const answer = await fetch(address, {method: 'POST', headers: {'Content-Type': 'application/json'}, body});
    const [state] = (await answer.json()).data;
    return state.ended ? tell(state) : setTimeout(again, 5000);
  };
  const again = () => look().catch(() => setTimeout(again, 15000));
  again();
  return allowed ? 'You will be told when it ends' : 'Notices are off here: the title of this page will tell';
}"""


def build(room: Room, button: gr.Button) -> None:
    button.click(None, None, button, js=WATCH, api_visibility="private")

    def run_state(run: str) -> dict[str, Any]:
        """Has this run ended, and how?"""
        return state(room, run)

    gr.api(run_state, api_name="run_state", queue=False)


def state(room: Room, run_id: str) -> dict[str, Any]:
    """`{"ended", "said", "reason"}`; a run that is gone has ended too."""
    try:
        run = room.run(run_id)
    except AppError as error:
        return {"ended": True, "said": str(error), "reason": ""}
    word, shape = words.STATUS[run.status]
    return {"ended": run.ended, "said": f"{shape} {run.name} {word}", "reason": words.short(run.reason)}
