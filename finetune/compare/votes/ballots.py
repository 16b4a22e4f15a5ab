"""Blind votes: sides and order are drawn here and never told before the vote; each voter has one append-only file.

`DATA_DIR/votes/<comparison>/<voter>.jsonl`: its first line names the contestants and holds the seed from which this
voter's order and sides come; every vote is one more line, on disk before it is acknowledged; an undo is a line too.
"""

import random
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends import files
from backends.errors import BadInput, NotFound, Refused
from backends.guards import safe_name
from backends.settings import MB, Settings
from finetune.compare.votes.pairs import Comparison, Contestant, Pair, gives_away

LEFT, RIGHT, TIE, BOTH_BAD = CHOICES = ("left", "right", "tie", "both_bad")
CONFIDENCES = (1, 2, 3)
#: of all pairs so many come a second time with the sides swapped, not before GAP others
REPEATED, GAP = 0.15, 5
#: votes before a voter is told how they stand, so that the standing does not lead the first ones
ENOUGH = 10
MAX_REASON = 500
MAX_FILE = 20 * MB

Vote = dict[str, Any]


@dataclass(frozen=True)
class Showing:
    """One turn of a ballot: which pair, on which sides."""

    pair: int
    swapped: bool


@dataclass(frozen=True)
class Question:
    """What a voter may see: no names."""

    number: int
    total: int
    input: Mapping[str, str]
    left: str
    right: str


@dataclass(frozen=True)
class Poll:
    """All votes on one comparison: who was compared, and each voter's votes that were not undone."""

    comparison: str
    task: str
    contestants: tuple[Contestant, Contestant]
    votes: Mapping[str, Sequence[Vote]]


def folder(settings: Settings) -> Path:
    return settings.data_dir / "votes"


def plan(pairs: int, seed: str) -> list[Showing]:
    """Every pair once on a random side, and about 15 % of any stretch again with the sides swapped."""
    chance = random.Random(seed)
    phase, showings, again = chance.random(), [], []
    for turn, pair in enumerate(chance.sample(range(pairs), pairs)):
        showing = Showing(pair, chance.random() < 0.5)
        showings.append(showing)
        if int((turn + 1) * REPEATED + phase) > int(turn * REPEATED + phase):
            again.append((len(showings) + GAP, Showing(pair, not showing.swapped)))
        if again and again[0][0] <= len(showings):
            showings.append(again.pop(0)[1])
    return showings + [showing for _, showing in again]


class Ballot:
    """One voter's way through a comparison. Read from the voter's file each time, so a page holds a number only."""

    def __init__(self, settings: Settings, comparison: Comparison, voter: str) -> None:
        self.comparison, self.voter = comparison, voter
        self.path = _file(settings, comparison, voter)
        with _writing(self.path):
            if not (lines := files.read_json_lines(self.path)):
                lines = [_head(comparison)]
                files.append_json(self.path, lines[0], durable=True)
        self.showings = plan(len(comparison.pairs), lines[0]["seed"])
        self.votes = _standing(lines)

    @property
    def total(self) -> int:
        return len(self.showings)

    def question(self) -> Question | None:
        """The next pair on its sides; None when all are voted on."""
        number = len(self.votes)
        if number == self.total:
            return None
        pair, (left, right) = self._shown(number)
        return Question(number, self.total, pair.input, pair.answers[left], pair.answers[right])

    def cast(self, number: int, choice: str, confidence: int = 2, reason: str = "") -> Vote:
        """Keep the vote on question `number`, which must be the open one: a second click is not a second vote."""
        with _writing(self.path):
            self.votes = _standing(files.read_json_lines(self.path))
            if number != len(self.votes) or number == self.total:
                raise Refused("This vote was already given, perhaps in another window: press Start voting to go on")
            pair, sides = self._shown(number)
            vote = {"number": number} | made(self.comparison, pair, sides, choice, confidence, reason)
            files.append_json(self.path, vote, durable=True)
            self.votes.append(vote)
        return vote

    def undo(self) -> None:
        """Take back the last vote; its line stays and another one says so."""
        with _writing(self.path):
            self.votes = _standing(files.read_json_lines(self.path))
            if not self.votes:
                raise BadInput("There is no vote to take back")
            files.append_json(self.path, {"undo": self.votes.pop()["number"]}, durable=True)

    def missing(self) -> int:
        """Votes that are missing until the result may be shown."""
        return max(0, min(ENOUGH, self.total) - len(self.votes))

    def _shown(self, number: int) -> tuple[Pair, tuple[str, str]]:
        showing = self.showings[number]
        first, second = self.comparison.names
        return self.comparison.pairs[showing.pair], (second, first) if showing.swapped else (first, second)


def made(comparison: Comparison, pair: Pair, sides: tuple[str, str], choice: str, confidence: int, reason: str) -> Vote:
    """A vote as it is kept: readable without the report, with the sides laid open for whoever checks it."""
    if choice not in CHOICES or confidence not in CONFIDENCES:
        raise BadInput(f"A vote is one of {', '.join(CHOICES)}, with a confidence of 1 to 3")
    left, right = sides
    return {
        "item": pair.item,
        "input": dict(pair.input),
        "answers": dict(pair.answers),
        "left": left,
        "right": right,
        "choice": choice,
        "preferred": {LEFT: left, RIGHT: right}.get(choice, choice),
        "confidence": confidence,
        "reason": reason.strip()[:MAX_REASON],
        "void": gives_away(pair, comparison.contestants),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def cast_on_panes(settings: Settings, comparison: Comparison, sides: tuple[str, str], voter: str, choice: str) -> Vote:
    """Keep a vote on one fresh pair; such votes on the same two contestants gather in one poll."""
    path = _file(settings, comparison, voter)
    vote = made(comparison, comparison.pairs[0], sides, choice, 2, "")
    with _writing(path):
        if not files.read_json_lines(path):
            files.append_json(path, _head(comparison), durable=True)
        files.append_json(path, vote, durable=True)
    return vote


def poll(settings: Settings, comparison: str) -> Poll:
    """Every voter's votes on the comparison of this id."""
    place = folder(settings) / safe_name(comparison, "the comparison")
    found = {path.stem: files.read_json_lines(path) for path in sorted(place.glob("*.jsonl"))}
    found = {voter: lines for voter, lines in found.items() if lines}
    if not found:
        raise NotFound(f"Nobody has voted on {comparison} yet: vote on the Compare tab first")
    head = next(iter(found.values()))[0]
    first, second = (Contestant(**known) for known in head["contestants"])
    return Poll(comparison, head["task"], (first, second), {who: _standing(lines) for who, lines in found.items()})


def _standing(lines: Sequence[dict[str, Any]]) -> list[Vote]:
    """The votes that were not taken back."""
    votes: list[Vote] = []
    for line in lines[1:]:
        votes = votes[:-1] if "undo" in line else [*votes, line]
    return votes


def _head(comparison: Comparison) -> dict[str, Any]:
    return {
        "comparison": comparison.id,
        "task": comparison.task,
        "contestants": [vars(who) for who in comparison.contestants],
        "same": comparison.same,
        "seed": secrets.token_hex(16),
    }


def _file(settings: Settings, comparison: Comparison, voter: str) -> Path:
    path = folder(settings) / comparison.id / f"{safe_name(voter, 'the name of a voter')}.jsonl"
    if path.exists() and path.stat().st_size > MAX_FILE:
        raise Refused(f"The votes of {voter} on this comparison take more than {MAX_FILE // MB} MB: no more are kept")
    return path


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """One writer of a voter's file at a time, with room for a vote."""
    with files.room_for(MB, path.parent, "Keeping a vote"), files.exclusive(path.with_suffix(".lock")):
        yield
