"""Systems without a model. Whatever an adapter is worth is what it adds to the best of these."""

import re
from collections.abc import Callable, Sequence
from statistics import median

from backends.errors import NotFound
from finetune.task import Row, Task, Trivial

NEAREST = "nearest"
WORD = re.compile(r"\w+")


def constant(name: str, title: str, answer: str) -> Trivial:
    """The same answer to everything."""
    return Trivial(name, title, lambda train: lambda row: answer)


def middle(target: str, show: Callable[[float], str]) -> Trivial:
    """The median target of the training rows, always: the constant that absolute error likes best."""

    def fit(train: Sequence[Row]) -> Callable[[Row], str]:
        answer = show(median(row[target] for row in train))
        return lambda row: answer

    return Trivial("median", "always the training median", fit)


def length(column: str, target: str, show: Callable[[float], str]) -> Trivial:
    """The least squares line from the number of characters to the target; `show` keeps it inside the task's range."""

    def fit(train: Sequence[Row]) -> Callable[[Row], str]:
        slope, start = _line([len(row[column]) for row in train], [row[target] for row in train])
        return lambda row: show(start + slope * len(row[column]))

    return Trivial("length", "a line on the input's length", fit)


def nearest(task: Task) -> Trivial:
    """The answer of the training row that shares most words: how far parroting the training set goes."""

    def words(row: Row) -> set[str]:
        return set(WORD.findall(" ".join(str(row[column]) for column in task.columns).lower()))

    def fit(train: Sequence[Row]) -> Callable[[Row], str]:
        known = [(words(row), task.answer_of(row)) for row in train]

        def answer(row: Row) -> str:
            asked = words(row)
            return max(known, key=lambda pair: _overlap(asked, pair[0]))[1]

        return answer

    return Trivial(NEAREST, "the answer of the most similar training row", fit)


def _overlap(a: set[str], b: set[str]) -> float:
    """Jaccard: shared words over all words."""
    return len(a & b) / (len(a | b) or 1)


def _line(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Slope and start of the least squares line; inputs that are all equally long give a flat one."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    together = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    slope = together / spread if spread else 0.0
    return slope, mean_y - slope * mean_x


def fit(task: Task, name: str, train: Sequence[Row]) -> Callable[[Row], str]:
    """The trivial system of that name, fitted: one of the task's own, or `nearest`."""
    known = {system.name: system for system in (*task.trivial, nearest(task))}
    if name not in known:
        raise NotFound(f"Task {task.name} has no trivial system {name!r}; known: {', '.join(known)}")
    return known[name].fit(train)


def shots(task: Task, train: Sequence[Row], count: int) -> list[Row]:
    """Examples for a base without training: the shortest rows that together span the answers."""
    ordered = sorted(train, key=task.answer_of)
    edges = [len(ordered) * i // count for i in range(count + 1)]
    parts = [ordered[low:high] for low, high in zip(edges, edges[1:], strict=False)]
    return [min(part, key=lambda row: sum(len(str(row[c])) for c in task.columns)) for part in parts if part]
