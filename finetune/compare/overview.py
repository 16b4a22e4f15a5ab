"""All tasks in one table: the base without and with examples, the best system without a model, nearest, the adapter."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from finetune import task_named
from finetune.scoring import baselines
from finetune.task import Metric

WIDTH = 100
COLUMNS = ("task", "zero-shot", "few-shot", "trivial", "nearest", "adapter")
System = Mapping[str, Any]


def contestants(report: Mapping[str, Any]) -> dict[str, System]:
    """The systems of a report by the table's columns; what did not take part is missing."""
    metric = task_named(report["task"]).primary_metric
    systems = report["systems"]
    simple = [s for s in systems if s["kind"] == "trivial" and s["name"] != baselines.NEAREST]
    found = {
        "zero-shot": [s for s in systems if s["kind"] == "base"],
        "few-shot": [s for s in systems if s["kind"] == "few-shot"],
        "trivial": sorted(simple, key=lambda s: _rank(metric, s)),
        "nearest": [s for s in systems if s["name"] == baselines.NEAREST],
        "adapter": [s for s in systems if s["kind"] == "adapter"],
    }
    return {column: some[0] for column, some in found.items() if some}


def _rank(metric: Metric, system: System) -> float:
    """Low for the best."""
    value = system["metrics"][metric.key]["value"]
    if value is None:
        return float("inf")
    return float(value if metric.better == "lower" else -value)


def rows(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """Two lines of the table: figures with their rows, and below them the intervals."""
    metric = task_named(report["task"]).primary_metric
    arrow = "↓" if metric.better == "lower" else "↑"
    figures, intervals = {"task": report["task"]}, {"task": f"  {metric.key} {arrow}"}
    for column, system in contestants(report).items():
        figure = system["metrics"][metric.key]
        if figure["value"] is None:
            figures[column] = f"-  n={figure['n']}"
            continue
        figures[column] = f"{figure['value']:.2f}  n={figure['n']}"
        intervals[column] = f"{figure['low']:.2f} to {figure['high']:.2f}"
    return [figures, intervals]


def notes(reports: Sequence[Mapping[str, Any]]) -> str:
    """What the table leaves open, and what each report says in words; folded to the table's width."""
    said = ["↑ higher is better, ↓ lower; n rows; below each figure its 95 % interval."]
    for report in reports:
        if best := contestants(report).get("trivial"):
            said.append(f"{report['task']}: the best trivial system is {best['name']} ({best['title']}).")
        if "verdict" in report:
            said.append(f"{report['task']}: {report['verdict']}")
    return "\n".join(textwrap.fill(text, WIDTH, subsequent_indent="  ") for text in said)
