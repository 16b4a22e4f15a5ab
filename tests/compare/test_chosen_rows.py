"""Rows of a report by verdict, by kind and by a text in them; what the page shows of slices and targets."""

from typing import Any

from finetune import task_named
from finetune.compare import chosen_rows
from finetune.scoring import report
from finetune.scoring.report import Judged, System
from ui.views import rows_filter, slices_view

TASK = task_named("sourcegraph")


def made() -> dict[str, Any]:
    """40 rows of two categories: the adapter is right on all of one, the base on all of the other."""
    rows = [
        {"natural_language": f"find word{i:02} <b>", "query": "lang:go a", "category": ("diff", "file")[i % 2]}
        for i in range(40)
    ]

    def judged(name: str, kind: str, right: int) -> Judged:
        scored = {i: TASK.score(row, "lang:go a" if i % 2 == right else "branch:b") for i, row in enumerate(rows)}
        return Judged(System(name, name, kind, adapter=name), scored)

    return report.build(TASK, [judged("mine", "adapter", 0), judged("base", "base", 1)], {})


def test_every_row_is_there_until_something_is_chosen() -> None:
    assert chosen_rows.chosen(made()) == made()["rows"]


def test_rows_are_chosen_by_verdict_kind_and_text_together() -> None:
    found = made()
    assert {row["row"] % 2 for row in chosen_rows.chosen(found, "fine_tuned_better")} == {0}
    assert chosen_rows.chosen(found, "tie") == []
    diffs = chosen_rows.chosen(found, kind=("category", "diff"))
    assert len(diffs) == 20 and {row["beside"]["category"] for row in diffs} == {"diff"}
    assert [row["row"] for row in chosen_rows.chosen(found, text=" WORD07 ")] == [7]
    assert len(chosen_rows.chosen(found, text="branch:b")) == 40
    assert chosen_rows.chosen(found, "fine_tuned_better", ("category", "file"), "word07") == []


def test_every_slice_of_the_report_can_be_chosen_and_has_its_rows() -> None:
    found = made()
    assert {("category", "diff"), ("length", "short")} <= set(chosen_rows.kinds(found))
    sizes = {(one["by"], one["value"]): one["n"] for one in found["slices"]}
    assert {kind: len(chosen_rows.chosen(found, kind=kind)) for kind in sizes} == sizes


def test_pages_of_the_table_reach_every_row_and_say_where_they_are() -> None:
    found = made()
    pages = [rows_filter.page_of(found, found["rows"], skip) for skip in (0, 20)]
    assert "Rows 1 to 20 of 40" in pages[0] and "Rows 21 to 40 of 40" in pages[1]
    assert all(f"word{i:02} &lt;b&gt;" in pages[0] + pages[1] for i in range(40))
    assert "No row is like that" in rows_filter.page_of(found, [], 0)


def test_slices_say_where_it_wins_and_where_it_loses() -> None:
    shown = slices_view.slices(TASK, made())
    assert shown and "category: file" in shown and "20 : 0" in shown and "0 : 20" in shown
    assert shown.index("category: file") < shown.index("category: diff"), "what loses most comes first"


def test_targets_are_pass_or_fail_in_words_and_shapes() -> None:
    shown = slices_view.targets(made())
    assert shown and "FAIL" in shown and "✕" in shown and "20/40 (50%)" in shown
    assert slices_view.targets({"targets": []}) is None
