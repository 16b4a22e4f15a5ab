"""Examine a file: every row is read once, as training would read it, and shown to every check. Memory stays small."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from backends.bases import tokenizer
from backends.catalog import Base
from backends.errors import BadInput
from backends.settings import Settings
from finetune import formats
from finetune.check import reading, texts
from finetune.check.finding import SHOWN, Check, Finding, RowCheck, Seen, rows
from finetune.check.labels import Labels
from finetune.check.lengths import Lengths
from finetune.check.near import NearDuplicates
from finetune.check.reading import Reading
from finetune.check.repeats import Repeats
from finetune.rows import row_files
from finetune.task import Task

TOGETHER = 512  # rows that are encoded at once
TOLD = 3  # reasons that one message gives
ORDER = ("fatal", "warning", "note")


@dataclass(frozen=True)
class Report:
    rows: int
    findings: tuple[Finding, ...]
    #: lines that a mended file does without: unusable rows, exact duplicates, rows of the held-out files
    leave_out: frozenset[int] = frozenset()
    #: the checks that found something which can be mended in the text itself
    mends: tuple[RowCheck, ...] = ()
    reading: Reading = Reading()

    @property
    def ok(self) -> bool:
        return not any(finding.level == "fatal" for finding in self.findings)


class Unusable:
    """Rows that cannot be read, or that the task refuses."""

    def __init__(self) -> None:
        self.lines: list[int] = []
        self.reasons: list[str] = []

    def add(self, line: int, problem: str) -> None:
        self.lines.append(line)
        if len(self.reasons) < TOLD:
            self.reasons.append(f"line {line}, {problem}")

    def finding(self, usable: int, found: Reading, task: Task) -> Finding | None:
        if not self.lines:
            return None
        needed, columns = (*task.columns, task.target), [g.column for g in found.guesses]
        told = "" if usable else f" Columns found: {', '.join(columns)[:200] or 'none'}; needed: {', '.join(needed)}."
        message = f"{rows(len(self.lines))}: cannot be used ({'; '.join(self.reasons)}).{told}"
        return Finding("unusable", "fatal", len(self.lines), tuple(self.lines[:SHOWN]), message, "they are left out")


def examine(
    path: Path,
    task: Task,
    settings: Settings,
    base: Base,
    max_length: int,
    *,
    held_out: Sequence[Path] = (),
    roles: Mapping[str, str] | None = None,
) -> Report:
    """All that can be said about `path` with nothing but the base's tokenizer."""
    tokens = tokenizer.load(settings, base)
    lengths = Lengths(task, formats.format_for(base, settings), tokens, max_length)
    repeats = Repeats(task)
    by_row = [*lengths.checks(), *texts.checks()]
    checks: list[Check] = [*by_row, repeats, NearDuplicates(), Labels()]
    unusable, usable = Unusable(), 0
    try:
        found = reading.of(path, task, settings, roles)
        for together in _in_parts(_seen([path, *held_out], task, settings, found, unusable)):
            lengths.measure([row for row in together if not row.source])
            usable += sum(not row.source for row in together)
            for check in checks:
                for row in together:
                    check.see(row)
    except BadInput as error:
        return Report(usable, (Finding("file", "fatal", 1, (), str(error)),))
    findings = [finding for check in checks for finding in check.findings()]
    findings += filter(None, (unusable.finding(usable, found, task), _too_few(repeats, path), _columns(found)))
    findings.sort(key=lambda finding: ORDER.index(finding.level))
    leave_out = frozenset(unusable.lines) | repeats.superfluous()
    mends = tuple(check for check in by_row if check.count and check.mend)
    return Report(usable + len(unusable.lines), tuple(findings), leave_out, mends, found)


def beside(path: Path) -> list[Path]:
    """The held-out files that belong to a file named train: val and test in the same folder."""
    if path.stem != "train":
        return []
    return [other for name in ("val", "test") if (other := path.with_stem(name)).is_file()]


def _seen(paths: Sequence[Path], task: Task, settings: Settings, found: Reading, unusable: Unusable) -> Iterator[Seen]:
    for source, path in enumerate(paths):
        found = reading.of(path, task, settings) if source else found
        for line in row_files.lines(path, settings):
            try:
                if line.row is None:
                    raise BadInput(line.problem)
                row = task.clean(found.row(line.row))
                texts_of = [str(row[column]) for column in task.columns]
                yield Seen(line.number, source, row, (*texts_of, task.answer_of(row)))
            except BadInput as problem:
                if not source:
                    unusable.add(line.number, str(problem))


def _in_parts(seen: Iterator[Seen]) -> Iterator[list[Seen]]:
    while together := list(islice(seen, TOGETHER)):
        yield together


def _too_few(repeats: Repeats, path: Path) -> Finding | None:
    different = repeats.different()
    if different > 1:
        return None
    told = "no row that can be used" if not different else "only one question"
    message = (
        f"{path.name} holds {told}: at least 2 different ones are needed, to train on one and check with the other."
    )
    return Finding("too_few", "fatal", different, (), message)


def _columns(found: Reading) -> Finding | None:
    """Columns in roles that were guessed or given are always said."""
    if not found.roles:
        return None
    sure = {guess.column: guess.confidence for guess in found.guesses}
    told = ", ".join(f"{column} as {role} ({sure[column]:.0%} sure)" for column, role in found.roles.items())
    return Finding("columns", "note", len(found.roles), (), f"Columns are read by their names and values: {told}.")
