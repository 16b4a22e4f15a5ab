"""A sound adapter of random weights, made in a blink: for tests that need one that answers, not one that is good."""

import json
from pathlib import Path

from backends import adapters
from backends.bases.base_shapes import linear_shapes
from backends.catalog import EMBEDDED, base_named
from backends.settings import Settings


def make(
    settings: Settings, name: str, *, strength: float = 0.05, seed: int = 0, rank: int = 4, on: str = EMBEDDED
) -> adapters.Adapter:
    """An installed adapter on a base that is prepared; strength 0 gives one that changes nothing."""
    import numpy as np
    from safetensors.numpy import save_file

    base = base_named(on)
    chance = np.random.default_rng(seed)
    tensors = {}
    for module, (out, into) in (linear_shapes(settings, base) or {}).items():
        if module.endswith(("q_proj", "v_proj")):
            key = f"base_model.model.model.{module}"
            tensors[f"{key}.lora_A.weight"] = chance.normal(0, 0.05, (rank, into)).astype(np.float32)
            tensors[f"{key}.lora_B.weight"] = chance.normal(0, strength, (out, rank)).astype(np.float32)
    assert tensors, "the base must be prepared"
    folder = Path(settings.cache_dir / f"made-{name}-{seed}")
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base.hub_id,
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": ["q_proj", "v_proj"],
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "card.json").write_text(json.dumps({"name": name, "base": on, "base_sha256": base.sha256}))
    return adapters.install(settings, folder, name)
