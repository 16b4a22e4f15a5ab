"""The rows of a report that a person wants to see: of one verdict, of one slice, with a text somewhere in them."""

from collections.abc import Mapping
from typing import Any

from finetune import task_named
from finetune.compare import slices, stored_rows


def kinds(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The slices that rows can be chosen by, as (by, value)."""
    return [(one["by"], one["value"]) for one in report.get("slices", ())]


def chosen(
    report: Mapping[str, Any], verdict: str | None = None, kind: tuple[str, str] | None = None, text: str = ""
) -> list[dict[str, Any]]:
    """In the order of the report, worst first; what is not given chooses nothing out."""
    rows = list(report["rows"])
    if verdict:
        rows = [row for row in rows if row.get("verdict") == verdict]
    if kind:
        compared = {row["row"] for row in report["rows"] if "verdict" in row}
        those = {i: row for i, row in stored_rows.of(report).items() if i in compared}
        members = slices.members(task_named(report["task"]), those, *kind)
        rows = [row for row in rows if row["row"] in members]
    wanted = text.strip().casefold()
    return [row for row in rows if wanted in _words(row)] if wanted else rows


def _words(row: Mapping[str, Any]) -> str:
    answers = (given["answer"] for given in row["answers"].values())
    return "\n".join(map(str, [*row["input"].values(), row["expected"], *answers])).casefold()
