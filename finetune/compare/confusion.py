"""What was answered for what, counted: for tasks whose answer is one of a few labels."""

from collections import Counter
from collections.abc import Sequence

from finetune.task import Scored, Task

UNREADABLE = "unreadable"


def confusion(task: Task, rows: Sequence[Scored]) -> dict[str, dict[str, int]]:
    """`{expected: {given: rows}}` with every label on both sides; empty for a task that has no labels."""
    counts = Counter((s.row[task.target], UNREADABLE if s.value is None else s.value) for s in rows if task.choices)
    return {label: {given: counts[label, given] for given in (*task.choices, UNREADABLE)} for label in task.choices}
