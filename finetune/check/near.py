"""Near duplicates: rows that are almost the same question with the same answer, found without comparing all pairs.

MinHash over shingles of three words proposes pairs; what is reported was compared exactly. Answers of a few words
must be equal; longer ones are part of the text that is compared.
"""

import re
from array import array
from collections.abc import Iterator
from typing import Any
from zlib import crc32

from finetune.check.finding import SHOWN, Finding, Seen, rows
from finetune.check.repeats import hashed

ALIKE = 0.8  # share of shingles in common (Jaccard)
BANDS, IN_BAND = 8, 4  # finds 98 % of the pairs at 0.8
FEW_WORDS = 5
MOST = 20_000_000  # shingles that are kept: 80 MB
#: make one number of the IN_BAND values of a band, and of three neighbouring words
ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)
TRIES = 3  # exact comparisons of one row: rows from one template would meet in every band
AT_ONCE = 4096  # rows signed together
#: words and signs of mathematics; in scripts without blanks every letter is a word
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+|[+*/=<>^%&|~-]")


class NearDuplicates:
    def __init__(self) -> None:
        self.lines, self.exact, self.answers = array("I"), array("Q"), array("Q")
        self.words, self.starts = array("I"), array("Q", [0])
        self.complete = True

    def see(self, row: Seen) -> None:
        if row.source or not self.complete:
            return
        said = WORD.findall("\n".join(row.fields[:-1]).casefold())
        answer = WORD.findall(row.answer.casefold())
        short = len(answer) < FEW_WORDS
        if not short:
            said += answer
        if len(self.words) + len(said) > MOST:
            self.complete = False
            return
        self.words.extend([crc32(word.encode()) for word in said] or [0])
        self.starts.append(len(self.words))
        self.lines.append(row.line)
        self.exact.append(hashed("\x1f".join(row.fields)))
        self.answers.append(hashed(row.answer.strip().casefold()) if short else 0)

    def findings(self) -> Iterator[Finding]:
        found = sorted(self._found())
        if found:
            told = "" if self.complete else f" (looked for in the first {len(self.lines):,} rows)"
            sentence = "almost the same as an earlier row, with the same answer: keep the better one of each pair."
            lines = tuple(self.lines[i] for i in found[:SHOWN])
            yield Finding("near_duplicates", "warning", len(found), lines, f"{rows(len(found))}{told}: {sentence}")

    def _found(self) -> set[int]:
        """The later row of each pair."""
        import numpy as np

        if len(self.lines) < 2:
            return set()
        words, starts = np.frombuffer(self.words, np.uint32), np.frombuffer(self.starts, np.uint64).astype(np.int64)
        signs = _signatures(words, starts)
        exact, answers = np.frombuffer(self.exact, np.uint64), np.frombuffer(self.answers, np.uint64)
        found: set[int] = set()
        tries: Any = np.zeros(len(signs), np.uint8)
        for one, other in _proposed(signs):
            alike = (exact[one] != exact[other]) & (answers[one] == answers[other])
            alike &= (signs[one] == signs[other]).mean(1) > ALIKE - 0.15  # a rough look before the exact one
            for i, j in zip(one[alike].tolist(), other[alike].tolist(), strict=True):
                if j in found or tries[j] == TRIES:
                    continue
                tries[j] += 1
                if _jaccard(_shingles(words, starts, i), _shingles(words, starts, j)) >= ALIKE:
                    found.add(j)
        return found


def _mixed(words: Any) -> Any:
    """Hashes of three neighbouring words, from the words' own."""
    import numpy as np

    wide = words.astype(np.uint64)
    mixed = wide[:-2] * np.uint64(ODD[0]) + wide[1:-1] * np.uint64(ODD[1]) + wide[2:]
    return (mixed ^ (mixed >> np.uint64(29))).astype(np.uint32)


def _padded(words: Any, start: int, end: int) -> Any:
    """The words of one row with a mark on either side, so that one word makes a shingle too."""
    import numpy as np

    return np.concatenate([[1], words[start:end], [2]]).astype(np.uint32)


def _shingles(words: Any, starts: Any, i: int) -> Any:
    import numpy as np

    return np.unique(_mixed(_padded(words, starts[i], starts[i + 1])))


def _jaccard(one: Any, other: Any) -> float:
    import numpy as np

    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def _signatures(words: Any, starts: Any) -> Any:
    """For each row the least value of each of BANDS * IN_BAND hash functions over its shingles."""
    import numpy as np

    chance = np.random.default_rng(0)
    odd = chance.integers(1, 2**32, BANDS * IN_BAND, dtype=np.uint32) | np.uint32(1)
    add = chance.integers(0, 2**32, BANDS * IN_BAND, dtype=np.uint32)
    count = len(starts) - 1
    signs: Any = np.empty((count, BANDS * IN_BAND), np.uint32)
    for begin in range(0, count, AT_ONCE):
        end = min(begin + AT_ONCE, count)
        mixed, offsets = _many(words, starts[begin : end + 1])
        for k in range(BANDS * IN_BAND):
            signs[begin:end, k] = np.minimum.reduceat(mixed * odd[k] + add[k], offsets)
    return signs


def _many(words: Any, starts: Any) -> tuple[Any, Any]:
    """The shingles of several rows in one array, and where each row begins in it."""
    import numpy as np

    lengths = np.diff(starts)
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    padded = np.ones(lengths.sum() + 2 * len(lengths), np.uint32)
    firsts = offsets + 2 * np.arange(len(lengths))
    inside: Any = np.ones(len(padded), bool)
    inside[firsts] = False
    inside[firsts + lengths + 1] = False
    padded[inside] = words[starts[0] : starts[-1]]
    padded[firsts + lengths + 1] = 2
    keep: Any = np.ones(len(padded) - 2, bool)  # a shingle may not reach into the next row
    keep[(firsts + lengths + 1)[:-1]] = False
    keep[(firsts + lengths)[:-1]] = False
    return _mixed(padded)[keep], offsets


def _proposed(signs: Any) -> Iterator[tuple[Any, Any]]:
    """For each band, pairs of rows that agree in it: each with the first of its kind, and with the one before."""
    import numpy as np

    for band in range(BANDS):
        part = signs[:, band * IN_BAND : (band + 1) * IN_BAND].astype(np.uint64)
        keys = (part * np.array(ODD, np.uint64)).sum(1)
        _, first, which = np.unique(keys, return_index=True, return_inverse=True)
        later = np.flatnonzero(first[which] != np.arange(len(which)))
        yield first[which][later], later
        order = np.argsort(which, kind="stable")
        same = which[order][1:] == which[order][:-1]
        yield order[:-1][same], order[1:][same]
