"""Comparisons in the files of other tools: tables, LLM Comparator, promptfoo. Written from a report, read into rows."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from backends.errors import BadInput
from backends.files import read_json
from backends.settings import Settings
from finetune import stats
from finetune.compare.exchange import llm_comparator, promptfoo, tables
from finetune.rows import row_files
from finetune.scoring import report
from finetune.scoring.report import VERDICTS, Judged, System
from finetune.task import Task

#: name -> a report as the text of a file
WRITERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "csv": tables.csv_of,
    "json": tables.json_of,
    "llm-comparator": llm_comparator.written,
    "promptfoo": promptfoo.written,
}
#: of the first system of a file, which is compared, of the second, which it is compared with, and of the others
KINDS = ("adapter", "base", "other")
READERS = {"llm-comparator": llm_comparator, "promptfoo": promptfoo}


def read(path: Path, settings: Settings) -> dict[str, Any]:
    """`{"source", "systems", "rows", "n", "candidate", "baseline", "verdicts", "mcnemar_p"}` of another tool's file.

    Verdicts are those of its own judge; `scored` judges anew.
    """
    row_files.check_size(path, settings)
    document = read_json(path)
    source = next((name for name, reader in READERS.items() if reader.is_mine(document)), None)
    if source is None:
        raise BadInput(f"{path.name} is neither of LLM Comparator nor of promptfoo: {', '.join(READERS)} can be read")
    names, rows = READERS[source].rows_of(document)
    return {"source": source, "systems": names, "rows": rows, "n": len(rows)} | _verdicts(names, rows)


def _verdicts(names: list[str], rows: list[dict[str, Any]]) -> dict[str, Any]:
    known = [row["verdict"] for row in rows if row["verdict"]]
    if len(names) < 2 or not known:
        return {}
    counts = {name: known.count(name) for name in VERDICTS}
    p = stats.mcnemar(counts["fine_tuned_better"], counts["baseline_better"])
    return {"candidate": names[0], "baseline": names[1], "verdicts": counts, "mcnemar_p": p}


def scored(found: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """A report of ours: every answer of the file read and judged by the task, whatever its own judge said."""
    rows = [_clean(task, number, entry) for number, entry in enumerate(found["rows"], 1)]
    judged = []
    for place, name in enumerate(found["systems"]):
        answers = {i: e["answers"][name]["answer"] for i, e in enumerate(found["rows"]) if name in e["answers"]}
        timed = {i: {k: v for k, v in found["rows"][i]["answers"][name].items() if k == "seconds"} for i in answers}
        kind = KINDS[min(place, 2)]
        system = System(name, name, kind, adapter=name if kind == "adapter" else None)
        judged.append(Judged(system, {i: task.score(rows[i], text) for i, text in answers.items()}, timed))
    return report.build(task, judged, {"source": found["source"]})


def _clean(task: Task, number: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return task.clean(entry["fields"])
    except BadInput as problem:
        raise BadInput(f"row {number} cannot be one of {task.name}: {problem}") from None
