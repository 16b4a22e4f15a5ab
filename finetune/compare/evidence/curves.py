"""The loss curve of a run as evidence: its points, what they amount to, and the lines of its drawing."""

from collections.abc import Mapping, Sequence
from typing import Any

Point = Mapping[str, Any]

KEPT = ("step", "epoch", "loss", "eval_loss", "learning_rate", "seconds")
WIDTH, HEIGHT = 720, 240


def point(metric: Point) -> dict[str, Any]:
    return {key: metric[key] for key in KEPT if key in metric}


def figures(points: Sequence[Point]) -> dict[str, Any]:
    """What a curve comes down to: eval loss before the first step and at its best, train loss at both ends."""
    evals, train = _known(points, "eval_loss"), _known(points, "loss")
    if not evals and not train:
        return {}
    best = min(evals, key=lambda pair: pair[1], default=None)
    return {
        "steps": max(step for step, _ in [*evals, *train]),
        "baseline_eval_loss": next((loss for step, loss in evals if step == 0), None),
        "best_eval_loss": best[1] if best else None,
        "best_step": best[0] if best else None,
        "first_train_loss": train[0][1] if train else None,
        "last_train_loss": train[-1][1] if train else None,
    }


def _known(points: Sequence[Point], key: str) -> list[tuple[float, float]]:
    return [(point["step"], point[key]) for point in points if point.get(key) is not None and "step" in point]


def drawing(points: Sequence[Point]) -> dict[str, Any] | None:
    """Polylines in a box of WIDTH x HEIGHT, and the ends of both axes."""
    series = {name: _known(points, key) for name, key in (("train loss", "loss"), ("eval loss", "eval_loss"))}
    every = [pair for some in series.values() for pair in some]
    if len(every) < 2:
        return None
    steps, top = max(step for step, _ in every) or 1, max(loss for _, loss in every) or 1.0
    lines = [
        {"name": name, "points": [(WIDTH * step / steps, HEIGHT * (1 - loss / top)) for step, loss in some]}
        for name, some in series.items()
        if some
    ]
    return {"width": WIDTH, "height": HEIGHT, "lines": lines, "last_step": f"{steps:,.0f}", "highest": f"{top:.2f}"}


def intervals(systems: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any] | None:
    """One bar for each system: its figure and its 95 % interval on one scale."""
    known = [(s["title"], s["metrics"][metric]) for s in systems if s["metrics"][metric]["value"] is not None]
    ends = [m[key] for _, m in known for key in ("value", "low", "high") if m[key] is not None]
    if not known:
        return None
    low, high = min(0.0, *ends), max(ends)
    scale = WIDTH / ((high - low) or 1.0)
    bars = [
        {"title": title}
        | {key: scale * ((m[key] if m[key] is not None else m["value"]) - low) for key in ("value", "low", "high")}
        for title, m in known
    ]
    return {"width": WIDTH, "bars": bars, "low": f"{low:.2f}", "high": f"{high:.2f}"}
