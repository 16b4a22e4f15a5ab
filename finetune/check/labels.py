"""Answers that are chosen from a few labels: how the rows spread over them, and labels that are likely misspelt."""

from collections import Counter
from collections.abc import Iterator

from finetune.check.finding import SHOWN, Finding, Seen, rows

MOST_LABELS, LONGEST = 30, 40
LEAST_ROWS = 20
LOPSIDED, RARE = 0.8, 20  # share of the most frequent label; times it is more frequent than the rarest
TIMES = 5  # a label is a slip of one that is at least so many times as frequent


class Labels:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: dict[str, list[int]] = {}
        self.rows = 0

    def see(self, row: Seen) -> None:
        if row.source:
            return
        self.rows += 1
        if len(self.counts) <= 10 * MOST_LABELS:  # more are no labels, and are not kept
            label = row.answer[: LONGEST + 1]
            self.counts[label] += 1
            self.lines.setdefault(label, []).append(row.line)
            del self.lines[label][SHOWN:]

    def findings(self) -> Iterator[Finding]:
        if self.rows < LEAST_ROWS or any(len(label) > LONGEST or "\n" in label for label in self.counts):
            return
        typos = self._typos()
        real = Counter({label: n for label, n in self.counts.items() if label not in typos})
        if not 0 < len(real) <= min(MOST_LABELS, self.rows // 5):
            return
        if typos:
            yield self._misspelt(typos)
        yield from self._balance(real)

    def _misspelt(self, typos: dict[str, str]) -> Finding:
        count = sum(self.counts[label] for label in typos)
        lines = sorted(line for label in typos for line in self.lines[label])[:SHOWN]
        listed = ", ".join(f"{bad[:40]!r} for {good!r}" for bad, good in list(typos.items())[:3])
        message = f"{rows(count)}: a label that is likely another one misspelt ({listed}): correct it."
        return Finding("label_typos", "warning", count, tuple(lines), message)

    def _balance(self, real: Counter[str]) -> Iterator[Finding]:
        (top, most), (rarest, least) = real.most_common()[0], real.most_common()[-1]
        if most < LOPSIDED * self.rows and most < RARE * least:
            return
        said = f"{most:,} of {self.rows:,} rows have the answer {top!r}"
        told = f", only {least:,} have {rarest!r}" if rarest != top else ""
        message = f"{said}{told}: an adapter may learn to say the frequent one. Add rows of the others."
        yield Finding("balance", "warning", most, tuple(self.lines[top]), message)

    def _typos(self) -> dict[str, str]:
        """Rare label -> the frequent one that it is one slip away from."""
        frequent = [label for label, _ in self.counts.most_common(MOST_LABELS)]
        found = {}
        for label, n in self.counts.items():
            near = next((good for good in frequent if n * TIMES <= self.counts[good] and slip(label, good)), None)
            if near is not None:
                found[label] = near
        return found


def slip(label: str, good: str) -> bool:
    """Equal but for case, blanks and marks; or one letter wrong, missing, doubled or swapped, after the first one."""
    if label == good:
        return False
    if label.casefold().split() == good.casefold().split():
        return True
    plain, wanted = _letters(label), _letters(good)
    if len(wanted) < 4 or plain[:1] != wanted[:1] or any(char.isdigit() for char in plain + wanted):
        return False
    return _steps(plain, wanted) <= (2 if len(wanted) >= 9 else 1)


def _letters(label: str) -> str:
    return "".join(char for char in label.casefold() if char.isalnum())


def _steps(one: str, other: str) -> int:
    """Letters to change, add, leave out or swap with the next (optimal string alignment)."""
    rows: list[list[int]] = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        line = [i]
        for j, b in enumerate(other, 1):
            step = min(rows[-1][j] + 1, line[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and (a, one[i - 2]) == (other[j - 2], b):
                step = min(step, rows[-2][j - 2] + 1)
            line.append(step)
        rows.append(line)
    return rows[-1][-1]
