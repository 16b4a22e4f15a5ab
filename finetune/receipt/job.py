"""One fine-tune as the formulas of the start receipt see it: rows as token ids, sizes of the base, this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from backends.bases import tokenizer
from backends.catalog import Base
from backends.settings import Settings
from finetune import formats
from finetune.receipt import duration, load
from finetune.receipt.duration import Speed
from finetune.receipt.footprint import Range, footprint
from finetune.receipt.load import Load
from finetune.receipt.machine import Machine, machine
from finetune.receipt.shape import Shape, shape_of
from finetune.receipt.start_receipt import HERE, Place, StartReceipt, fits
from finetune.recipes.recipe import Recipe
from finetune.task import Row, Task
from finetune.training import batches
from finetune.training.batches import Encoded

#: rows that are counted of a large file, and the longest of all
COUNTED, LONGEST = 4000, 64
#: one after the other, each on top of those before it, until it fits
SMALLER: tuple[dict[str, Any], ...] = (
    {"per_device_train_batch_size": 1},
    {"gradient_checkpointing": True},
    {"quantization": "nf4"},
)


@dataclass(frozen=True)
class Job:
    settings: Settings
    task: Task
    base: Base
    recipe: Recipe
    #: the rows that are counted, and the same as token ids
    rows: list[Row]
    train: Encoded
    val_rows: list[Row]
    val: Encoded
    #: rows of the whole file for each that is counted
    share: float
    shape: Shape
    machine: Machine

    @property
    def precision(self) -> str:
        return self.machine.precision(self.recipe.precision)

    def memory(self, recipe: Recipe) -> Range:
        train, val = load.of_training(self.train, recipe), load.of_scoring(self.val, recipe)
        return footprint(self.shape, recipe, self.precision, train, val, gpu=bool(self.machine.gpu))

    @property
    def load_of_batch(self) -> Load:
        """Of a batch of average rows."""
        rows = self.train.examples
        return load.of_rows(rows).times(self.recipe.per_device_train_batch_size / len(rows))

    def receipt(self, memory: Range, speed: Speed, place: Place = HERE, dollars: float | None = None) -> StartReceipt:
        """`dollars` is a cap on money, which ends a run with a checkpoint like one on minutes."""
        recipe, rows = self.recipe, round(len(self.rows) * self.share)
        steps = batches.total_steps(rows, recipe)
        passes = steps / batches.steps_in_epoch(rows, recipe)
        trained = load.of_rows(self.train.examples).times(passes * self.share)
        evals = 1 + steps // batches.eval_every(steps, recipe)
        scored = load.of_rows(self.val.examples).times(evals)
        limit = self._limit(place, dollars)
        available = self.machine.available
        return StartReceipt(
            base=self.base.name,
            task=self.task.name,
            rows=rows,
            left_out=round(self.train.left_out * self.share),
            steps=steps,
            tokens=trained.tokens,
            fits=fits(memory, available),
            memory=memory,
            available=available,
            seconds=duration.seconds(self.shape, recipe, trained, scored, speed, limit * 60),
            limit=limit,
            speed=speed.why,
            place=place,
            advice="" if memory.high <= available else self.advice(available),
        )

    def _limit(self, place: Place, dollars: float | None) -> float:
        """Minutes after which it ends with what it has learned."""
        limits = [self.settings.max_run_minutes, self.recipe.max_minutes]
        if dollars is not None and place.per_minute:
            limits.append(max(0.01, dollars / place.per_minute - place.waiting.high / 60))
        return min(limit for limit in limits if limit)

    def advice(self, available: int) -> str:
        """The first change that makes it fit, with the effective batch kept."""
        together = self.recipe.per_device_train_batch_size * self.recipe.gradient_accumulation_steps
        changed: dict[str, Any] = {}
        for change in SMALLER:
            changed |= {key: value for key, value in change.items() if getattr(self.recipe, key) != value}
            if "per_device_train_batch_size" in changed:
                changed["gradient_accumulation_steps"] = together
            if changed and self.memory(self.recipe.change(**changed)).high <= available:
                return f"With {', '.join(f'{key}={str(value).lower()}' for key, value in changed.items())} it fits."
        return "Shorter rows (a lower max_length) or a smaller base would make it fit."


def job_of(
    settings: Settings,
    task: Task,
    rows: Sequence[Row],
    recipe: Recipe,
    base: Base,
    val: Sequence[Row] = (),
    on: Machine | None = None,
) -> Job:
    """`on` is another machine than this one. BadInput where no row can be used; the base's tokenizer must be here."""
    tokens, fmt = tokenizer.load(settings, base), formats.format_for(base, settings)

    def encoded(some: Sequence[Row]) -> tuple[list[Row], Encoded]:
        each = [(row, batches.encode([row], task, fmt, tokens, recipe.max_length).examples) for row in some]
        used = [(row, examples[0]) for row, examples in each if examples]
        return [row for row, _ in used], Encoded([example for _, example in used], len(some) - len(used))

    some = sample(rows, task)
    used, train = encoded(some)
    batches.check_usable(train, recipe.max_length)
    shape = shape_of(settings, base, tokens.tokenizer.get_vocab_size())
    here = on or machine(settings, shape.hidden, shape.inner)
    return Job(settings, task, base, recipe, used, train, *encoded(val), len(rows) / len(some), shape, here)


def sample(rows: Sequence[Row], task: Task) -> Sequence[Row]:
    """All rows of a small file; of a large one every so many, and the longest, which decide the memory."""
    if len(rows) <= COUNTED:
        return rows
    columns = (*task.columns, task.target)
    longest = nlargest(LONGEST, rows, key=lambda row: sum(len(str(row[column])) for column in columns))
    return [*rows[:: -(-len(rows) // COUNTED)], *longest]
