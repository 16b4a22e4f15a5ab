"""Task: what an adapter is taught and shown to do. One file of finetune/tasks ends in `TASK = Task(...)`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from backends.base import Constraint
from backends.errors import AppError

Row = Mapping[str, Any]


class Unreadable(AppError):
    """The model's answer breaks the task's form. Shown as refused, counted as wrong, never repaired."""

    kind = "unreadable"


@dataclass(frozen=True)
class Field:
    """An input column and the label that stands before its value in the prompt."""

    column: str
    label: str
    help: str = ""
    lines: int = 4
    language: str | None = None  # for the editor on the page
    optional: bool = False  # it may stay empty


@dataclass(frozen=True)
class Scored:
    """One row, answered and judged. `value` is None when the answer was unreadable; then `correct` is False."""

    row: Row
    answer: str
    value: Any
    correct: bool
    #: numbers of this row that metrics are made of, e.g. {"error": 0.4}
    parts: Mapping[str, float] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True)
class Metric:
    """A figure over scored rows. `rate` and `mean` read one part of each row; `statistic` computes over all rows."""

    key: str
    title: str
    kind: Literal["rate", "mean", "statistic"]
    better: Literal["lower", "higher"]
    #: one number per row (None = this row has none); for rates 0.0 or 1.0
    part: Callable[[Scored], float | None] | None = None
    #: kind "statistic" only: all rows -> one number, or None when undefined
    compute: Callable[[Sequence[Scored]], float | None] | None = None
    unit: str = ""


@dataclass(frozen=True)
class Target:
    """A figure that a seed wants reached: `metric` is one of the task's, or "latency_ms" (cold start apart)."""

    metric: str
    bound: float
    better: Literal["lower", "higher"]


@dataclass(frozen=True)
class Trivial:
    """A system without a model: `fit(train rows)` returns what answers one row with text, as a model would."""

    name: str
    title: str
    fit: Callable[[Sequence[Row]], Callable[[Row], str]]


@dataclass(frozen=True)
class Task:
    name: str
    title: str
    summary: str
    inputs: tuple[Field, ...]
    target: str
    instruction: str
    cue: str
    max_new_tokens: int
    #: name of the typed panel in ui/panels
    panel: str
    constraint: Constraint | None
    samples: tuple[Mapping[str, str], ...]
    #: a raw row of any accepted shape -> one clean row; BadInput names the column
    clean: Callable[[Row], dict[str, Any]]
    #: the clean row -> the text that is trained as the answer
    answer_of: Callable[[Row], str]
    #: an answer's text -> its value; Unreadable says why not
    parse: Callable[[str], Any]
    #: (row, value) -> correct?, parts
    judge: Callable[[Row, Any], tuple[bool, dict[str, float]]]
    metrics: tuple[Metric, ...]
    primary: str
    trivial: tuple[Trivial, ...]
    targets: tuple[Target, ...] = ()
    #: what ends an answer besides the end token; a base that was never taught the form ends a line with a new line
    stop: tuple[str, ...] = ()
    #: None, or why this input is not what the task is for
    unfit: Callable[[Row], str | None] = lambda row: None
    #: (row, earlier questions and answers) -> the row that asks after them; None where each question stands alone
    chat: Callable[[Row, Sequence[tuple[str, str]]], dict[str, str]] | None = None
    #: asked of adapters that were made for other tasks, to see what these cost (finetune/compare/forgetting.py)
    probe: bool = False
    #: (split, seed) -> rows; splits "train", "val", "test" share no template
    generate: Callable[[str, int], Iterable[dict[str, Any]]] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f.column for f in self.inputs)

    @property
    def choices(self) -> tuple[str, ...]:
        """The labels that every answer is one of; none for a task of another kind."""
        return self.constraint.choices if self.constraint else ()

    @property
    def primary_metric(self) -> Metric:
        return next(m for m in self.metrics if m.key == self.primary)

    def score(self, row: Row, answer: str) -> Scored:
        """Read and judge one answer; an unreadable one is wrong and stays in every denominator."""
        try:
            value = self.parse(answer)
        except Unreadable as error:
            return Scored(row, answer, None, correct=False, problem=str(error))
        correct, parts = self.judge(row, value)
        return Scored(row, answer, value, correct, parts)
