"""Write a mended copy of a file: what is safe to put right is put right, and every change is said. Never in place."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.errors import BadInput
from backends.settings import Settings
from finetune.check.examine import Report
from finetune.check.finding import rows
from finetune.rows import data, row_files
from finetune.task import Task


def write(path: Path, out: Path, task: Task, settings: Settings, report: Report) -> list[str]:
    """JSONL of the rows of `path` under the task's names; returns what was done, in sentences."""
    if out.resolve() == path.resolve():
        raise BadInput(f"--fix writes a new file: {out.name} is the one that was examined")
    if any(finding.check == "file" for finding in report.findings):
        raise BadInput(f"{path.name} cannot be read as a whole, so there is nothing to write")
    mended: Counter[str] = Counter()
    data.write_rows(out, _mended(path, task, settings, report, mended))
    told = [f"{rows(mended.total())} changed in {out.name}" if mended else f"Rows are copied to {out.name}"]
    for finding in report.findings:
        if finding.fix:
            told.append(f"{finding.check}, {rows(mended.get(finding.check, finding.count))}: {finding.fix}")
    return told


def _mended(
    path: Path, task: Task, settings: Settings, report: Report, mended: Counter[str]
) -> Iterator[dict[str, Any]]:
    columns = (*task.columns, task.target)
    for line in row_files.lines(path, settings):
        if line.row is None or line.number in report.leave_out:
            continue
        row = report.reading.row(line.row)
        if not set(columns) <= set(row):  # a shape that only the task itself reads
            row = task.clean(row)
        for check in report.mends:
            changed = {name: check.mend(row[name]) for name in columns if check.mend and isinstance(row[name], str)}
            mended[check.name] += any(row[name] != text for name, text in changed.items())
            row |= changed
        yield row
