"""One question to several panes: asked, and voted on. What a voter may not know yet stays here, on the server."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from backends.base import Request
from backends.errors import AppError, BadInput, NotFound
from backends.settings import Settings
from finetune.compare import side_by_side
from finetune.compare.side_by_side import Pane, State
from finetune.compare.votes import ballots, pairs, tally
from finetune.compare.votes.ballots import BOTH_BAD, LEFT, RIGHT, TIE
from finetune.compare.votes.pairs import Contestant
from finetune.task import Row, Task
from ui.compare import panes_view
from ui.room import Room


@dataclass(frozen=True)
class Round:
    """The panes in the order in which they are shown, with their answers when these are there."""

    task: Task
    row: Row
    panes: tuple[Pane, ...]
    hidden: bool
    states: list[State] = field(default_factory=list)

    @property
    def answered(self) -> list[int]:
        return [number for number, state in enumerate(self.states) if state.answer]


def drawn(settings: Settings, task: Task, row: Row, names: Sequence[str], hidden: bool) -> Round:
    """The round of these panes; in an order that nobody can foresee when their names are hidden."""
    known = side_by_side.offered(settings, task)
    if missing := [name for name in names if name not in known]:
        raise NotFound(f"{missing[0] or 'Nobody'} cannot answer for {task.title} here: choose another one")
    if hidden:
        names = random.SystemRandom().sample(names, len(names))
    return Round(task, row, tuple(known[name] for name in names), hidden)


def answers(room: Room, visitor: str, one: Round, sampling: dict[str, Any]) -> Iterator[Round]:
    """The round whenever an answer grew; a pane that cannot be asked says why, and the others go on."""
    asked = [(pane.engine, _request(room.settings, pane, one, sampling)) for pane in one.panes]
    reasons = [request for _, request in asked if isinstance(request, AppError)]
    if len(reasons) == len(asked):
        raise reasons[0]  # it is the input: said once
    for states in side_by_side.together(room.engine_for(visitor), room.settings, asked):
        yield replace(one, states=states)


def _request(settings: Settings, pane: Pane, one: Round, sampling: dict[str, Any]) -> Request | AppError:
    try:
        return pane.request(settings, one.task, one.row, **sampling)
    except AppError as error:
        return error


def keep(settings: Settings, one: Round, voter: str, choice: int | str) -> str:
    """Keep a vote, as one on every two panes between which it decides; what to say of it."""
    if choice not in (TIE, BOTH_BAD) and choice not in one.answered:
        raise BadInput("There is no answer in this pane to prefer")
    kept = []
    for left, right in combinations(one.answered, 2):
        said = LEFT if choice == left else RIGHT if choice == right else choice
        comparison = _comparison(one, left, right)
        if isinstance(said, str) and comparison.pairs[0].differs:
            sides = (one.panes[left].name, one.panes[right].name)
            vote = ballots.cast_on_panes(settings, comparison, sides, voter, said)
            kept.append((comparison.id, vote["void"]))
    if not kept:
        return "These answers are the same, so there is nothing to keep of this vote."
    if names := [name for _, name in kept if name]:
        return f"The vote is void: an answer says {names[0]!r}, which gives its author away."
    if len(kept) > 1:
        return f"Kept, as {len(kept)} preferences between two panes each."
    return "Kept. " + tally.tally(ballots.poll(settings, kept[0][0]), voter)["sentence"]


def _comparison(one: Round, left: int, right: int) -> pairs.Comparison:
    sides = []
    for number in (left, right):
        pane, answer = one.panes[number], one.states[number].answer
        assert answer
        sides.append((Contestant(pane.name, panes_view.title(pane), pane.base, pane.adapter), answer.text))
    row = {column: str(one.row[column]) for column in one.task.columns}
    return pairs.of_panes(one.task.name, row, sides[0], sides[1])
