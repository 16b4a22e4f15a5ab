"""The start receipt: does a fine-tune fit, how long does it take, what does it cost; as ranges, before it starts."""

from collections.abc import Sequence

from backends.catalog import Base
from backends.settings import Settings
from finetune.receipt import duration
from finetune.receipt.job import job_of
from finetune.receipt.start_receipt import StartReceipt as StartReceipt
from finetune.recipes.recipe import Recipe
from finetune.task import Row, Task


def receipt(
    settings: Settings, task: Task, rows: Sequence[Row], recipe: Recipe, base: Base, val: Sequence[Row] = ()
) -> StartReceipt:
    """By the formulas alone; `val` are the rows of the eval loss. finetune/receipt/smoke.py measures instead."""
    made = job_of(settings, task, rows, recipe, base, val)
    return made.receipt(made.memory(recipe), duration.speed(settings, base, made.shape, recipe, made.machine))
