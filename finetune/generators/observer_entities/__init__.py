"""Conversations and the graph of what they tell, seeded. Wordings, names and things are each split's own."""

import random
from collections.abc import Iterator

from finetune.generators.observer_entities.scene import Scenes

ROWS = {"train": 2600, "val": 60, "test": 200}


def rows(split: str, seed: int) -> Iterator[dict[str, str]]:
    """The rows of a split; no message of the user comes twice."""
    scenes = Scenes(random.Random(f"observer_entities {split} {seed}"), split)
    seen: set[str] = set()
    while len(seen) < ROWS[split]:
        row = scenes.row()
        if (key := row["user_message"].casefold()) not in seen:
            seen.add(key)
            yield row
