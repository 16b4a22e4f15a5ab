"""How sure an answer really is: one temperature, fitted on validation rows, makes the probabilities of choices honest.

It moves all choices of an answer together towards even or towards certain, so the answer itself stays the same.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

#: outside of these the probabilities are as good as certain, or as good as even
COLDEST, HOTTEST = 0.05, 20.0
BINS = 10
Told = Mapping[str, float]  # choice -> its probability


def fit(told: Sequence[Told], truths: Sequence[str]) -> dict[str, float]:
    """`{"temperature", "ece_before", "ece_after", "rows"}` from the answers to rows whose right choice is known."""
    from scipy.optimize import minimize_scalar

    # with n rows nobody can be surer than this (Platt): else rows that are all right would make it certain for ever
    sure = (len(truths) + 1) / (len(truths) + 2)

    def loss(log_temperature: float) -> float:
        return sum(
            _surprise(heated(t, math.exp(log_temperature)), truth, sure) for t, truth in zip(told, truths, strict=True)
        )

    found = minimize_scalar(loss, bounds=(math.log(COLDEST), math.log(HOTTEST)), method="bounded")
    temperature = round(math.exp(float(found.x)), 4)
    before, after = ece(told, truths), ece([heated(t, temperature) for t in told], truths)
    return {
        "temperature": temperature,
        "ece_before": round(before, 4),
        "ece_after": round(after, 4),
        "rows": len(truths),
    }


def heated(told: Told, temperature: float) -> dict[str, float]:
    """The probabilities at another temperature: 1 leaves them, more evens them out, less sharpens them."""
    best = max(told.values())
    weights = {choice: (share / best) ** (1 / temperature) for choice, share in told.items()}
    return {choice: weight / sum(weights.values()) for choice, weight in weights.items()}


def calibrated(told: Told, card: Mapping[str, Any]) -> dict[str, float]:
    """The probabilities as the adapter's card corrects them; as they are where it says nothing usable."""
    found = card.get("calibration")
    temperature = found.get("temperature") if isinstance(found, dict) else None
    if isinstance(temperature, int | float) and COLDEST <= temperature <= HOTTEST:
        return heated(told, temperature)
    return dict(told)


def ece(told: Sequence[Told], truths: Sequence[str]) -> float:
    """Expected calibration error: how far the answers' probabilities are from the share of right answers, on average.

    Answers are put into bins by their probability, and each bin counts by its rows.
    """
    bins: dict[int, list[float]] = {}
    for shares, truth in zip(told, truths, strict=True):
        answer, sure = max(shares.items(), key=lambda pair: pair[1])
        bins.setdefault(min(int(sure * BINS), BINS - 1), []).append(sure - (answer == truth))
    return sum(abs(sum(gaps)) for gaps in bins.values()) / len(truths)


def _surprise(told: Told, truth: str, sure: float) -> float:
    """Cross entropy against a truth that is `sure`, the other choices sharing the rest."""
    rest = (1 - sure) / (len(told) - 1)
    return -sum((sure if c == truth else rest) * math.log(max(share, 1e-300)) for c, share in told.items())
