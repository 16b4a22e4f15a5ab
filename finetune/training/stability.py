"""When a training leaves its path: losses that are no number, gradients far beyond their usual size.

A step that would do harm changes nothing and is said; only when it is no accident any more does the run end.
"""

import math
from collections import deque
from collections.abc import Callable
from statistics import median

from backends.errors import AppError

MOST_LOST_STEPS = 3  # in a row without a finite loss
USUAL = 20  # gradient norms that must be known before one can be called unusual
SPIKE = 20.0  # times the usual norm
MOST_SPIKES = 3  # in a row; then it is the new usual


class Losses:
    """Counts the losses that are not a number."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say, self.lost = say, 0

    def check(self, step: int, loss: float) -> None:
        """Say a lost step; the third in a row ends the run with what to do."""
        if math.isfinite(loss):
            self.lost = 0
            return
        self.lost += 1
        self.say(f"Step {step}: the loss is not a number; this step changed nothing")
        if self.lost >= MOST_LOST_STEPS:
            raise AppError(
                f"The loss was not a number for {self.lost} steps in a row, up to step {step}: "
                "start again with a lower learning_rate"
            )


class Gradients:
    """Knows the usual size of the gradients, so that one bad row cannot throw the weights far off."""

    def __init__(self) -> None:
        self.norms: deque[float] = deque(maxlen=2 * USUAL)
        self.spikes = 0

    def refuse(self, norm: float) -> str | None:
        """Why the step with this gradient norm must change nothing, or None."""
        if not math.isfinite(norm):
            return "the gradient is not a number"
        known = median(self.norms) if len(self.norms) >= USUAL else math.inf
        if norm > SPIKE * known and self.spikes < MOST_SPIKES:
            self.spikes += 1
            return f"a spike, the gradient is {norm / known:.0f} times its usual size"
        self.spikes = 0
        self.norms.append(norm)
        return None
