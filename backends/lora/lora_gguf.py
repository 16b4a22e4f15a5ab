"""A PEFT adapter as a LoRA-GGUF file, the form that llama.cpp applies per request.

Only what the engine computes exactly is converted; DoRA and biases have to be merged into the base instead. The engine
scales each layer by alpha / rank with one alpha for the whole file; what differs is folded into the layer's B.
"""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.adapters import Adapter
from backends.catalog import base_named
from backends.errors import Refused
from backends.files import read_json, replacing, room_for
from backends.lora import lora_config, lora_weights
from backends.settings import MB, Settings

if TYPE_CHECKING:
    from backends.lora.lora_weights import Array

#: architecture of the catalog -> MODEL_ARCH of the gguf package
ARCHITECTURES = {"gemma3_text": "GEMMA3", "gemma3": "GEMMA3", "llama": "LLAMA", "qwen3": "QWEN3", "phi": "PHI2"}


@dataclass(frozen=True)
class Heads:
    """Into how many attention heads the rows of q_proj and of k_proj are divided."""

    q_proj: int
    k_proj: int


def cached(settings: Settings, adapter: Adapter) -> Path:
    """The converted file of a checked adapter, written once for its weights and configuration."""
    path = settings.cache_dir / "lora-gguf" / f"{adapter.sha256}-{adapter.config_sha256[:16]}.gguf"
    if not path.exists():
        size = adapter.weights.stat().st_size
        with room_for(size + MB, path.parent, f"Converting adapter {adapter.name} for llama.cpp"):
            convert(adapter, path, _heads(settings, adapter.base))
    return path


def convert(adapter: Adapter, out: Path, heads: Heads | None = None) -> None:
    """Write `out`, whole or not at all. `heads` of the base are needed for Llama only."""
    import gguf

    _refuse_what_cannot_be(adapter, heads)
    architecture = gguf.MODEL_ARCH[ARCHITECTURES[base_named(adapter.base).architecture]]
    pairs = dict(_pairs(adapter))
    names = gguf.get_tensor_name_map(architecture, 1 + max(int(module.split(".")[1]) for module in pairs))
    file_alpha = lora_config.scale(adapter.config, "") * lora_config.rank(adapter.config, "")
    with replacing(out) as part, closing(gguf.GGUFWriter(part, gguf.MODEL_ARCH_NAMES[architecture])) as writer:
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, file_alpha)
        for module, (a, b) in sorted(pairs.items()):
            name = names.get_name(f"model.{module}")
            if name is None:
                raise Refused(
                    f"Adapter {adapter.name}: llama.cpp has no layer {module}; merge it into its base instead"
                )
            b = b * (lora_config.scale(adapter.config, module) * a.shape[0] / file_alpha)
            if architecture is gguf.MODEL_ARCH.LLAMA and heads:
                b = _permuted(b, module, heads)
            writer.add_tensor(f"{name}.weight.lora_a", _half(a, module))
            writer.add_tensor(f"{name}.weight.lora_b", _half(b, module))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()


def _refuse_what_cannot_be(adapter: Adapter, heads: Heads | None) -> None:
    architecture = base_named(adapter.base).architecture
    if architecture not in ARCHITECTURES:
        raise Refused(
            f"Adapters on {adapter.base} ({architecture}) cannot be converted for llama.cpp: it was never compared "
            "with transformers for this architecture; ask them on the engine transformers"
        )
    if architecture == "llama" and heads is None:
        raise Refused(f"Adapter {adapter.name} can be converted once {adapter.base} has been downloaded")
    if beyond := lora_config.beyond_lora(adapter.config):
        raise Refused(
            f"Adapter {adapter.name} {beyond}, which llama.cpp cannot apply: merge it into its base first, or ask it "
            "on the engine transformers"
        )
    if wrong := lora_config.problems(adapter.config):
        raise Refused(f"Adapter {adapter.name} cannot be converted for llama.cpp: {wrong[0]}")


def _pairs(adapter: Adapter) -> Iterator[tuple[str, tuple["Array", "Array"]]]:
    """(module, (A, B)) in 32 bits, from the very bytes whose digest was checked."""
    data = adapter.weights.read_bytes()
    if hashlib.sha256(data).hexdigest() != adapter.sha256:
        raise Refused(f"Adapter {adapter.name}: its weights changed while they were read; try again")
    tensors = dict(lora_weights.values(data))
    for name, a in tensors.items():
        match = lora_weights.KEY.fullmatch(name)
        if match and match["part"] == lora_weights.A:
            yield match["module"], (a, tensors[name.removesuffix(lora_weights.A) + lora_weights.B])


def _permuted(b: "Array", module: str, heads: Heads) -> "Array":
    """Llama's q and k rows in the order of llama.cpp: each head's two rotary halves interleaved."""
    kind = module.rpartition(".")[2]
    if kind not in ("q_proj", "k_proj"):
        return b
    rows, columns = b.shape
    count = heads.q_proj if kind == "q_proj" else heads.k_proj
    return b.reshape(count, 2, rows // count // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _half(values: "Array", module: str) -> "Array":
    import numpy as np

    with np.errstate(over="ignore"):
        half: Array = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise Refused(f"Layer {module} has values beyond 65504, too large for 16 bits: the adapter cannot be converted")
    return half


def _heads(settings: Settings, base: str) -> Heads | None:
    if base_named(base).architecture != "llama":
        return None
    config: dict[str, Any] | None = read_json(settings.bases_dir / base / "config.json")
    return Heads(config["num_attention_heads"], config["num_key_value_heads"]) if config else None
