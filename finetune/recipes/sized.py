"""The three simple recipes, adapted to the size of a data set: enough steps for few rows, no more than help many."""

from typing import NamedTuple

from backends.errors import BadInput
from finetune.recipes.recipe import Recipe, named
from finetune.training.batches import steps_in_epoch, total_steps

#: below this many rows each batch is a step of its own: else there are too few steps to learn from
FEW = 200


class Bounds(NamedTuple):
    """Steps that are worth while, and passes after which rows are learned by heart."""

    least: int
    most: int
    passes: float


BOUNDS = {
    "quick": Bounds(0, 60, 3),
    "balanced": Bounds(60, 1_500, 6),
    "thorough": Bounds(200, 6_000, 12),
}


def sized(name: str, rows: int) -> Recipe:
    """A simple recipe for so many training rows."""
    if name not in BOUNDS:
        raise BadInput(f"There is no simple recipe {name[:40]!r}; known: {', '.join(BOUNDS)}")
    recipe, bounds = named(name), BOUNDS[name]
    if rows < FEW:
        recipe = recipe.change(gradient_accumulation_steps=1)
    a_pass = steps_in_epoch(max(1, rows), recipe)
    steps = min(max(total_steps(rows, recipe), bounds.least), bounds.most, round(bounds.passes * a_pass))
    if recipe.max_steps > 0:
        return recipe.change(max_steps=steps, eval_steps=max(1, -(-steps // 3)))
    return recipe.change(num_train_epochs=round(steps / a_pass, 3))


def words(recipe: Recipe, rows: int) -> str:
    """What a recipe does with so many rows, in a sentence."""
    steps = total_steps(rows, recipe)
    passes = steps / steps_in_epoch(max(1, rows), recipe)
    said = f"{passes:.1f}".removesuffix(".0")
    return f"up to {steps:,} steps, {said} {'pass' if said == '1' else 'passes'} over the rows"
