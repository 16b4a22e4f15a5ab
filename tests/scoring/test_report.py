"""A report is made from scored rows alone; its verdicts say no more than the intervals allow."""

import pytest

from finetune import task_named
from finetune.runs import submit
from finetune.scoring import report
from finetune.scoring.report import Judged, System

TASK = task_named("complexity")
ADAPTER = System("mine", "adapter mine", "adapter", adapter="mine")
BASE = System("base", "base, no examples", "base")
FEW = System("few-shot", "base, with examples", "few-shot")


def judged(system, answers, truth=5.0):
    rows = [{"code": f"function f{i}() {{}}", "score": truth} for i in range(len(answers))]
    return Judged(
        system,
        {i: TASK.score(row, answer) for i, (row, answer) in enumerate(zip(rows, answers, strict=True))},
    )


def test_the_four_verdicts_are_counted_per_row():
    made = report.build(
        TASK, [judged(ADAPTER, ["5.0", "5.0", "9.0", "9.0"]), judged(BASE, ["5.0", "9.0", "5.0", "9.0"])], {}
    )
    assert made["verdicts"] == {"tie": 1, "fine_tuned_better": 1, "baseline_better": 1, "both_wrong": 1}


def test_the_baseline_is_the_better_of_zero_shot_and_few_shot():
    made = report.build(TASK, [judged(ADAPTER, ["5.0"] * 9), judged(BASE, ["9.0"] * 9), judged(FEW, ["6.0"] * 9)], {})
    assert made["baseline"] == "few-shot"


def test_apart_intervals_are_called_better_and_overlapping_ones_are_not():
    good, bad = ["5.1", "4.9", "5.3", "4.8"] * 10, ["8.0", "9.0", "7.5", "8.2"] * 10
    assert "is better than" in report.build(TASK, [judged(ADAPTER, good), judged(BASE, bad)], {})["verdict"]
    assert "is worse than" in report.build(TASK, [judged(ADAPTER, bad), judged(BASE, good)], {})["verdict"]
    same = report.build(TASK, [judged(ADAPTER, good), judged(BASE, good)], {})["verdict"]
    assert same.startswith("No clear difference")


def test_an_unreadable_answer_is_wrong_and_stays_in_every_denominator():
    made = report.build(TASK, [judged(ADAPTER, ["5.0", "no idea", "5.0"])], {})
    metrics = made["systems"][0]["metrics"]
    assert metrics["valid"]["n"] == metrics["within"]["n"] == metrics["mae"]["n"] == 3
    assert metrics["valid"]["value"] == pytest.approx(2 / 3)
    assert metrics["mae"]["value"] > 1.0


def test_the_worst_rows_come_first():
    made = report.build(TASK, [judged(ADAPTER, ["5.0", "9.0", "6.0"]), judged(BASE, ["5.0"] * 3)], {})
    assert [row["row"] for row in made["rows"]] == [1, 2, 0]


def test_two_adapters_are_compared_with_each_other_when_no_base_takes_part():
    other = System("other", "adapter other", "adapter", adapter="other")
    made = report.build(TASK, [judged(ADAPTER, ["5.0"] * 5), judged(other, ["9.0"] * 5)], {})
    assert (made["candidate"], made["baseline"]) == ("mine", "other")


def test_systems_with_fewer_rows_are_compared_on_the_shared_ones():
    made = report.build(TASK, [judged(ADAPTER, ["5.0"] * 10), judged(BASE, ["9.0"] * 4)], {})
    assert sum(made["verdicts"].values()) == 4
    assert made["n"] == 10


def test_the_same_figures_come_again_from_the_same_rows():
    first, second = (report.build(TASK, [judged(ADAPTER, ["5.2", "7.0", "4.1"] * 7)], {}) for _ in range(2))
    assert first == second


def test_answers_in_any_form_stand_beside_and_are_no_side_of_the_verdict():
    adapter_free, base_free = (system for system in submit.systems(TASK, "mine") if system.free)
    assert (adapter_free.name, base_free.name) == ("mine-free", "base-free")
    sides = [judged(ADAPTER, ["5.0"] * 9), judged(BASE, ["9.0"] * 9)]
    made = report.build(TASK, [*sides, judged(adapter_free, ["1.0"] * 9), judged(base_free, ["5.0"] * 9)], {})
    assert (made["candidate"], made["baseline"]) == ("mine", "base")
    assert [system.get("free", False) for system in made["systems"]] == [False, False, True, True]
