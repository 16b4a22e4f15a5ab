"""Rows that a task can use: read and checked with the line's number, split without leaks, written, fingerprinted."""

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from backends.errors import BadInput
from backends.files import dump_json, replacing
from backends.settings import Settings
from finetune.check import reading
from finetune.rows import row_files
from finetune.task import Row, Task

SHOWN = 5  # problems spelled out in one message
WRITTEN = 3  # answers are written, not chosen, when a different one comes for every so many rows
LONG_ANSWER = 12  # characters: shorter ones may be equal by chance


def read_rows(
    path: Path, task: Task, settings: Settings, roles: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Clean rows to train or to test on. One unusable row refuses the file: nothing is dropped in silence.

    `roles` (column of the file -> column of the task) overrule what is guessed of files in another shape.
    """
    found = reading.of(path, task, settings, roles)
    return _read(path, lambda row: task.clean(found.row(row)), (*task.columns, task.target), settings)


def read_inputs(path: Path, task: Task, settings: Settings) -> list[dict[str, Any]]:
    """Rows to be answered: only the input columns are needed, all others are kept."""
    empty = [field.column for field in task.inputs if field.optional]

    def check(row: Row) -> dict[str, Any]:
        for column in task.columns:
            if row.get(column) or column not in empty:
                text_in(row, column)
        return {**row, **{column: row.get(column) or "" for column in empty}}

    return _read(path, check, task.columns, settings)


def text_in(row: Row, column: str) -> str:
    """The text of a column, for `Task.clean`; BadInput in the words of the reader's messages."""
    value = row.get(column)
    if value is None:
        raise BadInput(f"column {column}: missing")
    if not isinstance(value, str):
        raise BadInput(f"column {column}: a text is needed, this is {type(value).__name__}")
    if not value.strip():
        raise BadInput(f"column {column}: empty")
    return value


def slices(row: Row, used: Iterable[str]) -> dict[str, Any]:
    """The plain values of the other columns: they stay with a row and tell kinds of rows apart in a report."""
    used = set(used)
    return {k: v for k, v in row.items() if k not in used and isinstance(v, str | int | float | bool)}


def _read(
    path: Path, clean: Callable[[Row], dict[str, Any]], needed: Sequence[str], settings: Settings
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    found: list[str] = []
    bad = 0
    for line in row_files.lines(path, settings):
        found = found or sorted(line.row or ())
        try:
            if line.problem or line.row is None:
                raise BadInput(line.problem)
            rows.append(clean(line.row))
        except BadInput as problem:
            bad += 1
            if bad <= SHOWN:
                problems.append(f"line {line.number}, {problem}")
    if bad or not rows:
        raise BadInput(_message(path, rows, problems, bad, found, needed))
    return rows


def _message(
    path: Path, rows: Sequence[Row], problems: list[str], bad: int, found: list[str], needed: Sequence[str]
) -> str:
    if not bad:
        return f"{path.name} holds no row; needed are the columns {', '.join(needed)}"
    listed = "; ".join(problems) + (f"; and {bad - SHOWN} more" if bad > SHOWN else "")
    count = f"{path.name}: {bad} of {bad + len(rows)} rows cannot be used"
    if not rows and not set(needed) <= set(found):
        columns = ", ".join(found)[:200] or "none"
        return f"{count}. Columns found: {columns}; needed: {', '.join(needed)}. {listed}"
    return f"{count}. {listed}"


def input_key(task: Task, row: Row) -> str:
    """What makes two rows the same question: their inputs without case and spacing."""
    return "\x1f".join(" ".join(str(row[column]).split()).casefold() for column in task.columns)


def groups(rows: Sequence[Row], task: Task) -> list[list[int]]:
    """Rows (by number) that must stay on one side of a split: they ask the same, or share one long answer.

    The second holds where answers are written, not chosen from a few: a shared one is a question in two wordings.
    """
    answers = [task.answer_of(row).strip() for row in rows]
    written = WRITTEN * len(set(answers)) >= len(answers)
    first: dict[str, int] = {}
    group_of = list(range(len(rows)))
    for i, row in enumerate(rows):
        keys = [input_key(task, row)] + ([f"\x1e{answers[i]}"] if written and len(answers[i]) >= LONG_ANSWER else [])
        for other in {_root(group_of, first.setdefault(key, i)) for key in keys}:
            group_of[_root(group_of, i)] = other
    found: dict[int, list[int]] = {}
    for i in range(len(rows)):
        found.setdefault(_root(group_of, i), []).append(i)
    return list(found.values())


def _root(group_of: list[int], i: int) -> int:
    while group_of[i] != i:
        group_of[i] = i = group_of[group_of[i]]
    return i


def split(
    rows: Sequence[dict[str, Any]],
    task: Task,
    *,
    seed: int = 0,
    val_share: float = 0.1,
    least: int = 1,
    most: int = 200,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """`(train, val)`. Rows of one group stay on one side; a val set above `most` only costs time."""
    found = sorted(groups(rows, task), key=lambda group: input_key(task, rows[group[0]]))
    if len(found) < 2:
        raise BadInput(
            f"At least 2 different rows are needed to train on one and check with the other, not {len(found)}"
        )
    random.Random(seed).shuffle(found)
    wanted = max(least, min(most, round(len(rows) * val_share)))
    held: set[int] = set()
    for group in found[1:]:  # one group always remains for training
        if len(held) >= wanted:
            break
        held.update(group)
    return [row for i, row in enumerate(rows) if i not in held], [rows[i] for i in sorted(held)]


def three_way(
    rows: Sequence[dict[str, Any]], task: Task, *, seed: int = 0, share: float = 0.1
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """`(train, val, test)`, the last two with about `share` of the rows each."""
    rest, test = split(rows, task, seed=seed, val_share=share)
    train, val = split(rest, task, seed=seed, val_share=share / (1 - share))
    return train, val, test


def digest(rows: Iterable[Row]) -> str:
    """SHA-256 of the rows as canonical JSON lines: equal for equal rows, however they were written."""
    total = hashlib.sha256()
    for row in rows:
        total.update(dump_json(dict(row), sort_keys=True, separators=(",", ":")).encode() + b"\n")
    return total.hexdigest()


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """JSONL, whole or not at all."""
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        for row in rows:
            out.write(dump_json(dict(row)) + "\n")


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Rows that `write_rows` wrote: clean already, so read without questions."""
    with path.open(encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]
