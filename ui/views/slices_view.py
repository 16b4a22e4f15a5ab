"""Where the adapter wins and where it loses, the targets with PASS or FAIL, and what the disagreements amount to."""

from typing import Any

from finetune.compare import plain_words, seed_report
from finetune.compare.slices import metric_of
from finetune.task import Task
from ui import html, words
from ui.html import Html

SAYS = {"better": ("better", "▲", "good"), "worse": ("worse", "▼", "bad"), "unclear": ("not clear", "≈", "plain")}
STATUS = {"PASS": ("PASS", "✓", "good"), "FAIL": ("FAIL", "✕", "bad")}


def disagreements(report: dict[str, Any]) -> Html | None:
    """McNemar's test as a sentence."""
    return html.sentence(plain_words.mcnemar(report)) if "verdicts" in report else None


def targets(report: dict[str, Any]) -> Html | None:
    if not report.get("targets"):
        return None
    rows = seed_report.table(report)
    cells = [[*list(row.values())[:-1], html.chip(*STATUS[row["Status"]])] for row in rows]
    return html.table(list(rows[0]), cells, "Targets, on the figures themselves and not on their intervals", (1, 2, 3))


def slices(task: Task, report: dict[str, Any]) -> Html | None:
    """Kinds of rows, the ones where it loses most first."""
    if not report.get("slices"):
        return None
    rows = [
        (
            f"{one['by']}: {one['value']}",
            f"{one['n']:,}",
            words.figure(one["candidate"]),
            words.figure(one["baseline"]),
            f"{one['wins']:,} : {one['losses']:,}",
            html.chip(*SAYS[one["says"]]),
        )
        for one in report["slices"]
    ]
    heads = ("Kind of row", "Rows", "Adapter", "Baseline", "Won : lost", "The intervals say")
    caption = f"{metric_of(task).title} by kind of row, most losing first"
    return html.folded("Where it wins and where it loses", html.table(heads, rows, caption, numeric=range(1, 5)))
