"""Figures with honesty: every rate, mean and statistic comes with a 95 % interval and its n. scipy does the maths."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from finetune.task import Metric, Scored

LEVEL = 0.95
RESAMPLES = 2000


@dataclass(frozen=True)
class Figure:
    """A value with the ends of its 95 % interval; `value` is None when no row gave a number."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def to_json(self) -> dict[str, Any]:
        return {key: round(v, 6) if isinstance(v, float) else v for key, v in asdict(self).items()}


NOTHING = Figure(None, None, None, 0)


def rate(hits: int, n: int) -> Figure:
    """Share of rows, with the Wilson interval (honest near 0 and 1, where the usual one is not)."""
    if n == 0:
        return NOTHING
    from scipy.stats import binomtest

    interval = binomtest(hits, n).proportion_ci(LEVEL, method="wilson")
    return Figure(hits / n, float(interval.low), float(interval.high), n)


def mean(values: Sequence[float], seed: int = 0) -> Figure:
    """Mean of per-row numbers, with the bootstrap interval (BCa; errors are skewed, so no normal theory)."""
    if not values:
        return NOTHING
    import numpy as np
    from scipy.stats import bootstrap

    data = np.asarray(values, dtype=float)
    centre = float(data.mean())
    if len(data) < 2 or np.all(data == data[0]):
        return Figure(centre, centre, centre, len(data))
    rng = np.random.default_rng(seed)
    found = bootstrap((data,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, rng=rng, method="BCa")
    low, high = (float(x) for x in found.confidence_interval)
    return (
        Figure(centre, low, high, len(data)) if math.isfinite(low + high) else Figure(centre, centre, centre, len(data))
    )


def statistic(compute: Callable[[Sequence[Any]], float | None], rows: Sequence[Any], seed: int = 0) -> Figure:
    """A number over all rows (r2, macro-F1): rows are resampled and the number computed again, percentile interval."""
    value = compute(rows) if rows else None
    if value is None:
        return Figure(None, None, None, len(rows))
    import numpy as np

    rng = np.random.default_rng(seed)
    draws = (compute([rows[i] for i in rng.integers(0, len(rows), len(rows))]) for _ in range(RESAMPLES // 4))
    found = [d for d in draws if d is not None]
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if found else (value, value)
    return Figure(value, float(low), float(high), len(rows))


def figure(metric: Metric, rows: Sequence[Scored]) -> Figure:
    """A task's metric over rows with its interval, by the kind of the metric."""
    if metric.kind == "statistic":
        assert metric.compute
        return statistic(metric.compute, rows)
    assert metric.part
    parts = [p for p in map(metric.part, rows) if p is not None]
    return rate(round(sum(parts)), len(parts)) if metric.kind == "rate" else mean(parts)


def apart(first: Figure, second: Figure, better: str) -> str:
    """Is `first` "better" or "worse" than `second`? Only when the intervals are apart, else "unclear"."""
    if first.low is None or second.low is None or first.high is None or second.high is None:
        return "unclear"
    above, below = first.low > second.high, first.high < second.low
    if above or below:
        return "better" if above == (better == "higher") else "worse"
    return "unclear"


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact p-value of "both are right equally often", from the rows where just one of the two is right."""
    disagreements = only_first + only_second
    if disagreements == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(only_first, disagreements, 0.5).pvalue)


def rows_to_tell(only_first: int, only_second: int, n: int) -> int | None:
    """About how many rows in all would settle it (two-sided 5 %), if the disagreements go on as seen; None = never."""
    if only_first == only_second or n == 0:
        return None
    from scipy.stats import norm

    shift, share = abs(only_first - only_second) / n, (only_first + only_second) / n
    z = norm.ppf(1 - (1 - LEVEL) / 2) + norm.ppf(0.8)  # 80 % power
    return math.ceil(z * z * (share - shift * shift) / (shift * shift)) if share > shift * shift else n
