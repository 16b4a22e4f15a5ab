"""The loss curve of a run as data: points, best point, a sentence, a table. The figure is in ui/views/plots.py."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from ui import words

Point = tuple[float, float | None]  # (step, loss); None is a gap: the loss was not a number


@dataclass(frozen=True)
class Curve:
    train: tuple[Point, ...] = ()
    evals: tuple[Point, ...] = ()
    #: how good the base with examples was before the first step, in words; empty when it was not asked
    before: str = ""

    @property
    def baseline(self) -> float | None:
        """The base's own eval loss, measured before the first step."""
        return next((loss for step, loss in self.evals if step == 0), None)

    @property
    def best(self) -> tuple[float, float] | None:
        whole = [(step, loss) for step, loss in self.evals if loss is not None]
        return min(whole, key=lambda point: point[1]) if whole else None


def read(metrics: Iterable[Mapping[str, Any]], baseline: Mapping[str, Any] | None = None) -> Curve:
    """A curve from the lines of metrics.jsonl, which hold losses, and the `baseline` of the run's job."""
    train, evals = {}, {}
    for line in metrics:
        step = line.get("step")
        if not isinstance(step, int | float):
            continue
        if "loss" in line:
            train[step] = _loss(line["loss"])
        if "eval_loss" in line:
            evals[step] = _loss(line["eval_loss"])
    return Curve(tuple(sorted(train.items())), tuple(sorted(evals.items())), _before(baseline) if baseline else "")


def _before(baseline: Mapping[str, Any]) -> str:
    rows = words.count(baseline["n"], "row")
    return f"base with examples: {baseline['title']} {words.number(baseline['value'])} on {rows}"


def _loss(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def sentence(curve: Curve) -> str:
    """What the curve says, for who cannot or need not see it."""
    return _losses(curve) + (f" Before training, the {curve.before}." if curve.before else "")


def _losses(curve: Curve) -> str:
    known = [(step, loss) for step, loss in curve.evals if loss is not None]
    if not known:
        losses = [loss for _, loss in curve.train if loss is not None]
        if not losses:
            return "No loss has been measured yet; the first point comes after the first steps."
        return f"Train loss is now {losses[-1]:.2f}; it began at {losses[0]:.2f}. No eval loss yet."
    (first_step, first), (last_step, last), best = known[0], known[-1], curve.best
    start = "before training" if first_step == 0 else f"at step {first_step:,.0f}"
    if len(known) == 1 or best is None:
        return f"Eval loss is {first:.2f} {start}. Lower is better."
    if best[0] == first_step:
        return f"Eval loss has not improved: {first:.2f} {start}, {last:.2f} at step {last_step:,.0f}."
    said = f"Eval loss fell from {first:.2f} {start} to {best[1]:.2f}; best at step {best[0]:,.0f}."
    later = sum(1 for step, _ in known if step > best[0])
    return said + (f" The {words.count(later, 'measurement')} after that did not beat it." if later else "")


def advice(curve: Curve) -> str:
    """What to do next with a finished run, as far as its eval loss tells."""
    known = [step for step, loss in curve.evals if loss is not None]
    if len(known) < 2 or curve.best is None:
        return "Next: compare it with the base on rows that it has never seen."
    if curve.best[0] == known[0]:
        return "Next: try other rows or a lower learning rate; more of the same will not help."
    if curve.best[0] == known[-1]:
        return (
            "Next: compare it with the base. The eval loss was still falling at the end, so a longer run may be better."
        )
    return "Next: compare it with the base. It had stopped improving, so a longer run on the same rows will not help."


def rows(curve: Curve, limit: int = 200) -> list[tuple[str, str, str]]:
    """The table beside the figure: step, train loss, eval loss; all evals and as many train points as fit."""
    train, evals = dict(curve.train), dict(curve.evals)
    steps = sorted(evals.keys() | train.keys())
    if len(steps) > limit:
        every = -(-len(steps) // limit)
        steps = sorted(evals.keys() | set(list(train)[::every]))
    return [(f"{step:,.0f}", _cell(train, step), _cell(evals, step)) for step in steps]


def _cell(points: dict[float, float | None], step: float) -> str:
    if step not in points:
        return ""
    loss = points[step]
    return "not a number" if loss is None else f"{loss:.3f}"
