"""The counters: quantiles, the last hour, what they are counted by, and their Prometheus text."""

import os
import random
import re
from dataclasses import replace

import pytest

from backends import measured, prometheus
from backends.measured import ANSWERED, BASE_ALONE, STOPPED, UNKNOWN, Ended, Measured, Seconds, Warm, resident, whole
from backends.settings import Settings

ONE = Ended("llama_cpp", "gemma-3-270m", "complexity", ANSWERED, 0.1, 0.5, tokens=10, engine_seconds=0.4)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counted(settings: Settings, clock: Clock) -> Measured:
    return Measured(settings, clock)


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_quantile_is_right_to_a_tenth(share: float) -> None:
    chance = random.Random(1)
    values = sorted(chance.lognormvariate(0, 1) for _ in range(2000))
    seconds = Seconds()
    for value in values:
        seconds.add(value)
    assert seconds.quantile(share) == pytest.approx(values[int(share * 2000)], rel=0.1)
    assert seconds.total == pytest.approx(sum(values)) and seconds.count == 2000


def test_nothing_measured_has_no_quantile_and_the_shortest_is_not_lost() -> None:
    assert Seconds().quantile(0.5) is None
    seconds = Seconds()
    seconds.add(0.0)
    assert seconds.quantile(0.5) == measured.FIRST


def test_answers_are_counted_by_engine_base_and_adapter_with_cold_starts_apart(counted: Measured) -> None:
    for one in (replace(ONE, cold=True, seconds=9.0), ONE, ONE, replace(ONE, adapter=None, outcome="unavailable")):
        counted.record(one)
    table = {key.adapter: figures for key, figures in counted.since_start().items()}
    assert table.keys() == {"complexity", BASE_ALONE}
    of_adapter = table["complexity"]
    assert (of_adapter.cold.count, of_adapter.warm.count, of_adapter.answered) == (1, 2, 3)
    assert of_adapter.warm.quantile(0.95) == pytest.approx(0.5, rel=0.1)
    assert of_adapter.tokens_per_second == pytest.approx(25.0)
    assert table[BASE_ALONE].errors == {"unavailable": 1} and table[BASE_ALONE].tokens_per_second == 25.0


def test_what_was_stopped_or_failed_has_no_latency(counted: Measured) -> None:
    for outcome in (STOPPED, "refused"):
        counted.record(replace(ONE, outcome=outcome))
    figures = whole(counted.since_start())
    assert (figures.warm.count, figures.cold.count) == (0, 0)
    assert figures.errors == {"refused": 1} and figures.requests == 2


def test_the_last_hour_forgets_and_the_start_does_not(counted: Measured, clock: Clock) -> None:
    counted.record(ONE)
    clock.now += 30 * 60
    counted.record(ONE)
    assert whole(counted.last_hour()).requests == 2
    assert counted.by_minute().keys() == {30, 0}
    clock.now += 31 * 60
    assert whole(counted.last_hour()).requests == 1
    assert whole(counted.since_start()).requests == 2
    clock.now += 3600
    counted.record(ONE)
    assert counted.by_minute().keys() == {0} and len(counted._minutes) == 1


def test_a_snapshot_does_not_change_when_more_is_counted(counted: Measured) -> None:
    counted.record(ONE)
    before = counted.snapshot({}, {})
    counted.record(ONE)
    assert whole(before.all).requests == whole(before.hour).requests == 1


def test_made_up_names_do_not_grow_the_table(counted: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "MOST", 3)
    for number in range(50):
        counted.record(replace(ONE, adapter=f"guess {number}", base=f"base {number}"))
    assert len(counted.since_start()) == 4
    assert {key.adapter for key in counted.since_start()} == {UNKNOWN, measured.OTHERS}
    assert whole(counted.since_start()).requests == 50


@pytest.mark.model
def test_on_a_public_space_an_adapter_of_a_visitor_is_told_by_its_digest(base_settings: Settings) -> None:
    from tests.parts import random_adapter

    own = random_adapter.make(base_settings, "my-secret-project")
    for public, label in ((False, own.name), (True, f"own {own.sha256[:8]}")):
        counted = Measured(replace(base_settings, public=public))
        counted.record(replace(ONE, adapter=own.name))
        counted.record(ONE)
        assert {key.adapter for key in counted.since_start()} == {label, "complexity"}


def test_the_ninth_adapter_makes_the_first_one_cold_again() -> None:
    warm = Warm()
    assert [warm.was_cold(1, "e", "b", str(n)) for n in (*range(8), *range(8))] == [True] * 8 + [False] * 8
    assert warm.was_cold(1, "e", "b", "8") and warm.was_cold(1, "e", "b", "0")
    assert not warm.was_cold(1, "e", "b", "8")
    assert warm.was_cold(1, "other", "b", "8") and warm.was_cold(2, "e", "b", "8")


def test_the_memory_of_a_process_is_read_and_one_that_is_gone_has_none() -> None:
    assert (resident(os.getpid()) or 0) > 1 << 20
    assert resident(2**22 + 1) is None


def test_the_text_for_prometheus_is_well_formed_and_whole(counted: Measured) -> None:
    counted.record(replace(ONE, cold=True))
    counted.record(ONE)
    counted.record(replace(ONE, base='b"\n\\', outcome="unavailable", askers=3))
    text = prometheus.text(counted.snapshot({"app": 5 << 20}, {"llama_cpp": (2, 7)}))
    sample = re.compile(r'[a-z_]+(\{([a-z]+="(\\\\|\\"|\\n|[^"\\\n])*",?)+\})? [0-9.e+-]+')
    lines = text.splitlines()
    assert text.endswith("\n") and all(line.startswith("# ") or sample.fullmatch(line) for line in lines)
    of_adapter = '{engine="llama_cpp",base="gemma-3-270m",adapter="complexity"'
    assert f'acr_answers_total{of_adapter},outcome="answered"}} 2' in lines
    assert f'acr_answer_seconds_count{of_adapter},start="cold"}} 1' in lines
    assert any(line.startswith(f'acr_answer_seconds{of_adapter},start="warm",quantile="0.95"}}') for line in lines)
    assert 'acr_queue_waiting{engine="llama_cpp"} 7' in lines and 'acr_memory_bytes{process="app"} 5242880' in lines
    typed = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    named = {
        re.match("[a-z_]+", line)[0].removesuffix("_sum").removesuffix("_count") for line in lines if line[0] != "#"
    }  # type: ignore[index]
    assert named <= typed
