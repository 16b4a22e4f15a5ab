"""Group G of the fault matrix: numbers that are none, too many, repeated, absent, oddly named or flat."""

import json
import math
import time

import pytest

from finetune.runs import metrics
from tests.parts.control_room import ControlRoom
from ui import html
from ui.views import curve, plots, run_view

pytestmark = pytest.mark.faults


def test_G1_a_lost_loss_is_null_in_the_file_a_gap_in_the_curve_and_three_in_a_row_end_the_run(
    room: ControlRoom,
) -> None:
    once, often = room.submit("once", steps=9, nan_at=4), room.submit("often", steps=9, nan_at=4, nan_steps=5)
    assert room.until_ended(once).status == "succeeded"
    lines = room.folder(once).metrics_path.read_text().splitlines()
    strict = [json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is no JSON")) for line in lines]
    assert [line["loss"] for line in strict if line["step"] == 4] == [None]
    drawn = curve.read(room.folder(once).metrics())
    assert [step for step, loss in drawn.train if loss is None] == [4]
    line = plots.loss_figure(drawn).data[0].y
    assert math.isnan(line[3]) and not math.isnan(line[4])
    view = room.until_ended(often)
    assert view.status == "failed"
    assert "not a number for 3 steps in a row, up to step 6: start again with a lower learning_rate" in view.reason


def test_G2_a_million_points_are_thinned_and_every_spike_and_gap_stays() -> None:
    points: list[curve.Point] = [(step, math.sin(step / 1e5)) for step in range(1_000_000)]
    points[123_456], points[654_321], points[777_777] = (123_456, 50.0), (654_321, -50.0), (777_777, None)
    began = time.monotonic()
    thin = plots.thin(points)
    print(f"thinned a million points to {len(thin)} in {time.monotonic() - began:.3f} s")
    assert len(thin) <= 2000
    assert {points[123_456], points[654_321], points[777_777]} <= set(thin)
    assert [step for step, _ in thin] == sorted(step for step, _ in thin)


def test_G3_steps_that_a_resume_repeats_replace_the_old_ones(room: ControlRoom) -> None:
    path = room.settings.data_dir / "metrics.jsonl"
    for attempt, steps in enumerate((range(1, 9), range(5, 12), range(3, 15))):
        for step in steps:
            metrics.append(path, {"step": step, "loss": float(attempt)})
    points = metrics.read(path).points
    assert [point["step"] for point in points] == list(range(1, 15))
    assert [point["loss"] for point in points] == [0.0] * 2 + [2.0] * 12


@pytest.mark.parametrize("number", [0, 1])
def test_G4_no_point_or_one_is_a_sentence_and_a_figure_without_a_fault(number: int) -> None:
    drawn = curve.read([{"step": 1, "loss": 2.0}][:number])
    assert curve.sentence(drawn) == (
        "Train loss is now 2.00; it began at 2.00. No eval loss yet."
        if number
        else "No loss has been measured yet; the first point comes after the first steps."
    )
    assert len(plots.loss_figure(drawn).data) == number
    assert "<table" in run_view.losses_table(drawn) or not number


ODD = ('<img src=x onerror="alert(1)">', "n" * 300, "📉", "__class__", "</script><script>", "loss\0", "")


def test_G5_oddly_named_metrics_are_inert_wherever_they_are_shown(room: ControlRoom) -> None:
    run = room.submit("run", steps=3)
    room.until_ended(run)
    for name in ODD:
        metrics.append(room.folder(run).metrics_path, {"step": 3, name: 1.0, "system": name})
    found = room.folder(run).read_metrics()
    assert found.damaged == 0 and [point["step"] for point in found.points] == [1, 2, 3]
    shown = plots.loss_figure(curve.read(found.points)).to_json() + str(run_view.losses_table(curve.read(found.points)))
    assert all(name not in shown for name in ODD if name)
    assert "<img" not in str(html.el("p", ODD[0]))


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e30, -5.0, 1e-300])
def test_G6_flat_tiny_huge_and_negative_losses_have_a_readable_axis(value: float) -> None:
    drawn = curve.read([{"step": step, "loss": value, "eval_loss": value} for step in range(1, 40)])
    figure = plots.loss_figure(drawn)
    numbers = [float(y) for line in figure.data for y in line.y]
    assert numbers and all(math.isfinite(y) for y in numbers)
    assert curve.sentence(drawn)
    json.loads(figure.to_json(), parse_constant=lambda word: pytest.fail(f"{word} on the axis"))
