"""Step 4: everything once more in words, the base asked first if one likes, and Start."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.errors import NotFound, Refused
from backends.files import read_json
from finetune.recipes import recipe, sized
from finetune.runs import submit
from finetune.runs.client import RunView
from finetune.scoring import should_you
from finetune.training import sliced
from ui import html, words
from ui.fine_tune.prepared import prepared
from ui.fine_tune.state import Draft
from ui.handlers import Updates, area
from ui.html import Html
from ui.room import Room
from ui.views import header

ABOUT = (
    "It asks the base itself, with a few examples in the prompt, on at most 30 held-out rows and for at most a minute. "
    "If that is good already, you need no fine-tune; if not, its score is the baseline on your curve."
)
EVERY = 2.0


@dataclass(frozen=True)
class View:
    summary: gr.HTML
    name: gr.Textbox
    ask: gr.Button
    said: gr.HTML
    timer: gr.Timer
    plan: gr.HTML
    gpu: gr.Checkbox
    started: gr.HTML
    follow: gr.Button
    run: gr.State

    @property
    def all(self) -> list[Any]:
        return [self.summary, self.ask, self.said, self.timer, self.plan, self.started, self.follow, self.run]


def build(room: Room) -> View:
    with gr.Row():
        with gr.Column(scale=5, min_width=280):
            summary = area(elem_id="acr-summary")
            name = gr.Textbox(
                label="Name of the new adapter", placeholder="made from the task and the time", max_lines=1
            )
            with gr.Accordion("Should you? Ask the base first", open=False, elem_id="acr-should-fold"):
                area(html.sentence(ABOUT))
                ask = gr.Button("Ask the base", elem_id="acr-should")
                said = area(elem_id="acr-should-said")
        with gr.Column(scale=6, min_width=280):
            plan = area(elem_id="acr-start-plan")
            gpu = gr.Checkbox(
                label="Learn on the GPU",
                info="In slices of your ZeroGPU quota that you give on the Runs tab; the CPU learns on its own.",
                visible=room.settings.zero_gpu,
                elem_id="acr-start-gpu",
            )
            started = area(elem_id="acr-started")
            follow = gr.Button("Follow it in Runs", visible=False, elem_id="acr-follow")
    return View(summary, name, ask, said, gr.Timer(EVERY, active=False), plan, gpu, started, follow, gr.State(""))


def fill(view: View, room: Room, draft: Draft | None) -> Updates:
    cleared: Updates = {view.started: "", view.follow: gr.Button(visible=False)}
    if draft is None or not draft.read or draft.step < 4:
        return cleared | {view.timer: gr.Timer(active=False)}
    return cleared | {view.summary: _summary(room, draft)} | asked(view, room, draft)


def _summary(room: Room, draft: Draft) -> Html:
    counts, made = draft.read["counts"], draft.recipe
    title = recipe.recipes()[draft.simple]["title"] if draft.simple else "Your own settings"
    minutes = words.count(round(made.max_minutes), "minute") if made.max_minutes else "no limit"
    facts = [
        ("Rows", f"{counts['train']:,} to train on, {counts['val']:,} held out"),
        ("From", draft.title),
        ("Base", room.base.title),
        ("Recipe", f"{title}: {sized.words(made, counts['train'])}"),
        ("Format", draft.format_name or room.base.format),
        ("Stops after", minutes),
    ]
    how = "It stops by itself when the eval loss no longer improves, and the best checkpoint is kept."
    heading = html.el("h3", f"A fine-tune for {draft.task.title}")
    terms = html.el("p", header.terms(room.base), cls="acr-small acr-muted")
    return html.el("div", heading, html.facts(facts), html.sentence(how), terms, cls="acr-card")


def ask_base(room: Room, draft: Draft, owner: str) -> Draft:
    _ready(draft)
    source, fmt = prepared(draft).train_path, draft.format_on(room.base)
    run = should_you.ask_base(room.settings, draft.task, source, draft.recipe, fmt=fmt, owner=owner)
    return draft.change(asked={"run": run, "key": draft.parts_key})


def asked(view: View, room: Room, draft: Draft) -> Updates:
    """How far the base is with its answers; the timer looks again until it ended."""
    said, waits = of_base(room, draft)
    return {view.said: said, view.ask: gr.Button(interactive=not waits), view.timer: gr.Timer(active=waits)}


def of_base(room: Room, draft: Draft) -> tuple[Html | str, bool]:
    """What the base that was asked first is worth, or how far it is; and whether there is more to come."""
    run, report = _run(room, draft), _report(room, draft)
    if run is None:
        return "", False
    if report:
        return html.note(should_you.sentence(draft.task, report), tone="good"), False
    if run.ended:
        why = run.reason or run.status
        return html.problem(f"The base was not asked to the end: {why}. You can start all the same."), False
    done = run.step / run.steps if run.step and run.steps else None
    return html.progress(f"The base answers ({words.STATUS[run.status][0]})", done), True


def _run(room: Room, draft: Draft) -> RunView | None:
    """The run that asked the base about these very rows, unless it was deleted."""
    if not draft.asked or draft.asked["key"] != draft.parts_key:
        return None
    with suppress(NotFound):
        return room.run(draft.asked["run"])
    return None


def _report(room: Room, draft: Draft) -> dict[str, Any] | None:
    run = _run(room, draft)
    return read_json(room.folder(run.run).report_path) if run and run.ended else None


def begin(room: Room, draft: Draft, owner: str, name: str | None, on_gpu: Any = False) -> str:
    """Submit the fine-tune; the run's id. What the page grays out is refused here too."""
    _ready(draft)
    report = _report(room, draft)
    return submit.training(
        room.settings,
        draft.task,
        prepared(draft).train_path,
        draft.recipe,
        fmt=draft.format_on(room.base),
        name=(name or "").strip() or None,
        baseline=should_you.baseline(draft.task, report) if report else None,
        owner=owner,
        engine=sliced.ENGINE if on_gpu else "local",
    )


def _ready(draft: Draft) -> None:
    if not draft.is_checked:
        raise Refused("The check comes first: open step 2, and put right what stands in the way")


def accepted(view: View, room: Room, run_id: str) -> Updates:
    found = room.run(run_id)
    said = html.note(
        html.el("strong", f"✓ {found.name} is accepted. "),
        "It runs on its own: you may close this page. Its link: ",
        html.el("a", f"?run={run_id[:8]}…", href=f"?run={run_id}"),
        tone="good",
    )
    return {view.started: said, view.follow: gr.Button(visible=True), view.run: run_id}
