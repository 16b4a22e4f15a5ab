"""How the rows of a file are read as a task's: as they are, or with columns in the roles that were guessed or given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from backends.errors import BadInput
from backends.settings import Settings
from finetune.check import chats, columns
from finetune.check.columns import Guess
from finetune.rows import row_files
from finetune.task import Row, Task

SAMPLE = 200  # rows that a guess is made from


@dataclass(frozen=True)
class Reading:
    """`roles` is empty where the rows are the task's own; `guesses` say what was seen in either case."""

    roles: Mapping[str, str] = field(default_factory=dict)
    guesses: tuple[Guess, ...] = ()

    def row(self, raw: Row) -> dict[str, Any]:
        """A row under the task's names. Columns with one role become one text; all others keep their names."""
        if not self.roles:
            return chats.with_whole_texts(raw)
        flat = chats.flat(raw)
        made = {name: value for name, value in flat.items() if name not in self.roles}
        for role in dict.fromkeys(self.roles.values()):
            parts = [flat[name] for name, its in self.roles.items() if its == role and flat.get(name) not in (None, "")]
            if parts:
                made[role] = parts[0] if len(parts) == 1 else "\n\n".join(map(str, parts))
        return made


def of(path: Path, task: Task, settings: Settings, roles: Mapping[str, str] | None = None) -> Reading:
    """How `path` is read; `roles` (column of the file -> column of the task) overrule every guess."""
    sample = [line.row for line in islice(row_files.lines(path, settings), SAMPLE) if line.row is not None]
    return of_rows(sample, task, roles)


def of_rows(sample: Sequence[Row], task: Task, roles: Mapping[str, str] | None = None) -> Reading:
    guesses = tuple(columns.guess([_flat(row) for row in sample], task))
    if roles:
        return _given(roles, guesses, task)
    own = _usable(sample, task, Reading())
    found = {g.column: g.role for g in guesses if g.role and g.confidence >= columns.SURE}
    missing = {*task.columns, task.target} - set(found.values())
    if 2 * own >= len(sample) or missing - {task.target}:
        return Reading({}, guesses)
    made = Reading(found, guesses)
    if missing and not own:  # no labels yet: the questions can be found all the same
        return made
    return made if _usable(sample, task, made) > own else Reading({}, guesses)


def _given(roles: Mapping[str, str], guesses: Sequence[Guess], task: Task) -> Reading:
    """Roles that a person gave; what they leave open is guessed as before."""
    wanted, found = (*task.columns, task.target), [g.column for g in guesses]
    for column, role in roles.items():
        if role not in wanted:
            raise BadInput(f"Task {task.name} has no column {role[:60]!r}; it has {', '.join(wanted)}")
        if column not in found:
            raise BadInput(f"The file has no column {column[:60]!r}; it has {', '.join(found)[:200]}")
    kept = [g if g.role not in roles.values() else Guess(g.column, "", 1.0, "kept beside the row") for g in guesses]
    made = tuple(Guess(g.column, roles[g.column], 1.0, "given") if g.column in roles else g for g in kept)
    return Reading({g.column: g.role for g in made if g.role}, made)


def _usable(sample: Sequence[Row], task: Task, reading: Reading) -> int:
    return sum(_works(row, task, reading) for row in sample)


def _works(row: Row, task: Task, reading: Reading) -> bool:
    try:
        task.clean(reading.row(row))
    except BadInput:
        return False
    return True


def _flat(row: Row) -> dict[str, Any]:
    try:
        return chats.flat(row)
    except BadInput:  # the rows that can be read decide; this one is refused later, with its line
        return dict(row)
