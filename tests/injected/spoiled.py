"""Ways to spoil the tensors of an adapter before they are saved (`change` of tests/parts/loras.py)."""

from collections.abc import Callable

import numpy as np

from backends.bases.gguf_meta import Shapes
from tests.parts.loras import PREFIX, Tensors


def silent(tensors: Tensors) -> None:
    """B = 0: what an adapter is before its first step."""
    for name in tensors:
        if ".lora_B." in name:
            tensors[name] = np.zeros_like(tensors[name])


def halved(tensors: Tensors) -> None:
    for name in sorted(tensors)[: len(tensors) // 2]:
        del tensors[name]


def renamed(old: str, new: str) -> Callable[[Tensors], None]:
    def change(tensors: Tensors) -> None:
        for name in list(tensors):
            tensors[name.replace(old, new)] = tensors.pop(name)

    return change


def twice(tensors: Tensors) -> None:
    """The same layers a second time under the prefix of a wrapped model: the later ones would win in silence."""
    for name in list(tensors):
        tensors[name.replace(PREFIX, "base_model.model.language_model.model.")] = -tensors[name]


def magnitudes(shapes: Shapes) -> Callable[[Tensors], None]:
    def change(tensors: Tensors) -> None:
        for module, (out, _) in shapes.items():
            tensors[f"{PREFIX}{module}.lora_magnitude_vector"] = np.ones(out, np.float32)

    return change


def b_biases(shapes: Shapes) -> Callable[[Tensors], None]:
    def change(tensors: Tensors) -> None:
        for module, (out, _) in shapes.items():
            tensors[f"{PREFIX}{module}.lora_B.bias"] = np.full(out, 0.05, np.float32)

    return change


def negative(tensors: Tensors) -> None:
    """B negated: another adapter of the same size."""
    for name in tensors:
        if ".lora_B." in name:
            tensors[name] = -tensors[name]
