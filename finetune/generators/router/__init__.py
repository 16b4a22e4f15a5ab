"""Queries and the plans that route them, seeded. Wordings, names and domains are each split's own."""

import random
from collections.abc import Iterator

from finetune.generators.router.words import load
from finetune.generators.router.writer import ROUTES, Writer

ROWS = {"train": 2300, "val": 60, "test": 200}


def rows(split: str, seed: int) -> Iterator[dict[str, str]]:
    """The rows of a split, every route as often as the others; no query comes twice."""
    rng = random.Random(f"router {split} {seed}")
    writer = Writer(rng, load("words", split), load("wordings", split))
    seen: set[str] = set()
    left: list[str] = []
    while len(seen) < ROWS[split]:
        left = left or rng.sample(list(ROUTES), len(ROUTES))
        row = writer.row(left[-1])
        if row and (key := row["query"].casefold()) not in seen:
            left.pop()
            seen.add(key)
            yield row
