"""PASS or FAIL of a system against the targets of its task, on the point estimate as the seed does."""

from collections.abc import Iterable
from typing import Any

from finetune.task import Target


def checked(targets: Iterable[Target], system: dict[str, Any]) -> list[dict[str, Any]]:
    """`[{"metric", "bound", "better", "value", "pass"}]` of a system in a report; without a value it fails."""
    return [_checked(target, value_of(target, system)) for target in targets]


def value_of(target: Target, system: dict[str, Any]) -> float | None:
    if target.metric == "latency_ms":
        seconds = system.get("timing", {}).get("mean")
        return None if seconds is None else round(1000 * seconds, 1)
    return system["metrics"][target.metric]["value"]


def _checked(target: Target, value: float | None) -> dict[str, Any]:
    reached = value is not None and (value >= target.bound if target.better == "higher" else value <= target.bound)
    return vars(target) | {"value": value, "pass": reached}
