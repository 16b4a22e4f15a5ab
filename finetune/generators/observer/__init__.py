"""Conversations and whether they are worth remembering, seeded. Wordings, names and domains are each split's own."""

import random
from collections.abc import Iterator

from finetune.generators.observer.words import load
from finetune.generators.observer.writer import Writer

ROWS = {"train": 1500, "val": 100, "test": 200}


def rows(split: str, seed: int) -> Iterator[dict[str, str]]:
    """The rows of a split; no message of the user comes twice, so none can have two labels."""
    writer = Writer(random.Random(f"observer {split} {seed}"), load("words", split), load("wordings", split))
    seen: set[str] = set()
    while len(seen) < ROWS[split]:
        row = writer.row()
        if (key := row["user_message"].casefold()) not in seen:
            seen.add(key)
            yield row
