"""Requests and their Sourcegraph queries, seeded. Wordings, names, repositories and domains are each split's own."""

import random
from collections.abc import Iterator
from types import SimpleNamespace

from finetune.generators.sourcegraph import famous, held_out, train, words
from finetune.generators.sourcegraph.writer import Writer

SPLITS = {
    "train": SimpleNamespace(rows=4000, words=words.TRAIN, phrases=train.PHRASES, famous=famous.TRAIN),
    "val": SimpleNamespace(rows=100, words=words.VAL, phrases=held_out.VAL, famous=famous.VAL),
    "test": SimpleNamespace(rows=200, words=words.TEST, phrases=held_out.TEST, famous=famous.TEST),
}


def rows(split: str, seed: int) -> Iterator[dict[str, str]]:
    """The rows of a split; no request and no query comes twice."""
    wanted = SPLITS[split]
    rng = random.Random(f"sourcegraph {split} {seed}")
    seen: set[str] = set()
    while len(seen) < 2 * wanted.rows:
        row = Writer(rng, wanted.words, wanted.phrases, wanted.famous).row()
        new = {row["natural_language"].casefold(), row["query"]}
        if len(new) == 2 and not new & seen:
            seen |= new
            yield row
