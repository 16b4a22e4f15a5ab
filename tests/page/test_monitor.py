"""The Monitor tab and /metrics: sentences, tables, the figure, who may read, and the shared snapshot."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from backends.measured import ANSWERED, Ended, Figures, Measured, Snapshot
from backends.settings import Settings, from_env
from ui import metrics
from ui.room import Room
from ui.views import monitor_view, plots

ONE = Ended("llama_cpp", "gemma-3-270m", "complexity", ANSWERED, 0.1, 0.5, tokens=10, engine_seconds=0.4)
HOSTILE = "<img src=x onerror=alert(1)>"


def snapshot(settings: Settings, *ended: Ended) -> Snapshot:
    counted = Measured(settings)
    for one in ended:
        counted.record(one)
    return counted.snapshot({"app": 400_000_000}, {"llama_cpp": (2, 3)})


def test_the_sentence_says_how_many_how_fast_and_how_many_failed(settings: Settings) -> None:
    now = snapshot(settings, *[ONE] * 20, replace(ONE, cold=True, seconds=4.0), replace(ONE, outcome="unavailable"))
    said = monitor_view.sentence(now, monitor_view.HOUR)
    assert "22 requests in the last hour: half of the answers took at most 0.5 s, 95 % at most 0.5 s" in said
    assert "the first answer of an adapter took" in said and "; 1 failed." in said
    assert "since the start" in monitor_view.sentence(now, monitor_view.ALL)
    assert "Nothing was asked" in monitor_view.sentence(snapshot(settings), monitor_view.HOUR)


def test_the_table_has_a_row_for_each_adapter_and_engine_and_names_errors_in_words(settings: Settings) -> None:
    now = snapshot(settings, ONE, replace(ONE, adapter=None, base=HOSTILE, outcome="queue_full"))
    shown = monitor_view.by_adapter(now.all, monitor_view.ALL)
    assert shown.count("<tr>") == 3 and "complexity" in shown and "queue full 1" in shown
    assert "25.0" in shown and "llama.cpp" in shown and "<img" not in shown
    assert "3" in monitor_view.now_facts(now) and "400 MB" in monitor_view.now_facts(now)


def test_minutes_without_answers_are_gaps_in_the_figure_and_left_out_of_the_table(settings: Settings) -> None:
    times = iter([0.0, 60.0, 60.0 * 4, 60.0 * 5])
    counted = Measured(settings, lambda: next(times))
    counted.record(ONE)
    counted.record(replace(ONE, seconds=2.0))
    minutes = counted.by_minute()
    assert minutes.keys() == {4, 1}
    figure = plots.latency_figure(minutes)
    half = [round(float(y), 1) for y in figure.data[0].y]
    assert half[0] == pytest.approx(0.5, abs=0.1) and half[3] == pytest.approx(2.0, abs=0.3)
    assert [math.isnan(y) for y in half] == [False, True, True, False, True]
    assert monitor_view.by_minute(minutes).count("<tr>") == 3


@pytest.mark.parametrize(("minutes", "oldest"), [([], 5), ([0], 5), ([59, 3], 59)])
def test_the_chart_of_answers_goes_back_from_now_and_never_into_the_future(minutes: list[int], oldest: int) -> None:
    left, right = plots.latency_figure({at: Figures() for at in minutes}).layout.xaxis.range
    assert left == pytest.approx(oldest, rel=0.05) and -0.05 * oldest < right <= 0


def page_with(settings: Settings) -> TestClient:
    return TestClient(Starlette(routes=[metrics.route(settings, lambda: snapshot(settings, ONE))]))


@pytest.mark.parametrize(
    ("env", "authorization", "status"),
    [
        ({}, "", 200),
        ({"ACR_METRICS_TOKEN": "abc"}, "", 404),
        ({"ACR_METRICS_TOKEN": "abc"}, "Bearer abc", 200),
        ({"SPACE_ID": "a/b"}, "", 404),
        ({"SPACE_ID": "a/b"}, "Bearer ", 404),
        ({"SPACE_ID": "a/b", "ACR_METRICS_TOKEN": "abc"}, "Bearer abd", 404),
        ({"SPACE_ID": "a/b", "ACR_METRICS_TOKEN": "abc"}, "Bearer abc", 200),
        ({"SPACE_ID": "a/b", "ACR_METRICS_TOKEN": "abc"}, "Bearer é", 404),
        ({"SPACE_ID": "a/b", "ACR_PRIVATE": "1"}, "", 200),
    ],
)
def test_on_a_public_space_metrics_need_the_token(
    tmp_path: Path, env: dict[str, str], authorization: str, status: int
) -> None:
    settings = from_env({"ACR_DATA_DIR": str(tmp_path)} | env)
    answer = page_with(settings).get("/metrics", headers={"authorization": authorization.encode()})
    assert answer.status_code == status
    assert ("acr_answers_total" in answer.text) is (status == 200)
    assert "abc" not in repr(settings)


def test_open_pages_share_one_look_at_the_figures(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    room, looks = Room(settings), []
    monkeypatch.setattr(room.measured, "snapshot", lambda *held: looks.append(held))
    for _ in range(30):
        room.figures()
    assert len(looks) == 1
    assert looks[0][0].keys() == {"app"}, "looking does not start the engine"
