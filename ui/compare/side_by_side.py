"""Side by side: one input, two to four panes that answer together, named or blind until a vote."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from backends.errors import NotFound
from finetune import task_named
from finetune.compare.side_by_side import offered
from finetune.compare.votes.ballots import BOTH_BAD, TIE
from finetune.task import Task
from ui import html, owner
from ui.compare import panes_view, rounds
from ui.compare.rounds import Round
from ui.handlers import AT_ONCE, QUIET, Updates, area, message_area, speaks_in
from ui.html import Html
from ui.room import Room
from ui.tab import Page
from ui.views import answers
from ui.views.tasks_form import TaskForm

MOST = 4
EMPTY = html.empty(
    "The answers appear here, beside each other",
    "Choose who answers and press Ask all: everyone gets the same prompt, seed and sampling.",
)
SHARED = "They answer at the same time and share the processor, so each takes longer than alone."


class View:
    """The components of this part."""

    def __init__(self, room: Room) -> None:
        with gr.Row(equal_height=False):
            with gr.Column(scale=6, min_width=280):
                self.form = TaskForm()
                self.form.draw_fields(samples=False)
            with gr.Column(scale=5, min_width=280):
                self.count = gr.Radio([2, 3, 4], value=2, label="Panes", info=SHARED, elem_id="acr-panes")
                self.who = [
                    gr.Dropdown(
                        **_choice(room, self.form.tasks[0], pane),
                        label=f"Pane {pane + 1}",
                        visible=pane < 2,
                        filterable=False,
                    )
                    for pane in range(MOST)
                ]
                self.hide = gr.Checkbox(label="Hide the names until I vote", elem_id="acr-hide-names")
                with gr.Accordion("Seed and sampling", open=False):
                    self.seed = gr.Number(0, label="Seed", precision=0, minimum=0)
                    self.temperature = gr.Slider(
                        0, 2, 0, step=0.1, label="Temperature", info="0 always takes the likeliest token."
                    )
                    self.top_p = gr.Slider(0.05, 1, 1, step=0.05, label="Top p")
                with gr.Row():
                    self.start = gr.Button("Ask all", scale=3, min_width=120, elem_id="acr-both")
                    self.stop = gr.Button("Stop", interactive=False, scale=1, min_width=80)
        self.message = message_area()
        self.result = area(EMPTY, elem_id="acr-pair")
        with gr.Row(visible=False, elem_id="acr-pane-votes") as self.votes:
            self.best = [gr.Button(f"Answer {n} is best", size="sm", min_width=130) for n in range(1, MOST + 1)]
            self.tie = gr.Button("Equally good", size="sm", min_width=130)
            self.bad = gr.Button("All bad", size="sm", min_width=130)
            self.names = gr.Button("Show the names, no vote", size="sm", min_width=130)
        self.round = gr.State(None)


def build(page: Page) -> None:
    with gr.Accordion("Side by side on one input", open=False):
        view = View(page.room)
    _on_ask(page, view)
    _on_choice(page, view)
    _on_vote(page, view)


def _on_ask(page: Page, view: View) -> None:
    room = page.room

    @speaks_in(view.message, after={view.stop: gr.update(interactive=False)}, failed={view.result: EMPTY})
    def ask_all(
        request: gr.Request, count: int, hidden: bool, seed: float, temperature: float, top_p: float, *rest: Any
    ) -> Iterator[Updates]:
        task, row = view.form.read(rest[MOST:])
        one = rounds.drawn(room.settings, task, row, rest[: int(count)], hidden)
        sampling = {"seed": int(seed), "temperature": temperature, "top_p": top_p}
        yield {view.stop: gr.Button(interactive=True), view.result: answers.writing(""), view.votes: _hidden()}
        for state in room.until_ready():
            yield {view.result: answers.preparing(state)}
        drawn = 0.0
        for grown in rounds.answers(room, owner.visitor(request), one, sampling):
            if time.monotonic() - drawn > answers.REDRAW:
                drawn = time.monotonic()
                yield {view.result: _shown(grown)}
        yield _ended(view, grown)
        if not hidden and (doubts := _doubts(room, grown)):
            yield {view.result: html.join(doubts, _shown(grown))}

    asked = view.start.click(
        ask_all,
        [view.count, view.hide, view.seed, view.temperature, view.top_p, *view.who, *view.form.inputs],
        [view.result, view.round, view.votes, *view.best, view.stop, view.message],
        concurrency_limit=AT_ONCE,
        **QUIET,
    )
    stopped = html.note("Stopped. Press Ask all to ask again.")
    view.stop.click(
        lambda: (stopped, gr.Button(interactive=False)), None, [view.result, view.stop], cancels=[asked], **QUIET
    )


def _on_choice(page: Page, view: View) -> None:
    """Who can stand in the panes hangs on the task, and on the adapters that there are now."""

    def panes_of(name: str) -> list[gr.Dropdown]:
        return [gr.Dropdown(**_choice(page.room, task_named(name), pane)) for pane in range(MOST)]

    view.form.chosen.input(panes_of, view.form.chosen, view.who, **QUIET)
    page.blocks.load(panes_of, view.form.chosen, view.who, **QUIET)
    shown = [gr.update(visible=False), gr.update(visible=True)]
    view.count.input(lambda n: [shown[pane < n] for pane in range(MOST)], view.count, view.who, **QUIET)


def _on_vote(page: Page, view: View) -> None:
    def voting(choice: int | str | None) -> Any:
        @speaks_in(view.message)
        def vote(one: Round | None, kept: str, request: gr.Request) -> Updates:
            if one is None:
                raise NotFound("There are no answers to choose from: press Ask all first")
            named = {view.result: _shown(one, named=True), view.votes: _hidden(), view.round: None}
            if choice is None:
                return named
            who = owner.of(page.room.settings, kept, request)
            return named | {view.message: html.note(rounds.keep(page.room.settings, one, who, choice))}

        return vote

    buttons = {button: number for number, button in enumerate(view.best)}
    for button, choice in {**buttons, view.tie: TIE, view.bad: BOTH_BAD, view.names: None}.items():
        told = [view.result, view.votes, view.round, view.message]
        button.click(voting(choice), [view.round, page.owner], told, **QUIET)


def _ended(view: View, one: Round) -> Updates:
    """The answers are there; when names are hidden, so are the buttons to vote with."""
    buttons = {button: gr.Button(visible=number in one.answered) for number, button in enumerate(view.best)}
    votes = {view.votes: gr.Row(visible=one.hidden and len(one.answered) > 1), view.round: one}
    if one.hidden and len(one.answered) < 2:
        return {view.result: _shown(one, named=True)}
    return {view.result: _shown(one)} | (buttons | votes if one.hidden else {})


def _shown(one: Round, named: bool = False) -> Html:
    return panes_view.view(one.task, one.panes, one.states, one.hidden and not named)


def _hidden() -> gr.Row:
    return gr.Row(visible=False)


def _doubts(room: Room, one: Round) -> Html | None:
    """What the engines' measurements say against the adapters that answered here."""
    asked = {(pane.adapter, pane.engine) for pane, state in zip(one.panes, one.states, strict=True) if state.answer}
    found = [answers.doubts(room, adapter, engine) for adapter, engine in sorted(asked, key=str)]
    return html.join(*found) if any(found) else None


def _choice(room: Room, task: Task, pane: int) -> dict[str, Any]:
    """The settings of a pane's dropdown: the first ones hold the first adapter and the base, both on llama.cpp."""
    panes = offered(room.settings, task)
    adapters = [name for name, one in panes.items() if one.adapter]
    bases = [name for name, one in panes.items() if not one.adapter]
    order: Sequence[str] = [*adapters[:1], *bases[:1], *adapters[1:], *bases[1:]]
    return {
        "choices": [(panes_view.title(one), name) for name, one in panes.items()],
        "value": order[pane % len(order)],
    }
