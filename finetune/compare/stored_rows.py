"""The scored rows of a stored report again: from them alone comes every figure, so that anyone can check it."""

from collections.abc import Mapping
from typing import Any

from finetune import task_named
from finetune.scoring import report
from finetune.scoring.report import Judged, System
from finetune.task import Row, Scored, Task

#: keys of a report that are made from its rows; all others are facts that came from outside
MADE = (
    *("task", "primary", "n", "systems", "candidate", "baseline", "verdicts", "mcnemar_p", "verdict"),
    *("slices", "targets", "rows"),
)


def of(made: Mapping[str, Any]) -> dict[int, Row]:
    """The test rows of a report, by number, as they were before anybody answered."""
    task = task_named(made["task"])
    return {
        entry["row"]: entry["input"] | {task.target: entry["expected"]} | entry.get("beside", {})
        for entry in sorted(made["rows"], key=lambda entry: entry["row"])
    }


def judged(made: Mapping[str, Any]) -> list[Judged]:
    """Every system with its answers, judged anew."""
    task, rows = task_named(made["task"]), of(made)
    answers = {entry["row"]: entry["answers"] for entry in made["rows"]}
    return [
        _judged(task, system, rows, {i: answers[i][system["name"]] for i in rows if system["name"] in answers[i]})
        for system in made["systems"]
    ]


def _judged(
    task: Task, system: Mapping[str, Any], rows: Mapping[int, Row], answers: Mapping[int, Mapping[str, Any]]
) -> Judged:
    name = system["name"]
    adapter = name if system["kind"] == "adapter" else None
    who = System(name, system["title"], system["kind"], adapter=adapter, free=system.get("free", False))
    return Judged(who, {i: _scored(task, rows[i], answer) for i, answer in answers.items()}, dict(answers))


def _scored(task: Task, row: Row, answer: Mapping[str, Any]) -> Scored:
    if answer["problem"]:  # an answer that was cut is wrong even where its text could be read
        return Scored(row, answer["answer"], None, correct=False, problem=answer["problem"])
    return task.score(row, answer["answer"])


def again(made: Mapping[str, Any]) -> dict[str, Any]:
    """The report made anew from the rows that it holds."""
    facts = {key: value for key, value in made.items() if key not in MADE}
    return report.build(task_named(made["task"]), judged(made), facts)
