"""Intervals, checked against values of the textbooks and by simulation."""

import numpy as np
import pytest

from finetune import stats


def test_wilson_interval_of_the_seed_report_is_the_known_one():
    figure = stats.rate(49, 50)
    assert figure.value == pytest.approx(0.98)
    assert (figure.low, figure.high) == pytest.approx((0.8950, 0.9965), abs=5e-4)


def test_a_rate_without_rows_is_nothing_and_not_zero():
    assert stats.rate(0, 0) == stats.NOTHING
    assert stats.mean([]) == stats.NOTHING


def test_mean_interval_covers_the_true_mean_about_95_times_in_100():
    rng = np.random.default_rng(1)
    hits = 0
    for trial in range(200):
        figure = stats.mean(list(rng.exponential(2.0, 80)), seed=trial)
        hits += figure.low <= 2.0 <= figure.high
    assert 180 <= hits <= 199


def test_constant_values_have_an_interval_without_width():
    assert stats.mean([1.5] * 9) == stats.Figure(1.5, 1.5, 1.5, 9)


def test_mcnemar_is_the_exact_binomial():
    assert stats.mcnemar(0, 0) == 1.0
    assert stats.mcnemar(10, 0) == pytest.approx(2 * 0.5**10)


def test_identical_models_are_called_different_at_most_as_often_as_promised():
    rng = np.random.default_rng(2)
    false_alarms = 0
    for _ in range(500):
        a, b = rng.random(100) < 0.6, rng.random(100) < 0.6
        false_alarms += stats.mcnemar(int((a & ~b).sum()), int((b & ~a).sum())) < 0.05
    assert false_alarms <= 0.05 * 500


def test_rows_to_tell_grows_when_the_difference_shrinks():
    assert stats.rows_to_tell(12, 8, 100) > stats.rows_to_tell(18, 2, 100)
    assert stats.rows_to_tell(5, 5, 100) is None


def test_statistic_resamples_rows():
    figure = stats.statistic(lambda rows: sum(rows) / len(rows), [0.0, 1.0] * 50)
    assert figure.low < figure.value == 0.5 < figure.high


def test_a_statistic_that_is_undefined_stays_undefined():
    assert stats.statistic(lambda rows: None, [1, 2]).value is None
