"""What a fine-tune needs of a machine, from the catalog's entry of its base: said before anything is downloaded."""

from backends.catalog import Base
from backends.settings import MB
from finetune.recipes.recipe import Recipe

#: bytes that a weight of the base takes in memory, without the activations that come on top
BYTES = {"none": 2.0, "int8": 1.0, "nf4": 0.5}
GB = 1024 * MB


def weights_gb(base: Base, recipe: Recipe) -> float:
    """The least memory: the frozen weights alone."""
    return base.parameters * BYTES[recipe.quantization] / GB


def missing(base: Base, recipe: Recipe) -> str | None:
    """None, or one sentence on what this machine lacks to train on this base in this way."""
    if base.source == "pypi":
        return None  # made for the processor
    import torch

    least = weights_gb(base, recipe)
    method = "" if recipe.quantization == "none" else f" in {recipe.quantization}"
    wanted = f"Training {base.title}{method} needs a CUDA GPU with more than {least:.1f} GB (its weights alone)"
    if not torch.cuda.is_available():
        return (
            f"{wanted}, and this machine has no such GPU: start it on one, or give --base gemma-3-270m to try it here"
        )
    here = torch.cuda.get_device_properties(0).total_memory / GB
    if here <= least:
        return f"{wanted}, and {torch.cuda.get_device_name(0)} has {here:.1f} GB: choose nf4 or a smaller base"
    return None
