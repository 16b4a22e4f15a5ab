"""Arithmetic and word problems with their steps, seeded. Wordings, names and calculations are each split's own."""

import random
from collections.abc import Iterator
from hashlib import sha256

from finetune.generators.math import numbers, plan
from finetune.generators.math.texts import filled, load
from finetune.outputs.math_grammar import MAX_STEPS

ROWS = {"train": 9000, "val": 60, "test": 200}
#: of a hundred rows; the rest are word problems
BARE = {"+": 13, "-": 14, "*": 18, "/": 12, "^": 2, "lowest": 2}
#: a calculation belongs to one split for ever, whatever the seed: shares of ten
OWNERS = ("val", "test", "test", *("train",) * 7)


def rows(split: str, seed: int) -> Iterator[dict[str, str]]:
    """The rows of a split; no question comes twice."""
    rng = random.Random(f"math {split} {seed}")
    seen: set[str] = set()
    while len(seen) < ROWS[split]:
        row = _row(rng, split)
        if row and (key := row["question"].casefold()) not in seen:
            seen.add(key)
            yield row


def _row(rng: random.Random, split: str) -> dict[str, str] | None:
    wordings = load("wordings", split)
    bare = rng.choices([*BARE, None], [*BARE.values(), 100 - sum(BARE.values())])[0]
    kind = bare or _calculation(rng, split)
    values, (lines, value) = numbers.bare(rng, kind) if bare else numbers.worded(rng, kind)
    solution = "\n".join(lines)
    if len(solution) > MAX_STEPS or owner(lines[0]) != split:
        return None
    question = filled(rng, rng.choice(wordings[kind]), _written(rng, kind, values, bool(bare)), load("words", split))
    return {
        "question": question,
        "answer": plan.shown(value, kind == "lowest"),
        "solution": solution,
        "kind": bare or "words",
    }


def _calculation(rng: random.Random, split: str) -> str:
    """By the number of its wordings, those of one step twice as often."""
    kinds = [kind for kind in load("wordings", split) if kind not in BARE]
    counts = [len(load("wordings", split)[kind]) * (2 if len(kind) == 3 else 1) for kind in kinds]
    return rng.choices(kinds, counts)[0]


def owner(calculation: str) -> str:
    """The split that a calculation, numbers and all, belongs to."""
    return OWNERS[sha256(calculation.encode()).digest()[0] % len(OWNERS)]


def _written(rng: random.Random, kind: str, values: dict[str, int], bare: bool) -> dict[str, str]:
    """The numbers as people write them: some with separators, a negative one after a sign in brackets."""
    comma = rng.random() < (0.1 if bare else 0.3)
    shown = {name: f"{value:,}" if comma else str(value) for name, value in values.items()}
    if bare and values["b"] < 0 and rng.random() < 0.5:
        shown["b"] = f"({shown['b']})"
    return shown
