"""What a comparison's numbers mean, in words for someone who has never met a p-value."""

from collections.abc import Mapping
from typing import Any

#: the usual line between "chance" and "more than chance"
ALPHA = 0.05


def mcnemar(report: Mapping[str, Any]) -> str:
    """The disagreements of a report's two systems, and whether chance would do as an explanation."""
    titles = {system["name"]: system["title"] for system in report["systems"]}
    first, second = (report["verdicts"][name] for name in ("fine_tuned_better", "baseline_better"))
    said = (
        f"On {first + second} rows just one of the two is right: {first} times {titles[report['candidate']]}, "
        f"{second} times {titles[report['baseline']]}. "
    )
    return (said if first + second else "") + chance(first, second, report["mcnemar_p"])


def chance(first: int, second: int, p: float) -> str:
    """Whether a split of `first` to `second` among the disagreements is more than chance."""
    if first + second == 0:
        return "On no row is just one of the two right, so nothing tells them apart."
    often = f"at least as uneven a split comes up {_often(p)} when both are equally good (exact McNemar, p = {p:.2g})"
    return f"That is more than chance: {often}." if p < ALPHA else f"Chance alone would do: {often}."


def _often(p: float) -> str:
    if p < 0.001:
        return "less than once in 1,000 times"
    return f"about {round(1000 * p):,} times in 1,000"
