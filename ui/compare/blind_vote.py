"""The blind vote of the Compare tab: pairs of the report above, real buttons, undo, a result after enough votes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from backends.errors import NotFound, Refused
from backends.lora.adapter_zip import fresh_folder
from finetune.compare.votes import ballots, pairs, preferences
from finetune.compare.votes.ballots import BOTH_BAD, LEFT, RIGHT, TIE, Ballot
from finetune.compare.votes.pairs import Comparison
from finetune.rows import data
from ui import html, owner
from ui.compare import vote_view
from ui.handlers import QUIET, Updates, area, message_area, speaks_in
from ui.room import Room
from ui.runs import download
from ui.tab import Page
from ui.views import reports

CHOICES = {LEFT: "Left is better", RIGHT: "Right is better", TIE: "Equally good", BOTH_BAD: "Both are bad"}
CONFIDENCES = [("guessing", 1), ("fairly sure", 2), ("sure", 3)]


@dataclass(frozen=True)
class Open:
    """The question that a voter is looking at."""

    comparison: Comparison
    voter: str
    number: int


class View:
    """The components of this part."""

    def __init__(self, page: Page) -> None:
        self.name = gr.Textbox(
            owner.LOCAL,
            label="Your name",
            info="Each voter's votes are kept apart.",
            visible=page.room.settings.space_id is None,
            max_lines=1,
        )
        self.start = gr.Button("Start voting", elem_id="acr-vote-start")
        self.message = message_area()
        self.question = area(vote_view.EMPTY, elem_id="acr-vote")
        with gr.Column(visible=False) as self.voting:
            with gr.Row(elem_id="acr-vote-choices"):
                self.choices = {
                    choice: gr.Button(words, min_width=120, elem_id=f"acr-vote-{choice.replace('_', '-')}")
                    for choice, words in CHOICES.items()
                }
            with gr.Row():
                self.confidence = gr.Radio(CONFIDENCES, value=2, label="How sure are you?", min_width=240)
                self.reason = gr.Textbox(
                    label="Why? (may stay empty)", max_lines=1, max_length=ballots.MAX_REASON, min_width=240
                )
        with gr.Row(visible=False) as self.after:
            self.undo = gr.Button("Take back my last vote", size="sm", min_width=140, elem_id="acr-vote-undo")
            self.export = gr.Button("Preference pairs for DPO", size="sm", min_width=140, elem_id="acr-vote-pairs")
        self.result = area(elem_id="acr-vote-result")
        #: the comparison, the voter and the number of the open question; like every gr.State it stays on the server
        self.open = gr.State(None)

    @property
    def changing(self) -> list[Any]:
        return [self.question, self.voting, self.after, self.result, self.reason, self.open, self.message]


def build(page: Page, asked: list[Any]) -> None:
    """`asked` are the components that name the report (ui/views/reports.py)."""
    with gr.Accordion("Vote blind on these answers", open=False):
        view = View(page)
    told = speaks_in(view.message)
    view.start.click(told(_starting(page, view)), [page.owner, view.name, *asked], view.changing, **QUIET)
    for choice, button in view.choices.items():
        given = [view.open, view.confidence, view.reason]
        button.click(told(_casting(page, view, choice)), given, view.changing, **QUIET)
    view.undo.click(told(_undoing(page, view)), view.open, view.changing, **QUIET)
    download.on_click(view.export, _exporting(page.room), [view.open], view.message)


def _starting(page: Page, view: View) -> Callable[..., Updates]:
    settings = page.room.settings

    def start(request: gr.Request, kept: str, name: str, *asked: Any) -> Updates:
        voter = name.strip() if settings.space_id is None else owner.of(settings, kept, request)
        comparison = pairs.of_report(reports.needed(page.room, *asked))
        return _shown(page.room, view, Ballot(settings, comparison, voter))

    return start


def _casting(page: Page, view: View, choice: str) -> Callable[..., Updates]:
    def cast(opened: Open | None, confidence: int, reason: str) -> Updates:
        ballot, number = _ballot(page.room, opened)
        vote = ballot.cast(number, choice, confidence, reason or "")
        void = f"This vote is void: an answer says {vote['void']!r}, which gives its author away."
        return _shown(page.room, view, ballot) | ({view.message: html.note(void)} if vote["void"] else {})

    return cast


def _undoing(page: Page, view: View) -> Callable[..., Updates]:
    def undo(opened: Open | None) -> Updates:
        ballot, _ = _ballot(page.room, opened)
        ballot.undo()
        return _shown(page.room, view, ballot)

    return undo


def _exporting(room: Room) -> Callable[..., Path]:
    def export(opened: Open | None, request: gr.Request) -> Path:
        ballot, _ = _ballot(room, opened)
        if ballot.missing():
            raise Refused("The pairs name who answered: they can be had when the result is shown")
        made = preferences.preferences(room.settings, ballots.poll(room.settings, ballot.comparison.id))
        if not made:
            raise NotFound("No vote prefers one of the two, so there is no pair to export yet")
        path = fresh_folder() / f"preferences-{ballot.comparison.id}.jsonl"
        data.write_rows(path, made)
        return path

    return export


def _ballot(room: Room, opened: Open | None) -> tuple[Ballot, int]:
    """The voter's ballot as it is on disk, and the number of the question that was on the screen."""
    if opened is None:
        raise NotFound("No vote is open here: press Start voting")
    return Ballot(room.settings, opened.comparison, opened.voter), opened.number


def _shown(room: Room, view: View, ballot: Ballot) -> Updates:
    """The next pair, or that there is none; and how the votes stand once there are enough of them."""
    asked = ballot.question()
    return {
        view.question: vote_view.question(ballot.comparison, asked) if asked else vote_view.finished(ballot),
        view.voting: gr.Column(visible=asked is not None),
        view.after: gr.Row(visible=bool(ballot.votes)),
        view.result: vote_view.result(room, ballot),
        view.reason: "",
        view.open: Open(ballot.comparison, ballot.voter, len(ballot.votes)),
    }
