"""Which linear layers a base has and how large they are, read from the base's own files."""

import json
import re
from functools import lru_cache
from pathlib import Path

from backends.bases import embedded
from backends.bases.gguf_meta import Shapes, read_shapes
from backends.catalog import Base
from backends.files import read_json
from backends.settings import Settings

#: GGUF's word for a layer's matrix -> the path inside the layer in transformers
FROM_GGUF = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
HUB_LAYER = re.compile(r"(?!.*(?:vision|visual|audio)).*?(layers\.\d+\..+)\.weight")


def linear_shapes(settings: Settings, base: Base) -> Shapes | None:
    """`{"layers.0.self_attn.q_proj": (out, in)}` of a base that is here; None before its download."""
    if base.source == "pypi":
        path = embedded.gguf_path(settings)
        return _from_gguf(path.resolve()) if path.exists() else None
    folder = settings.bases_dir / base.name
    files = tuple(sorted(folder.glob("*.safetensors")))
    return _from_safetensors(files) if files and read_json(folder / "config.json") else None


@lru_cache(maxsize=4)
def _from_gguf(path: Path) -> Shapes:
    found = {}
    for name, shape in read_shapes(path).items():
        match name.split("."):
            case ["blk", layer, matrix, "weight"] if matrix in FROM_GGUF:
                found[f"layers.{layer}.{FROM_GGUF[matrix]}"] = shape
    return found


@lru_cache(maxsize=4)
def _from_safetensors(files: tuple[Path, ...]) -> Shapes:
    found = {}
    for path in files:
        with path.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        for name, entry in header.items():
            if (layer := HUB_LAYER.fullmatch(name)) and len(entry["shape"]) == 2:
                found[layer[1]] = tuple(entry["shape"])
    return found
