"""Durations, times and figures in words: no finer than they are known, and unknown is said."""

import math

import pytest

from ui import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "unknown time"), (0.42, "0.4 s"), (12.3, "12 s"), (59.6, "1 min"), (200, "3 min 20 s"),
     (1260, "21 min"), (3900, "1 h 5 min"), (7200, "2 h")],
)  # fmt: skip
def test_durations_are_said_in_the_unit_that_fits(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


def test_time_left_is_said_no_finer_than_it_is_known() -> None:
    said = [words.time_left(s) for s in (None, 3, 40, 70, 200, 5400)]
    assert said == ["time left not known yet", "a few seconds left", "less than a minute left",
                    "about 1 minute left", "about 3 minutes left", "about 2 hours left"]  # fmt: skip


def test_an_unknown_figure_is_a_dash_and_never_a_zero() -> None:
    assert {words.number(None), words.number(math.nan), words.figure(None), words.figure({"value": None})} == {"–"}
    assert words.figure({"value": 1.418, "low": 1.2, "high": 1.66}) == "1.42 (1.20 to 1.66)"


def test_a_moment_is_said_in_utc_and_nonsense_is_silence() -> None:
    assert words.when("2026-11-21T03:07:00Z") == "21 Nov, 03:07 UTC"
    assert words.when("2026-11-21T04:07:00+01:00") == "21 Nov, 03:07 UTC"
    assert words.when("yesterday") == words.when(None) == ""
