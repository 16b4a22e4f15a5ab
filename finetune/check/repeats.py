"""Rows against each other: exact duplicates, contradictions, overlap with held-out rows, questions in two wordings.

Of each row only hashes are kept, 30 bytes in all; they are sorted at the end.
"""

import hashlib
from array import array
from collections.abc import Iterator
from typing import Any

from finetune.check.finding import SHOWN, Finding, Level, Seen, rows
from finetune.rows import data
from finetune.task import Task


class Repeats:
    def __init__(self, task: Task) -> None:
        self.task = task
        self.lines, self.sources = array("I"), array("B")
        #: exactly this row, this question in any case and spacing, this answer
        self.exact, self.asked, self.answered = array("Q"), array("Q"), array("Q")
        self.long = array("B")

    def see(self, row: Seen) -> None:
        answer = " ".join(row.answer.split()).casefold().rstrip(".")
        self.lines.append(row.line)
        self.sources.append(row.source)
        self.exact.append(hashed("\x1f".join(row.fields)))
        self.asked.append(hashed(data.input_key(self.task, row.row)))
        self.answered.append(hashed(answer))
        self.long.append(len(answer) >= data.LONG_ANSWER)

    def findings(self) -> Iterator[Finding]:
        import numpy as np

        own, exact, asked, answered = self._keys()
        yield from self._found(_again(exact[own]), "exact_duplicates", DUPLICATES, "the first of each is kept")
        yield from self._found(_disagreeing(asked[own], answered[own]), "contradictions", CONTRADICTIONS)
        held = np.isin(asked[own], asked[~own])
        yield from self._found(np.flatnonzero(held), "overlap", OVERLAP, "they are left out of this file")
        if data.WRITTEN * len(np.unique(answered[own])) >= own.sum():
            twins = [i for i in _disagreeing(answered[own], asked[own]) if self.long[i]]
            yield from self._found(twins, "same_answer", SAME_ANSWER, level="note")

    def different(self) -> int:
        """How many different questions the file itself asks."""
        own, _, asked, _ = self._keys()
        return len(set(asked[own].tolist()))

    def superfluous(self) -> set[int]:
        """Lines that repeat an earlier one exactly, or whose question also stands in a held-out file."""
        import numpy as np

        own, exact, asked, _ = self._keys()
        held = np.flatnonzero(np.isin(asked[own], asked[~own]))
        return {self.lines[i] for i in (*_again(exact[own]).tolist(), *held.tolist())}

    def _keys(self) -> Any:
        """(which rows are the file's own, and of every row the hash of itself, its question, its answer)."""
        import numpy as np

        own = np.frombuffer(self.sources, np.uint8) == 0
        return own, *(np.frombuffer(column, np.uint64) for column in (self.exact, self.asked, self.answered))

    def _found(
        self, where: Any, check: str, sentence: str, fix: str = "", level: Level = "warning"
    ) -> Iterator[Finding]:
        if len(where):
            lines = tuple(self.lines[i] for i in where[:SHOWN])  # rows of the file itself come first
            yield Finding(check, level, len(where), lines, f"{rows(len(where))}: {sentence}", fix)


DUPLICATES = "exactly like an earlier row, so it would be learned twice and may stand on both sides of a split."
CONTRADICTIONS = "the same question as another row but a different answer: decide which one is right."
OVERLAP = "the question also stands in the held-out rows, so a score there would be remembering: keep it in one place."
SAME_ANSWER = "another question has the very same answer: likely two wordings of one, which a split keeps on one side."


def hashed(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _again(keys: Any) -> Any:
    """Where a key stands for the second time or later."""
    import numpy as np

    first: Any = np.zeros(len(keys), bool)
    first[np.unique(keys, return_index=True)[1]] = True
    return np.flatnonzero(~first)


def _disagreeing(keys: Any, values: Any) -> Any:
    """Where rows with an equal key have different values: all rows of such keys, in order."""
    import numpy as np

    order = np.lexsort((values, keys))
    keys, values = keys[order], values[order]
    differs = (keys[1:] == keys[:-1]) & (values[1:] != values[:-1])
    return np.sort(order[np.isin(keys, keys[1:][differs])])
