"""Requests for small Python functions, seeded, with asserts. Wordings, names and combinations are each split's own.

Blocks (choose, change, put together) are every split's; which of them stand together in a function is not: the
combination decides the split, so that the test asks for functions that nobody showed.
"""

import hashlib
import random
from collections.abc import Iterator
from typing import Any

from finetune.generators.code.families import check, result
from finetune.generators.code.keyed import keyed, single
from finetune.generators.code.writer import Draft, Pen

ROWS = {"train": 3800, "val": 60, "test": 200}
FAMILIES = {result: 62, keyed: 16, check: 10, single: 12}
MAX_INSTRUCTION, MAX_OUTPUT = 260, 300  # characters


def split_of(draft: Draft) -> str:
    """By the combination of blocks; one block alone is taught."""
    if len(draft.pieces) < 2:
        return "train"
    share = hashlib.sha256(" ".join(draft.key).encode()).digest()[0]
    return "train" if share < 192 else "val" if share < 208 else "test"


def rows(split: str, seed: int) -> Iterator[dict[str, Any]]:
    """The rows of a split; no request and no function comes twice."""
    rng = random.Random(f"code {split} {seed}")
    seen: set[str] = set()
    while len(seen) < 2 * ROWS[split]:
        pen = Pen(rng, split)
        draft = rng.choices(list(FAMILIES), list(FAMILIES.values()))[0](pen)
        if split_of(draft) != split:
            continue
        row = pen.row(draft)
        if row and not {row["instruction"], row["output"]} & seen and _short(row):
            seen |= {row["instruction"], row["output"]}
            yield row


def _short(row: dict[str, Any]) -> bool:
    return len(row["instruction"]) <= MAX_INSTRUCTION and len(row["output"]) <= MAX_OUTPUT
