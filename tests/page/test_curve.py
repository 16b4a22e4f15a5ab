"""The loss curve as points, a sentence and a small figure; the figure of the intervals."""

import json
import math

import pytest

from ui.views import curve, plots

LINES = [
    {"step": 0, "eval_loss": 2.1},
    {"step": 10, "loss": 1.9},
    {"step": 20, "loss": None, "eval_loss": 0.8},
    {"step": 30, "loss": 0.9},
    {"step": 40, "loss": 0.7, "eval_loss": 0.9},
]


def test_a_curve_keeps_gaps_the_baseline_and_the_best_point() -> None:
    read = curve.read([*LINES, {"seconds": 3}])
    assert read.train == ((10, 1.9), (20, None), (30, 0.9), (40, 0.7))
    assert read.baseline == 2.1
    assert read.best == (20, 0.8)
    assert curve.rows(read)[2] == ("20", "not a number", "0.800")


def test_the_sentence_says_what_the_curve_shows() -> None:
    said = "Eval loss fell from 2.10 before training to 0.80; best at step 20."
    assert curve.sentence(curve.read(LINES)) == f"{said} The 1 measurement after that did not beat it."
    assert curve.sentence(curve.read([])).startswith("No loss has been measured yet")
    assert "has not improved" in curve.sentence(curve.read([{"step": 0, "eval_loss": 1}, {"step": 9, "eval_loss": 2}]))


def test_a_long_curve_is_thinned_without_losing_a_spike_or_a_gap() -> None:
    points = [(step, 1.0) for step in range(20_000)]
    points[7_777], points[12_345], points[15_000] = (7_777, 99.0), (12_345, -99.0), (15_000, None)
    kept = plots.thin(points)
    assert len(kept) <= plots.MAX_POINTS
    assert {points[7_777], points[12_345], points[15_000]} <= set(kept)
    assert kept == sorted(kept, key=lambda point: point[0])


def test_a_smoothed_line_begins_at_the_first_loss_and_starts_anew_after_a_gap() -> None:
    assert plots.smooth([(1, 4.0), (2, None), (3, 2.0)]) == [(1, 4.0), (2, None), (3, 2.0)]


def test_the_loss_figure_is_small_and_says_everything_without_colour() -> None:
    figure = plots.loss_figure(curve.read(LINES))
    names = [trace.name for trace in figure.data]
    assert names == ["train loss", "eval loss", "best: 0.80 at step 20"]
    assert len({(t.line.dash, t.mode, t.marker.symbol) for t in figure.data}) == 3
    assert figure.data[0].y.dtype == "float32" and math.isnan(figure.data[0].y[1])
    assert len(json.dumps(figure.to_plotly_json(), default=list)) < 4_000, "a template came along"


def system(name: str, kind: str, value: float | None) -> dict:
    mae = {"value": value, "low": value and value - 0.2, "high": value and value + 0.2, "n": 9}
    return {"name": name, "title": name, "kind": kind, "n": 9, "metrics": {"mae": mae}}


def test_the_interval_figure_puts_the_best_system_on_top_and_leaves_out_what_has_no_figure() -> None:
    systems = [system("base", "base", 3.0), system("mine", "adapter", 1.0), system("mute", "trivial", None)]
    figure = plots.interval_figure(systems, "mae", "mean absolute error", "lower")
    assert [trace.y[0] for trace in figure.data] == ["base", "mine"]  # plotly draws upwards
    assert figure.data[1].error_x.array[0] == pytest.approx(0.2)
