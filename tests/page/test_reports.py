"""Rows summed up, and a report as it is shown."""

from backends.catalog import EMBEDDED
from finetune import task_named
from finetune.scoring import report
from tests.parts.hostile import HOSTILE
from ui import html
from ui.views import report_view, rows_view

TASK = task_named("complexity")


def test_rows_are_summed_up_with_counts_labels_and_the_first_ones() -> None:
    rows = [{"code": f"function f{i}() {{}}", "score": 1.0 + i} for i in range(10)]
    first, said = rows_view.first_cells(TASK, rows[:8]), rows_view.labels(TASK, rows[:8])
    shown = rows_view.summary(TASK, "mine.csv", {"train": 8, "val": 2}, said, first)
    assert "Read 10 rows from mine.csv with the columns code, score: 8 to train on, 2 held out" in shown
    assert "score runs from 1 to 8" in shown
    assert shown.count("<tr>") == 1 + rows_view.FIRST


def test_labels_that_are_all_the_same_are_pointed_out() -> None:
    assert "nothing to learn" in rows_view.labels(TASK, [{"score": 5.0}, {"score": 5.0}])


def made_report() -> dict:
    rows = [{"code": f"function f() {{ return {i} }}", "score": float(i + 1)} for i in range(5)]
    mine = {i: TASK.score(row, f"{row['score']:.1f}" if i else HOSTILE) for i, row in enumerate(rows)}
    base = {i: TASK.score(row, "9.0") for i, row in enumerate(rows)}
    judged = [
        report.Judged(report.System("mine", "adapter mine", "adapter", "mine"), mine),
        report.Judged(report.System("base", "base, no examples", "base"), base),
    ]
    return report.build(TASK, judged, {"base": EMBEDDED, "engine": "llama_cpp", "seconds": 12.0})


def test_a_report_is_shown_with_verdict_counts_intervals_and_the_worst_row_first() -> None:
    made = made_report()
    table = report_view.rows_table(made, made["rows"], "Rows 1 to 5 of 5, worst first")
    shown = report_view.verdict(TASK, made) + table
    assert made["verdict"] in html.join(made["verdict"]) and "adapter better" in shown
    assert "mean absolute error" in shown and "<script" not in shown and "<img" not in shown
    first = table.split("<tbody>")[1]
    assert "no score in this answer" in first.split("</tr>")[0]
