"""The buttons below a run: which of them make sense now, and what each does. Control checks who may do it."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.errors import Refused
from backends.settings import Settings
from finetune.recipes.recipe import make
from finetune.runs import client
from finetune.runs.client import RunView
from finetune.runs.endings import doctor
from ui import words
from ui.handlers import Updates
from ui.room import Room
from ui.runs import notice
from ui.runs.look import Look, Parts


@dataclass(frozen=True)
class Actions:
    fix: gr.Button
    next: gr.Button
    take: gr.Button
    longer: gr.Button
    stop: gr.Button
    resume: gr.Button
    sooner: gr.Button
    later: gr.Button
    tell: gr.Button

    @property
    def all(self) -> list[Any]:
        return list(vars(self).values())


def build() -> Actions:
    with gr.Row(equal_height=True, elem_classes="acr-actions"):
        return Actions(
            _button("Fix it", "fix", variant="primary"),
            _button("Compare it with the base", "next", variant="primary"),
            _button("Download the adapter", "take"),
            _button("Try twice as long", "longer"),
            _button("Stop and keep what was learned", "stop", variant="stop"),
            _button("Go on where it was", "resume"),
            _button("Sooner", "sooner", min_width=100),
            _button("Later", "later", min_width=100),
            _button(notice.LABEL, "tell"),
        )


def _button(label: str, name: str, min_width: int = 190, **options: Any) -> gr.Button:
    return gr.Button(label, visible=False, min_width=min_width, elem_id=f"acr-{name}", **options)


# -- which make sense --------------------------------------------------------------------------------------------------


def parts(view: Actions, look: Look) -> Parts:
    run = look.run
    if run is None:
        return {"buttons": ("", lambda: {button: gr.Button(visible=False) for button in view.all})}
    shown = (run.run, run.status, run.adapter, run.resumable, look.mine, look.place)
    return {
        "buttons": (shown, lambda: _draw(view, look, run)),
        "tell": ((run.run, run.ended), lambda: _untold(view, run)),
    }


def _draw(view: Actions, look: Look, run: RunView) -> Updates:
    active, trained = run.status in words.ACTIVE, run.kind == "train"
    fix = _fix(look.room.settings, run) if look.mine else None
    queued = look.mine and run.status == "queued"
    compared = run.kind == "eval" and run.status == "succeeded"
    return {
        view.fix: gr.Button(fix.label if fix else "", visible=fix is not None),
        view.next: gr.Button(
            "Compare it with the base" if trained else "Open the comparison",
            visible=compared or bool(trained and run.adapter and not active),
        ),
        view.take: gr.Button(visible=bool(trained and run.adapter and not active)),
        view.longer: gr.Button(
            visible=look.mine and trained and run.status == "succeeded" and bool(look.room.folder(run.run).recipe)
        ),
        view.stop: gr.Button(_stop_word(run), visible=look.mine and active, interactive=run.status != "cancelling"),
        view.resume: gr.Button(visible=look.mine and run.resumable and (fix is None or fix.action != "resume")),
        view.sooner: gr.Button(visible=queued, interactive=look.place is not None and look.place[0] > 1),
        view.later: gr.Button(visible=queued, interactive=look.place is not None and look.place[0] < look.place[1]),
    }


def _untold(view: Actions, run: RunView) -> Updates:
    """Its words are those of before the click: another run is shown, or this one has ended."""
    return {view.tell: gr.Button(notice.LABEL, visible=not run.ended)}


def _stop_word(run: RunView) -> str:
    if run.status == "cancelling":
        return "Stopping …"
    if run.status == "queued":
        return "Take it out of the queue"
    return "Stop and keep what was learned" if run.kind == "train" else "Stop"


def _fix(settings: Settings, run: RunView) -> doctor.Fix | None:
    found = doctor.of_run(settings, run)
    return found.fix if found else None


# -- what they do: (room, run, owner) -> the run to show then ------------------------------------------------------


def stop(room: Room, run_id: str, owner: str) -> str:
    client.cancel(room.settings, run_id, owner)
    return run_id


def resume(room: Room, run_id: str, owner: str) -> str:
    client.resume(room.settings, run_id, owner)
    return run_id


def sooner(room: Room, run_id: str, owner: str) -> str:
    client.move(room.settings, run_id, owner, "up")
    return run_id


def later(room: Room, run_id: str, owner: str) -> str:
    client.move(room.settings, run_id, owner, "down")
    return run_id


def fix(room: Room, run_id: str, owner: str) -> str:
    """What the doctor advised, looked up again: the page is told only that the button was pressed."""
    advised = _fix(room.settings, client.run(room.settings, run_id))
    if advised is None:
        raise Refused("This run has changed meanwhile and needs no fix any more; reload the page")
    if advised.action == "resume":
        return resume(room, run_id, owner)
    return client.duplicate(room.settings, run_id, owner, advised.changes)


def longer(room: Room, run_id: str, owner: str) -> str:
    """The same again with twice the passes over the rows, and twice the steps where those are limited."""
    before = make(room.folder(run_id).recipe)
    changes: dict[str, Any] = {"num_train_epochs": before.num_train_epochs * 2}
    if before.max_steps > 0:
        changes["max_steps"] = before.max_steps * 2
    return client.duplicate(room.settings, run_id, owner, changes)


def delete(room: Room, run_id: str, owner: str) -> str:
    client.delete(room.settings, run_id, owner)
    return ""
