"""The rows of a report as a table: CSV for a spreadsheet, JSON for a program."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from backends.files import dump_json

#: a spreadsheet takes a cell that begins so for a formula
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows_of(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One flat row each: inputs, what was expected, the columns beside, every system's answer, the verdict."""
    return [_flat(entry, [system["name"] for system in report["systems"]]) for entry in report["rows"]]


def _flat(entry: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    row = {"row": entry["row"] + 1} | entry["input"] | {"expected": entry["expected"]} | entry.get("beside", {})
    for name in names:
        if given := entry["answers"].get(name):
            row |= {f"{name}: {key}": given.get(key) for key in ("answer", "correct", "problem", "seconds")}
    return row | {"verdict": entry.get("verdict")}


def json_of(report: Mapping[str, Any]) -> str:
    return dump_json(rows_of(report), indent=1) + "\n"


def csv_of(report: Mapping[str, Any]) -> str:
    rows = rows_of(report)
    columns = dict.fromkeys(column for row in rows for column in row)
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({column: _cell(value) for column, value in row.items()} for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A structure as JSON; a text that would be a formula gets an apostrophe before it."""
    if isinstance(value, dict | list):
        value = dump_json(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
