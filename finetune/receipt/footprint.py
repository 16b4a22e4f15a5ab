"""How much memory a training takes, as a range from a formula; tests/bench/calibration.py holds it against real runs.

The frozen weights, the LoRA with its gradients and the optimizer's two numbers a weight, and the greatest batch: what
the layers keep of each token until the way back. The vocabulary takes next to nothing: the loss walks over it in blocks
(finetune/training/answer_loss.py).
"""

from collections.abc import Iterable
from typing import NamedTuple

from backends.settings import MB
from finetune.receipt.load import Load
from finetune.receipt.shape import Shape
from finetune.recipes.recipe import Recipe

#: Python, torch, transformers, the tokenizer and scratch room of the products; on a GPU the context of its driver
RUNTIME, CONTEXT = 900 * MB, 600 * MB
#: bytes of a weight: as it is computed with, and as it is kept
WIDTH = {"bf16": 2.0, "fp32": 4.0}
KEPT = {"int8": 1.05, "nf4": 0.55}
#: bytes of a LoRA weight: itself, its gradient, a copy of that while a step is tried, and what the optimizer keeps
LEARNED, ADAM, ADAM_8BIT = 12.0, 8.0, 2.0
#: bytes that are kept of a token for each number that a linear layer made of it (norms count in fp32 either way)
PER_OUTPUT = {"bf16": 5.9, "fp32": 9.0}
#: the same without a way back: only the layer that is being computed holds anything
IN_PASSING = 3.0
#: least and most for a middle of 1: what the allocator does not give back, rows that come together differently
LOW, HIGH = 0.85, 1.25


class Range(NamedTuple):
    low: float
    high: float


def footprint(
    shape: Shape, recipe: Recipe, precision: str, train: Iterable[Load], val: Iterable[Load], gpu: bool
) -> Range:
    """Bytes at the peak of a training over these batches; `val` are those of the eval loss."""
    parts = weights(shape, recipe, precision) + adapter(shape, recipe) + (CONTEXT if gpu else RUNTIME)
    most = max(
        max((learning(shape, recipe, precision, load) for load in train), default=0.0),
        max((_scoring(shape, load) for load in val), default=0.0),
    )
    return Range(LOW * (parts + most), HIGH * (parts + most))


def weights(shape: Shape, recipe: Recipe, precision: str) -> float:
    """Of the base. Quantising leaves the embedding and the norms as they are."""
    wide = WIDTH[precision]
    return shape.inside * KEPT.get(recipe.quantization, wide) + shape.outside * wide


def adapter(shape: Shape, recipe: Recipe) -> float:
    return shape.learned(recipe) * (LEARNED + (ADAM_8BIT if "8bit" in recipe.optim else ADAM))


def learning(shape: Shape, recipe: Recipe, precision: str, load: Load) -> float:
    """Bytes of one batch on its way there and back."""
    token = shape.outputs * PER_OUTPUT[precision]
    if recipe.gradient_checkpointing:  # the input of each layer, and one layer as a whole
        token = token / shape.layers + shape.layers * shape.hidden * WIDTH[precision]
    return load.tokens * token


def _scoring(shape: Shape, load: Load) -> float:
    token = shape.outputs / shape.layers * IN_PASSING
    return load.tokens * token
