"""A teacher: a larger model of the OpenAI-compatible server answers the rows that have no label yet, in the task's
form.

Each row is asked a few times; what most of these answers say is the label, and their share is how sure the teacher is.
A label is on disk before the next row is asked, so what was paid for once is never asked again. Nothing is trained
on it by itself: labels make a new version of the rows, to be looked at, changed and undone like any other.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from backends import catalog
from backends.engines.openai_http import OpenAiHttp
from backends.errors import AppError, BadInput, Unavailable
from backends.files import append_json, dump_json, exclusive, read_json_lines, room_for
from backends.settings import MB, Settings
from finetune import ask
from finetune.rows import data
from finetune.rows.table import Table
from finetune.task import Row, Task

#: times that a row is asked, and how freely: equal words at temperature 0 would say nothing about how sure it is
ASKED, TEMPERATURE = 3, 0.7
#: rows in one go
MOST = 2000


@dataclass(frozen=True)
class Label:
    """What the teacher said of one row. `answer` is None where it said nothing usable; `problem` says why."""

    row: str
    answer: Any
    agreed: int
    asked: int
    tokens_in: int = 0
    tokens_out: int = 0
    problem: str = ""

    @property
    def confidence(self) -> float:
        return self.agreed / self.asked


@dataclass(frozen=True)
class Bill:
    """Sums over labels. `dollars` is None where no price is set (ACR_OPENAI_PRICES)."""

    labelled: int
    failed: int
    tokens_in: int
    tokens_out: int
    dollars: float | None

    def __str__(self) -> str:
        money = "its price is not set" if self.dollars is None else f"${self.dollars:.4f}"
        return (
            f"{self.labelled} labelled, {self.failed} failed; {self.tokens_in:,} tokens read and "
            f"{self.tokens_out:,} written: {money}"
        )


class Teacher:
    """One model for one task, with what it said so far in `folder`."""

    def __init__(self, settings: Settings, task: Task, model: str, folder: Path) -> None:
        self.settings, self.task, self.base = settings, task, catalog.REMOTE + model
        named = hashlib.sha256(f"{task.name}\x1f{model}".encode()).hexdigest()[:16]
        self.path = folder / f"teacher-{named}.jsonl"
        self.engine = OpenAiHttp(settings, 1)

    @property
    def labels(self) -> dict[str, Label]:
        """What was said, by `key_of` the row."""
        return {entry["row"]: Label(**entry) for entry in read_json_lines(self.path)}

    def label(self, rows: Iterable[Row], dollars: float | None = None) -> Iterator[Label]:
        """One label for each row, those of earlier calls first of all; ends early at a bill of `dollars`.

        Unavailable when the server cannot be asked; every label until then is kept.
        """
        if why := self.engine.ready(self.base):
            raise Unavailable(why)
        if dollars is not None and not self.settings.openai_prices:
            raise BadInput("A limit in dollars needs the prices of the model: set ACR_OPENAI_PRICES")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        known, paid = self.labels, list[Label]()
        with room_for(MB, self.path.parent, "Keeping what the teacher says"), exclusive(self.path.with_suffix(".lock")):
            for row in rows:
                if said := known.get(key_of(self.task, row)):
                    yield said
                    continue
                if dollars is not None and (bill(self.settings, paid).dollars or 0.0) >= dollars:
                    return
                made = self._asked(row)
                paid.append(made)
                if made.answer is not None:  # a failure may pass: it is asked again another time
                    append_json(self.path, asdict(made), durable=True)
                    known[made.row] = made
                yield made

    def _asked(self, row: Row) -> Label:
        said: list[Any] = []
        problems: list[str] = []
        read = written = 0
        for seed in range(ASKED):
            asked = replace(
                ask.request(self.settings, self.task, row, None, base=self.base, seed=seed), temperature=TEMPERATURE
            )
            answer = ask.collect(self.engine.generate(asked, lambda: False))
            read, written = read + answer.usage.prompt_tokens, written + answer.usage.new_tokens
            try:
                said.append(self._target(row, answer))
            except AppError as problem:
                problems.append(str(problem))
        votes = Counter(map(dump_json, said))
        words, agreed = votes.most_common(1)[0] if votes else ("", 0)
        chosen = next((one for one in said if dump_json(one) == words), None)
        why = problems[0][:300] if chosen is None else ""
        return Label(key_of(self.task, row), chosen, agreed, ASKED, read, written, why)

    def _target(self, row: Row, answer: ask.Answer) -> Any:
        """The answer as the task's target column holds it; Unreadable or BadInput say why it cannot be one."""
        value = ask.read(self.task, answer)
        given = value if isinstance(value, str | int | float) else answer.text.strip()
        return self.task.clean({**row, self.task.target: given})[self.task.target]


def key_of(task: Task, row: Row) -> str:
    return hashlib.sha256(data.input_key(task, row).encode()).hexdigest()[:32]


def unlabelled(table: Table) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, row) of each row that has all its inputs and no target."""
    task = table.task
    for found in table.every():
        inputs = {column: found.row.get(column) for column in task.columns}
        optional = {field.column for field in task.inputs if field.optional}
        asks = all(isinstance(text, str) and text.strip() or name in optional for name, text in inputs.items())
        if asks and found.row.get(task.target) in (None, ""):
            yield found.number, {**found.row, **{name: text or "" for name, text in inputs.items()}}


def by_doubt(table: Table, labels: dict[str, Label]) -> list[tuple[int, Label]]:
    """(line, label) of the rows whose target is the teacher's, the least sure first."""
    task = table.task
    mine = [
        (found.number, label)
        for found in table.every()
        if set(task.columns) <= set(found.row)
        and (label := labels.get(key_of(task, found.row)))
        and label.answer is not None
        and found.row.get(task.target) == label.answer
    ]
    return sorted(mine, key=lambda one: (one[1].confidence, one[0]))


def bill(settings: Settings, labels: Iterable[Label]) -> Bill:
    every = list(labels)
    read, written = sum(one.tokens_in for one in every), sum(one.tokens_out for one in every)
    prices = settings.openai_prices
    dollars = (read * prices[0] + written * prices[1]) / 1e6 if prices else None
    labelled = sum(one.answer is not None for one in every)
    return Bill(labelled, len(every) - labelled, read, written, dollars)
