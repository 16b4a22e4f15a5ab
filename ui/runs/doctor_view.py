"""Why a run failed, in plain words; what is not known is shown as it is and never guessed."""

from finetune.runs import client
from finetune.runs.client import RunView
from finetune.runs.endings import doctor
from finetune.runs.endings.doctor import Diagnosis
from ui import html
from ui.html import Html
from ui.room import Room

UNKNOWN = "Why it ended is not known here, so nothing is guessed. These are its own last words:"


def shown(room: Room, run: RunView) -> Html | None:
    """Cause and advice for a run that failed or was lost; None for any other."""
    if run.status not in ("failed", "lost"):
        return None
    words = doctor.last_error(client.log_tail(room.settings, run.run)).strip(":\n ")
    return diagnosis(doctor.of_run(room.settings, run), run.reason, words)


def diagnosis(found: Diagnosis | None, reason: str, words: str) -> Html:
    raw = html.join(html.sentence(reason) if reason else None, html.code(words, "Its last words") if words else None)
    if found is None:
        return html.el("div", html.note(UNKNOWN, tone="bad"), raw)
    known = html.note(html.el("strong", f"✕ {found.cause} "), found.advice, tone="bad")
    sign = html.sentence(f"Recognised by: {found.sign}")
    return html.el("div", known, html.folded("In its own words", sign, raw))
