"""The rows of a person's file as a table: looked at page by page, edited, rejected, relabelled, undone.

Every save is a new version of the file (versions.py), so nothing is ever lost by a change.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from backends.errors import BadInput, NotFound
from backends.settings import Settings
from finetune.check import reading
from finetune.check.reading import Reading
from finetune.rows import data, row_files
from finetune.rows.row_files import Line
from finetune.rows.versions import Version, Versions
from finetune.task import Row, Task

#: what becomes of a row that is changed; None = it is left out
Change = Callable[[Row], dict[str, Any]] | None


@dataclass(frozen=True)
class TableRow:
    """A row under the task's names; `problem` says why a training could not use it."""

    number: int
    row: dict[str, Any]
    problem: str = ""


class Table:
    """The current version, as rows of a task. Made anew for every look."""

    def __init__(self, versions: Versions, task: Task, settings: Settings) -> None:
        self.versions, self.task, self.settings = versions, task, settings
        self.version = versions.current
        self.path = versions.path(self.version)

    @cached_property
    def reading(self) -> Reading:
        return reading.of(self.path, self.task, self.settings, self.version.roles or None)

    def every(self) -> Iterator[TableRow]:
        return map(self._shown, self._lines())

    def page(self, skip: int, size: int) -> list[TableRow]:
        return list(islice(self.every(), skip, skip + size))

    def rows_at(self, numbers: Sequence[int]) -> list[TableRow]:
        """The rows of these lines, in the order of the file; what is not there is left out."""
        wanted = set(numbers)
        found: list[TableRow] = []
        for line in self._lines():
            if len(found) == len(wanted) or line.number > max(wanted):
                break
            if line.number in wanted:
                found.append(self._shown(line))
        return found

    def row(self, number: int) -> TableRow:
        if found := self.rows_at([number]):
            return found[0]
        raise NotFound(f"There is no row in line {number} of {self.path.name}")

    def edit(self, number: int, values: Mapping[str, Any]) -> Version:
        """Give a row other values."""
        return self._save({number: lambda row: dict(row) | dict(values)}, f"row {number} edited")

    def relabel(self, numbers: Sequence[int], answer: Any) -> Version:
        """Give rows another answer: all of them or none."""
        return self.answer(dict.fromkeys(numbers, answer), f"{_listed(numbers)} relabelled")

    def answer(self, answers: Mapping[int, Any], what: str) -> Version:
        """Give each of these rows its own answer: all of them or none."""

        def answered(answer: Any) -> Change:
            return lambda row: dict(row) | {self.task.target: answer}

        return self._save({number: answered(answer) for number, answer in answers.items()}, what)

    def reject(self, numbers: Sequence[int]) -> Version:
        """Leave rows out; they stay in the version before."""
        return self._save(dict.fromkeys(numbers), f"{_listed(numbers)} rejected")

    def _save(self, changes: Mapping[int, Change], what: str) -> Version:
        return self.versions.add(lambda path: data.write_rows(path, self._changed(changes)), what, self.version.number)

    def _changed(self, changes: Mapping[int, Change]) -> Iterator[dict[str, Any]]:
        missing = set(changes)
        for line in self._lines():
            missing.discard(line.number)
            left_out = line.number in changes and changes[line.number] is None
            if line.row is None and not left_out:
                raise BadInput(f"line {line.number} cannot be read ({line.problem}): reject it first")
            if not left_out:
                row, change = self._named(line.row or {}), changes.get(line.number)
                yield self._usable(line.number, change(row)) if change else row
        if missing:
            raise NotFound(f"There is no row in line {min(missing)} of {self.path.name}; nothing was changed")

    def _usable(self, number: int, row: dict[str, Any]) -> dict[str, Any]:
        """A changed row in the task's form; its other columns stay."""
        try:
            return row | self.task.clean(row)
        except BadInput as problem:
            raise BadInput(f"row {number}, {problem}; nothing was changed") from None

    def _named(self, raw: Row) -> dict[str, Any]:
        """Under the task's names; a row that cannot be used stays as it is, so that it is still refused by name."""
        try:
            row = self.reading.row(raw)
        except BadInput:
            return dict(raw)
        if {*self.task.columns, self.task.target} <= set(row):
            return row
        try:
            return self.task.clean(row)
        except BadInput:
            return row if set(self.task.columns) <= set(row) else dict(raw)  # one without a label has its inputs

    def _shown(self, line: Line) -> TableRow:
        if line.row is None:
            return TableRow(line.number, {}, str(line.problem))
        row = self._named(line.row)
        try:
            self.task.clean(row)
        except BadInput as problem:
            return TableRow(line.number, row, str(problem))
        return TableRow(line.number, row)

    def _lines(self) -> Iterator[Line]:
        return row_files.lines(self.path, self.settings)


def _listed(numbers: Sequence[int]) -> str:
    told = ", ".join(map(str, sorted(numbers)[:5])) + (" and more" if len(numbers) > 5 else "")
    return f"row {told}" if len(numbers) == 1 else f"rows {told}"
