"""Intervals and verdicts on data of which the truth is known: they hold as often as they say."""

import pytest

from tests.bench import intervals

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", intervals.CASES, ids=lambda case: case.name)
def test_95_percent_intervals_cover_the_truth_about_95_times_in_100(case: intervals.Case) -> None:
    covered = intervals.coverage(case, trials=1000)
    assert 0.92 <= covered <= 0.98  # 1,000 trials tell 95 % from 92 % and from 98 %


def test_identical_models_are_rarely_called_different() -> None:
    assert intervals.false_verdicts(trials=300) <= 0.05
