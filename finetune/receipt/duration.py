"""How long a training takes, as a range: the products that its rows ask for, and the speed that this machine reached.

The speed comes from the newest run here on the same base and in the same way, else from one timed product.
"""

from collections.abc import Iterable
from contextlib import suppress
from statistics import quantiles
from typing import NamedTuple

from backends.bases import tokenizer
from backends.catalog import Base
from backends.errors import AppError, NotFound
from backends.settings import Settings
from finetune import formats, task_named
from finetune.receipt import load
from finetune.receipt.footprint import Range
from finetune.receipt.load import Load
from finetune.receipt.machine import Machine
from finetune.receipt.shape import Shape
from finetune.recipes.recipe import Recipe, make
from finetune.rows import data
from finetune.runs.metrics import Point
from finetune.runs.run_folder import RunFolder
from finetune.training import batches

#: products for each weight and token: one way there, one back for what lies below; none for the frozen weights
THERE_AND_BACK, AGAIN = 2.0, 1.0
#: share of the speed of one large product that a whole training reaches: 0.24 to 0.28 in three runs of half an hour
REACHED = Range(0.18, 0.36)
#: from the start of the process to the first step
STARTING = Range(8, 40)
#: rows of an earlier run that are counted
SAMPLE = 100
#: newest runs that are looked at
RECENT = 20


class Speed(NamedTuple):
    """Products a second, and where that is known from."""

    range: Range
    why: str


def work(shape: Shape, recipe: Recipe, of: Load) -> float:
    """Products that learning from these tokens asks for."""
    passes = THERE_AND_BACK + (AGAIN if recipe.gradient_checkpointing else 0.0)
    layers = shape.inside * passes + shape.learned(recipe) * (passes + 1)
    return of.tokens * layers + of.answers * shape.vocabulary * shape.hidden * THERE_AND_BACK


def seconds(shape: Shape, recipe: Recipe, trained: Load, scored: Load, speed: Speed, limit: float) -> Range:
    """Of all tokens that are trained and of all that are scored for the eval losses; at most `limit`."""
    products = work(shape, recipe, trained) + work(shape, recipe, scored) / THERE_AND_BACK
    low, high = products / speed.range.high + STARTING.low, products / speed.range.low + STARTING.high
    return Range(min(low, limit), min(high, limit))


def speed(settings: Settings, base: Base, shape: Shape, recipe: Recipe, machine: Machine) -> Speed:
    return _of_newest(settings, base, shape, recipe) or _of_product(shape, machine, recipe)


def per_token(shape: Shape, recipe: Recipe, asked: Load) -> float:
    return work(shape, recipe, asked) / max(1, asked.tokens)


def of_points(points: Iterable[Point], products_per_token: float, why: str) -> Speed:
    """By the steps of a run, without the slowest and the fastest: other programs take their share at times."""
    reached = [point["tokens_per_second"] * products_per_token for point in points if point.get("tokens_per_second")]
    if len(reached) < 2:
        raise NotFound(f"There are no two measured steps in {why}")
    tenths = quantiles(reached, n=10, method="inclusive")
    return Speed(Range(tenths[2], tenths[8]), why)


def _of_product(shape: Shape, machine: Machine, recipe: Recipe) -> Speed:
    product = machine.products_per_second(machine.precision(recipe.precision), shape.hidden, shape.inner)
    return Speed(Range(product * REACHED.low, product * REACHED.high), "one timed product of the base's shape")


def _of_newest(settings: Settings, base: Base, shape: Shape, recipe: Recipe) -> Speed | None:
    folders = settings.runs_dir.iterdir() if settings.runs_dir.is_dir() else ()
    for path in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[:RECENT]:
        folder = RunFolder(path)
        if (folder.exit or {}).get("status") == "succeeded" and _alike(folder, base, recipe):
            with suppress(AppError):  # a run of an earlier version, of a task that is gone, of a single step
                per = _per_token_of(settings, folder, base, shape)
                return of_points(folder.metrics(), per, "the newest run of this kind here")
    return None


def _alike(folder: RunFolder, base: Base, recipe: Recipe) -> bool:
    job = folder.job
    if job["kind"] != "train" or job["base"] != base.name or job["engine"] != "local":
        return False
    same = ("quantization", "precision", "use_dora", "gradient_checkpointing")
    return all(job["recipe"].get(key) == getattr(recipe, key) for key in same)


def _per_token_of(settings: Settings, folder: RunFolder, base: Base, shape: Shape) -> float:
    job = folder.job
    rows = data.read_jsonl(folder.data_dir / job["data"]["train"])[:SAMPLE]
    recipe, fmt = make(job["recipe"]), formats.of_card(job, base, settings)
    encoded = batches.encode(rows, task_named(job["task"]), fmt, tokenizer.load(settings, base), recipe.max_length)
    return per_token(shape, recipe, load.of_rows(encoded.examples))
