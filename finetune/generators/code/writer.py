"""Writes one row: draws blocks, says them, puts their Python together, and computes what the asserts expect.

The expected values come from what the blocks do (vocabulary.py), not from the text of the answer: running the one
against the other checks both. Blocks that change nothing in all the tried arguments are not accepted.
"""

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from finetune.generators.code.block import Block
from finetune.generators.code.vocabulary import SIGNED, UNSIGNED
from finetune.generators.code.wordings_held_out import OF_SPLIT

PLURALS = {"is": "are", "has": "have", "does": "do", "reaches": "reach", "matches": "match", "goes": "go"}
ASSERTS, TRIES = 5, 60
Arguments = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """A block with its constant, or with the parameter that stands for it."""

    block: Block
    constant: Any = None
    parameter: str = ""

    @property
    def k(self) -> str:
        return self.parameter or json.dumps(self.constant)

    def code(self, v: str) -> str:
        return self.block.code.replace("{k}", self.k).replace("{v}", v)

    @property
    def short(self) -> str:
        return self.block.short.replace("{k}", self.k)

    def run(self, value: Any, arguments: Arguments) -> Any:
        return self.block.run(value, arguments[self.parameter] if self.parameter else self.constant)


@dataclass
class Draft:
    """A function on its way: its blocks, words and lines, and what it computes."""

    category: str
    pieces: list[Piece]
    key: tuple[str, ...]
    body: list[str]
    #: (arguments, pieces that count) -> result; pieces left out are tried to see whether they matter
    run: Callable[[Arguments, Sequence[Piece]], Any]
    said: str = ""
    #: in a frame of steps: what is gone through and what each turns into
    steps: dict[str, str] = field(default_factory=dict)
    note: list[str] = field(default_factory=list)


class Pen:
    """One split's wordings behind one random source; what all families of functions are written with."""

    def __init__(self, rng: random.Random, split: str) -> None:
        self.rng, self.split, self.w = rng, split, OF_SPLIT[split]
        self.parameters: dict[str, Callable[[], Any]] = {}
        self.used: set[str] = set()
        self.constants: list[Any] = []

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def piece(self, pool: dict[str, Block], *, parameter: float = 0.0) -> Piece:
        """One of the blocks that go together with those drawn so far; its constant may become a parameter."""
        clash = (SIGNED if self.used & UNSIGNED else set()) | (UNSIGNED if self.used & SIGNED else set())
        block = pool[self.rng.choice([name for name in pool if name not in clash | self.used])]
        self.used.add(block.name)
        if not block.constants:
            return Piece(block)
        constant = self.rng.choice(block.constants)
        self.constants.append(constant)
        if len(self.parameters) < 2 and self.chance(parameter):
            names = self.w.strings if isinstance(constant, str) else self.w.bounds
            name = self.rng.choice([name for name in names if name not in self.parameters])
            if name not in self.parameters:
                self.parameters[name] = lambda: self.rng.choice(block.constants)
                return Piece(block, constant, name)
        return Piece(block, constant)

    def say(self, piece: Piece, **slots: str) -> str:
        return fill(self.rng.choice(piece.block.says[self.split]).replace("{k}", piece.k), **slots)

    def form(self, name: str, **slots: str) -> str:
        return fill(self.rng.choice(self.w.forms[name]), **slots)

    def that(self, filters: Sequence[Piece], *, many: bool) -> str:
        """ " that are even and are above 5", or the same of one element."""
        said = [self.say(piece) for piece in filters]
        return f" {self.w.that} " + " and ".join(map(plural, said) if many else said) if said else ""

    # The row.

    def row(self, draft: Draft) -> dict[str, Any] | None:
        """The finished row, or None where a block makes no difference."""
        tried = self._tried(draft)
        if tried is None:
            return None
        noun = next(iter(self.parameters))
        name = f"{self.rng.choice(self.w.verbs)}_{noun}"
        signature = f"{name}({', '.join(self.parameters)})"
        lines = [f"def {signature}:", f"    # {', '.join(draft.note)}", *("    " + line for line in draft.body)]
        slots = {"sig": signature, "name": name, "args": " and ".join(self.parameters)} | draft.steps
        frames = self.w.steps if draft.steps else self.w.frames
        return {
            "instruction": fill(self.rng.choice(frames), **slots, r=draft.said),
            "output": "\n".join(lines),
            "entry_point": name,
            "tests": [
                f"assert {name}({', '.join(map(literal, arguments.values()))}) == {literal(expected)}"
                for arguments, expected in tried
            ],
            "category": draft.category,
            "blocks": len(draft.key) - 1,
        }

    def _tried(self, draft: Draft) -> list[tuple[Arguments, Any]] | None:
        """Arguments with what comes out: each block matters in some, and two results at least are different."""
        tried: list[tuple[Arguments, Any]] = []
        differs: set[int] = set()
        for _ in range(TRIES):
            arguments = {name: draw() for name, draw in self.parameters.items()}
            try:
                expected = draft.run(arguments, draft.pieces)
            except (ValueError, IndexError, ZeroDivisionError):
                continue
            new = {i for i in range(len(draft.pieces)) if self._matters(draft, i, arguments, expected)} - differs
            seen = expected in [known for _, known in tried] and self.chance(0.6)
            if new or (len(tried) < ASSERTS and not seen):
                differs |= new
                tried.append((arguments, expected))
            if len(tried) >= ASSERTS and len(differs) == len(draft.pieces):
                break
        enough = len({repr(expected) for _, expected in tried}) >= 2 and len(differs) == len(draft.pieces)
        return tried if enough and len(tried) <= ASSERTS + 1 else None

    @staticmethod
    def _matters(draft: Draft, i: int, arguments: Arguments, expected: Any) -> bool:
        try:
            return bool(draft.run(arguments, [p for j, p in enumerate(draft.pieces) if j != i]) != expected)
        except Exception:
            return True


def literal(value: Any) -> str:
    """As Python writes it; sets in order, which is otherwise another one in every process."""
    if isinstance(value, set) and value:
        return "{" + ", ".join(map(repr, sorted(value))) + "}"
    return repr(value)


def plural(said: str) -> str:
    """ "is even" -> "are even"."""
    verb, _, rest = said.partition(" ")
    return f"{PLURALS.get(verb, verb.removesuffix('s'))} {rest}"


def fill(text: str, **slots: str) -> str:
    return re.sub(r"\{([a-z]+)\}", lambda found: slots.get(found[1], found[0]), text)
