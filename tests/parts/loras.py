"""Small real adapter folders for tests: random weights in the shapes of the base, no training, no torch."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from backends.bases.gguf_meta import Shapes

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
PREFIX = "base_model.model.model."

Tensors = dict[str, np.ndarray[Any, np.dtype[Any]]]


def write_lora(
    folder: Path,
    shapes: Shapes,
    *,
    modules: list[str] = LINEAR,
    config: dict[str, Any] | None = None,
    card: dict[str, Any] | None = None,
    change: Callable[[Tensors], object] = lambda tensors: None,
    rank_of: Callable[[str], int] = lambda module: 4,
) -> Path:
    """A PEFT-like folder; `change` may spoil the tensors before they are saved."""
    random = np.random.default_rng(0)
    tensors: Tensors = {}
    for module, (out, into) in shapes.items():
        if module.rpartition(".")[2] in modules:
            r = rank_of(module)
            tensors[f"{PREFIX}{module}.lora_A.weight"] = random.normal(0, 0.05, (r, into)).astype(np.float32)
            tensors[f"{PREFIX}{module}.lora_B.weight"] = random.normal(0, 0.05, (out, r)).astype(np.float32)
    change(tensors)
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "google/gemma-3-270m",
        "r": 4,
        "lora_alpha": 8,
        "target_modules": modules,
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings | (config or {})))
    if card is not None:
        (folder / "card.json").write_text(json.dumps(card))
    return folder
