"""What a data file holds, in words and a small table: rows, columns, splits, labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from finetune.task import Row, Task
from ui import html, words
from ui.html import Html

FIRST = 5


def summary(task: Task, name: str, counts: Mapping[str, int], said: str, first: Sequence[Sequence[str]]) -> Html:
    """The sentence, `labels` and `first_cells` of what will be trained."""
    columns = ", ".join((*task.columns, task.target))
    tested = f", {counts['test']:,} to test with later" if counts.get("test") else ""
    read = (
        f"Read {words.count(sum(counts.values()), 'row')} from {name} with the columns {columns}: "
        f"{counts['train']:,} to train on, {counts['val']:,} held out for the eval loss{tested}."
    )
    cells = [[excerpt(cell) for cell in row] for row in first]
    table = html.table((*task.columns, task.target), cells, f"The first {words.count(len(cells), 'row')}")
    return html.join(html.sentence(read, "acr-lead"), html.sentence(said), table)


def first_cells(task: Task, rows: Sequence[Row]) -> list[list[str]]:
    return [[words.short(str(row[column])) for column in (*task.columns, task.target)] for row in rows[:FIRST]]


def excerpt(value: object, limit: int = 140) -> Html:
    return html.el("span", words.short(str(value), limit), cls="acr-excerpt")


def labels(task: Task, rows: Sequence[Row]) -> str:
    """How the targets are spread: numbers by range, a few labels by count, texts by length."""
    values = [row[task.target] for row in rows]
    if not values:
        return ""
    if all(isinstance(value, int | float) for value in values):
        return _numbers(task.target, [float(value) for value in values])
    counts = Counter(map(str, values))
    if len(counts) <= 12:
        return f"{task.target}: " + ", ".join(f"{label} {n:,}" for label, n in counts.most_common()) + "."
    lengths = sorted(len(str(value)) for value in values)
    middle = f"in the middle {median(lengths):,.0f}"
    return f"{task.target}: texts of {lengths[0]:,} to {lengths[-1]:,} characters, {middle}."


def _numbers(target: str, values: list[float], bins: int = 5) -> str:
    low, high = min(values), max(values)
    if low == high:
        return f"{target} is {low:g} in every row: there is nothing to learn from it."
    edges = [low + (high - low) * i / bins for i in range(bins + 1)]
    counts = [sum(a <= v < b or v == b == high for v in values) for a, b in pairwise(edges)]
    spread = ", ".join(f"{a:.1f}–{b:.1f}: {n:,}" for (a, b), n in zip(pairwise(edges), counts, strict=True))
    return f"{target} runs from {low:g} to {high:g}, in the middle {median(values):g}. Rows per range: {spread}."
