"""Simulation: how often the intervals hold the truth, and how often identical models are called different."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backends.settings import Settings
from finetune import stats, task_named
from finetune.scoring.report import Judged, System, build

TRIALS = 1000


@dataclass(frozen=True)
class Case:
    name: str
    truth: float
    #: a random source -> the figure of one simulated test set
    draw: Callable[[random.Random], stats.Figure]


def _rate(share: float, n: int) -> Case:
    return Case(
        f"rate {share:.0%} of {n} rows", share, lambda luck: stats.rate(sum(luck.random() < share for _ in range(n)), n)
    )


def _error(n: int) -> Case:
    """Absolute errors as they are: many small, a few large (exponential, mean 0.5)."""
    return Case(
        f"mean absolute error of {n} rows", 0.5, lambda luck: stats.mean([luck.expovariate(2.0) for _ in range(n)])
    )


CASES = (_rate(0.5, 200), _rate(0.9, 100), _rate(0.05, 200), _error(60), _error(200))


def coverage(case: Case, trials: int = TRIALS) -> float:
    """The share of simulated test sets whose 95 % interval holds the truth."""
    luck = random.Random(f"coverage/{case.name}")
    figures = [case.draw(luck) for _ in range(trials)]
    return sum(figure.low <= case.truth <= figure.high for figure in figures) / trials  # type: ignore[operator]


def false_verdicts(trials: int = TRIALS, n: int = 100) -> float:
    """The share of comparisons of a model with itself (other answers, same errors on average) that find a winner."""
    luck, task = random.Random("identical"), task_named("complexity")
    row = {"code": "function f() {}", "score": 5.0}

    def system(name: str, kind: str) -> Judged:
        answers = [f"{min(10.0, 5.0 + luck.expovariate(1.0)):.1f}" for _ in range(n)]
        return Judged(System(name, name, kind), {i: task.score(row, answer) for i, answer in enumerate(answers)})

    reports = (build(task, [system("a", "adapter"), system("b", "base")], {}) for _ in range(trials))
    return sum(_winner(report) for report in reports) / trials


def _winner(report: dict[str, Any]) -> bool:
    return not report["verdict"].startswith("No clear difference")


def measure(settings: Settings) -> str:
    lines = [f"{TRIALS:,} simulated test sets each.", "", "| 95 % interval of | holds the truth |", "|---|---|"]
    lines += [f"| {case.name} | {coverage(case):.1%} |" for case in CASES]
    return "\n".join([*lines, "", f"Identical models called different: {false_verdicts():.1%}."])
