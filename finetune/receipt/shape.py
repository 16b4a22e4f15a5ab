"""The sizes of a base that decide memory and time: its linear layers, its other weights, its vocabulary."""

from dataclasses import dataclass

from backends.bases.base_shapes import linear_shapes
from backends.bases.gguf_meta import Shapes
from backends.catalog import Base
from backends.settings import Settings
from finetune.recipes.recipe import Recipe


@dataclass(frozen=True)
class Shape:
    #: `{"layers.0.self_attn.q_proj": (out, in)}`
    linear: Shapes
    parameters: int
    vocabulary: int

    @property
    def inside(self) -> int:
        """Weights of the linear layers: those that are quantised and that every token goes through."""
        return sum(out * into for out, into in self.linear.values())

    @property
    def outside(self) -> int:
        """Embedding, norms and a head of its own."""
        return max(0, self.parameters - self.inside)

    @property
    def outputs(self) -> int:
        """Numbers that the linear layers make of one token."""
        return sum(out for out, _ in self.linear.values())

    @property
    def layers(self) -> int:
        return len({name.split(".")[1] for name in self.linear})

    @property
    def hidden(self) -> int:
        return min(into for _, into in self.linear.values())

    @property
    def inner(self) -> int:
        return max(out for out, _ in self.linear.values())

    def learned(self, recipe: Recipe) -> int:
        """Weights of the LoRA: two thin matrices beside each layer that it targets."""
        beside = (size for name, size in self.linear.items() if name.rsplit(".", 1)[-1] in recipe.target_modules)
        return sum(recipe.r * (out + into) for out, into in beside)


def shape_of(settings: Settings, base: Base, vocabulary: int) -> Shape:
    """From the base's own files; before its download, by the proportions that most bases have."""
    return Shape(linear_shapes(settings, base) or _usual(base.parameters), base.parameters, vocabulary)


def _usual(parameters: int) -> Shapes:
    """Layers of 13 hidden x hidden weights each, and one layer for every 128 of hidden, as in Llama 3."""
    hidden = round((parameters * 128 / 13) ** (1 / 3))
    keys, inner = hidden // 4, hidden * 7 // 2
    layer = {
        **{f"self_attn.{name}": (hidden, hidden) for name in ("q_proj", "o_proj")},
        **{f"self_attn.{name}": (keys, hidden) for name in ("k_proj", "v_proj")},
        **{f"mlp.{name}": (inner, hidden) for name in ("gate_proj", "up_proj")},
        "mlp.down_proj": (hidden, inner),
    }
    return {f"layers.{n}.{name}": size for n in range(max(1, hidden // 128)) for name, size in layer.items()}
