"""Questions about short texts on the environment, seeded. Subjects, names and wordings are each split's own."""

import random
from collections.abc import Iterator
from typing import Any

from finetune.generators.environment.domains import load
from finetune.generators.environment.writer import Writer

ROWS = {"train": 2200, "val": 60, "test": 200}


def rows(split: str, seed: int) -> Iterator[dict[str, Any]]:
    """The rows of a split; none asks the same of the same text."""
    writer = Writer(random.Random(f"environment {split} {seed}"), split, load(split))
    seen: set[tuple[str, str]] = set()
    while len(seen) < ROWS[split]:
        row = writer.row()
        if (key := (row["instruction"], row["input"])) not in seen:
            seen.add(key)
            yield row
