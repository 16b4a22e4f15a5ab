"""Slices of a report: where the adapter wins and where it loses, by length of the input and by every column with few
values.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from finetune import stats
from finetune.task import Metric, Row, Scored, Task

#: a column with more values than this is no slice
MAX_VALUES = 12
#: fewer rows than this say nothing
MIN_ROWS = 5
LENGTHS = ("short", "medium", "long")

CORRECT = Metric("correct", "correct", "rate", "higher", part=lambda scored: float(scored.correct))

#: rows of two systems by row number
Pairs = Mapping[int, tuple[Scored, Scored]]


def slices(task: Task, pairs: Pairs) -> list[dict[str, Any]]:
    """`[{"by", "value", "n", "candidate", "baseline", "wins", "losses", "says"}]`, most losing first.

    `candidate` and `baseline` are figures of `metric_of(task)`; wins and losses count rows where just one is right.
    """
    rows = {number: candidate.row for number, (candidate, _) in pairs.items()}
    made = [_slice(task, by, value, [pairs[i] for i in members]) for by, value, members in _groups(task, rows)]
    return sorted(made, key=lambda one: one["wins"] - one["losses"])


def metric_of(task: Task) -> Metric:
    """The primary metric, or the share of right answers where that is none of single rows (macro-F1 of one class)."""
    return CORRECT if task.primary_metric.kind == "statistic" else task.primary_metric


def members(task: Task, rows: Mapping[int, Row], by: str, value: str) -> set[int]:
    """The rows of one slice, by number."""
    return {i for group, name, numbers in _groups(task, rows) if (group, name) == (by, value) for i in numbers}


def _groups(task: Task, rows: Mapping[int, Row]) -> Iterable[tuple[str, str, list[int]]]:
    columns = {column for row in rows.values() for column in row} - {*task.columns}
    for by, values in [("length", _lengths(task, rows)), *((c, _values(c, rows)) for c in sorted(columns))]:
        groups: dict[str, list[int]] = defaultdict(list)
        for number, value in values.items():
            groups[value].append(number)
        if 1 < len(groups) <= MAX_VALUES:
            yield from ((by, value, members) for value, members in groups.items() if len(members) >= MIN_ROWS)


def _values(column: str, rows: Mapping[int, Row]) -> dict[int, str]:
    """The column as text; a number or a structure is no class."""
    return {number: str(row[column]) for number, row in rows.items() if isinstance(row.get(column), str | bool)}


def _lengths(task: Task, rows: Mapping[int, Row]) -> dict[int, str]:
    """Thirds of the rows by how many characters their input has."""
    order = sorted(rows, key=lambda number: (sum(len(str(rows[number][c])) for c in task.columns), number))
    return {number: LENGTHS[place * len(LENGTHS) // len(order)] for place, number in enumerate(order)}


def _slice(task: Task, by: str, value: str, pairs: Sequence[tuple[Scored, Scored]]) -> dict[str, Any]:
    wins = sum(a.correct and not b.correct for a, b in pairs)
    losses = sum(b.correct and not a.correct for a, b in pairs)
    metric = metric_of(task)
    candidate, baseline = (stats.figure(metric, list(side)) for side in zip(*pairs, strict=True))
    return {
        "by": by,
        "value": value,
        "n": len(pairs),
        "candidate": candidate.to_json(),
        "baseline": baseline.to_json(),
        "wins": wins,
        "losses": losses,
        "says": stats.apart(candidate, baseline, metric.better),
    }
