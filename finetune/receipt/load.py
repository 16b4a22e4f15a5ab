"""What a batch asks of a machine: its tokens with padding, and those that are answers."""

from collections.abc import Sequence
from typing import NamedTuple

from finetune.recipes.recipe import Recipe
from finetune.training.batches import Encoded, Example, bucketed, by_length, total_steps

#: passes whose batches are looked at; later ones only shuffle again
PASSES = 3


class Load(NamedTuple):
    tokens: int
    answers: int

    def times(self, factor: float) -> "Load":
        return Load(round(self.tokens * factor), round(self.answers * factor))


def of_batch(batch: Sequence[Example]) -> Load:
    """As memory sees it: every row is as wide as the longest."""
    return Load(len(batch) * max(len(example.ids) for example in batch), learned(batch))


def of_rows(rows: Sequence[Example]) -> Load:
    """As time sees it, nearly: rows of a batch are about equally long."""
    return Load(sum(len(example.ids) for example in rows), learned(rows))


def learned(rows: Sequence[Example]) -> int:
    return sum(len(example.ids) - example.prompt for example in rows)


def orders(encoded: Encoded, recipe: Recipe) -> list[list[int]]:
    """Row numbers of the very batches of the first passes, by the sampler's own rule."""
    size = recipe.per_device_train_batch_size
    passes = [bucketed(encoded.lengths, size, recipe.seed, epoch) for epoch in range(PASSES)]
    made = [order[start : start + size] for order in passes for start in range(0, len(order), size)]
    return made[: total_steps(len(encoded.examples), recipe) * recipe.gradient_accumulation_steps]


def of_training(encoded: Encoded, recipe: Recipe) -> list[Load]:
    return [of_batch([encoded.examples[i] for i in order]) for order in orders(encoded, recipe)]


def of_scoring(encoded: Encoded, recipe: Recipe) -> list[Load]:
    return [of_batch(batch) for batch in by_length(encoded.examples, 2 * recipe.per_device_train_batch_size)]
