"""`python -m tests.figures`: the README's tables of results, written from the stored reports and never by hand."""

import re
from collections.abc import Iterable
from typing import Any

from backends.files import read_json
from backends.settings import ROOT
from finetune import all_tasks, examples, task_named
from finetune.compare import overview
from tests.bench import results

OPEN, CLOSE = "<!-- measured -->", "<!-- /measured -->"


def block() -> str:
    """All tasks in one table, as `eval report --all` prints it; every system and metric of a task folded away below."""
    reports = [report for name in all_tasks() if (report := read_json(examples.report_path(name)))]
    parts = [*summary(reports), "", "`python -m finetune eval report --all` prints this table.", ""]
    for report in reports:
        task = task_named(report["task"])
        title = f"{task.title} (<code>{task.name}</code>): every system, {report['n']} held-out rows"
        parts += folded(title, [*table(report, report["systems"][0]["metrics"]), "", report["verdict"]])
    return "\n".join([*parts, *bench()]).strip()


def summary(reports: Iterable[dict[str, Any]]) -> list[str]:
    first, *others = overview.COLUMNS
    lines = [f"| {first} | {' | '.join(others)} |", "|---" * len(overview.COLUMNS) + "|"]
    for report in reports:
        figures, intervals = overview.rows(report)
        cells = [f"{figures.get(column, '–')}<br>{intervals.get(column, '')}" for column in overview.COLUMNS]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def bench() -> list[str]:
    """The sections of RESULTS.md, which `make bench` writes."""
    lines = ["`make bench` measures the rest, on the machine that it names:", ""]
    return lines + [line for heading, body in results.known().items() for line in folded(heading, [body])]


def folded(title: str, lines: list[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>", ""]


def table(report: dict[str, Any], keys: Iterable[str], head: str = "system") -> list[str]:
    """A row for each system, with these of its metrics."""
    columns = list(keys)
    lines = [f"| {head} | {' | '.join(columns)} | rows |", "|---" * (len(columns) + 2) + "|"]
    for system in report["systems"]:
        cells = [cell(system["metrics"][key]) for key in columns]
        lines.append(f"| {system['title']} | {' | '.join(cells)} | {system['n']} |")
    return lines


def cell(metric: dict[str, Any]) -> str:
    if metric["value"] is None:
        return "–"
    return f"{metric['value']:.2f} [{metric['low']:.2f}, {metric['high']:.2f}]"


def written(readme: str) -> str:
    return re.sub(f"{OPEN}.*?{CLOSE}", lambda _: f"{OPEN}\n{block()}\n{CLOSE}", readme, flags=re.DOTALL)


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(written(path.read_text()))
