"""Training, validation and test rows out of one file: shares, a seed, and what must stay on one side."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backends.errors import BadInput
from finetune.rows import data
from finetune.task import Task

#: a validation set above this only costs time
MOST_VAL = 200
MOST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Shares:
    """How rows are parted. `group` is a column whose equal values stay on one side; empty = none."""

    val: float = 0.1
    test: float = 0.0
    seed: int = 0
    group: str = ""

    def __post_init__(self) -> None:
        for name, value, low in (("validation", self.val, 0.01), ("test", self.test, 0.0)):
            if not isinstance(value, int | float) or not low <= value <= 0.5:
                raise BadInput(f"The {name} share is {value!r:.20}; accepted is {low:.0%} to 50 % of the rows")
        if type(self.seed) is not int or not 0 <= self.seed <= MOST_SEED:
            raise BadInput(f"The seed is {self.seed!r:.20}; accepted is a whole number from 0 to {MOST_SEED}")


def parted(rows: Sequence[dict[str, Any]], task: Task, shares: Shares) -> dict[str, list[dict[str, Any]]]:
    """`{"train", "val", "test"}`. Rows that ask the same, or share the group, stay together; test may be empty."""
    found = sorted(_together(rows, task, shares.group), key=lambda group: data.input_key(task, rows[group[0]]))
    if len(found) < 2 + bool(shares.test):
        what = f"different values of {shares.group}" if shares.group else "different rows"
        raise BadInput(f"At least {2 + bool(shares.test)} {what} are needed, one for each part, not {len(found)}")
    random.Random(shares.seed).shuffle(found)
    rest = iter(found[1:])  # one group always remains for training
    wanted = {"test": round(len(rows) * shares.test), "val": max(1, min(MOST_VAL, round(len(rows) * shares.val)))}
    side = dict.fromkeys(found[0], "train")
    for name, least in wanted.items():
        held = 0
        while held < least and (group := next(rest, None)):
            side.update(dict.fromkeys(group, name))
            held += len(group)
    made: dict[str, list[dict[str, Any]]] = {"train": [], "val": [], "test": []}
    for i, row in enumerate(rows):
        made[side.get(i, "train")].append(row)
    if not made["val"]:
        raise BadInput("The test rows leave none to validate with: choose a smaller share for them")
    return made


def columns(rows: Sequence[dict[str, Any]], task: Task) -> list[str]:
    """Columns by which rows can be kept together: what stands beside the task's own."""
    return sorted({name for row in rows for name in row} - {*task.columns, task.target})


def _together(rows: Sequence[dict[str, Any]], task: Task, column: str) -> list[list[int]]:
    """Groups of rows by number; those with one value of `column` become one."""
    found = data.groups(rows, task)
    if not column:
        return found
    if not any(column in row for row in rows):
        others = ", ".join(columns(rows, task))[:200] or "none"
        raise BadInput(f"No row has the column {column[:60]!r} to keep together; there are: {others}")
    root: dict[int, int] = {}  # number of a group -> one that it belongs to
    first: dict[Any, int] = {}
    for number, group in enumerate(found):
        for value in {rows[i][column] for i in group if column in rows[i]}:
            root[_root(root, number)] = _root(root, first.setdefault(value, number))
    made: dict[int, list[int]] = {}
    for number, group in enumerate(found):
        made.setdefault(_root(root, number), []).extend(group)
    return list(made.values())


def _root(root: dict[int, int], number: int) -> int:
    while root.get(number, number) != number:
        number = root[number]
    return number
