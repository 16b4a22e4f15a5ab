"""The tensors of an adapter against its config and its base: none missing, none foreign, all of them numbers.

Header and shapes are compared before any library opens the file; only then are the values looked at.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.bases.gguf_meta import Shapes
from backends.errors import BadInput
from backends.guards import TensorInfo, read_safetensors_header
from backends.lora import lora_config

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

#: base_model.model.<the causal LM's own path>.layers.N.<module>.lora_A.weight
KEY = re.compile(
    r"base_model\.model\.(?:model|language_model\.model|model\.language_model)\."
    r"(?P<module>layers\.\d+\.[a-z0-9_.]+)\."
    r"(?P<part>lora_A\.weight|lora_B\.weight|lora_magnitude_vector|lora_B\.bias|base_layer\.bias)"
)
#: a bias of the base outside of the layers that LoRA is on; only with bias="all"
OTHER_BIAS = re.compile(r"base_model\.model\.(?:[a-z0-9_]+\.)+bias")
A, B, MAGNITUDE = "lora_A.weight", "lora_B.weight", "lora_magnitude_vector"
B_BIAS, BASE_BIAS = "lora_B.bias", "base_layer.bias"
MOST_NAMED = 5

Layers = dict[str, dict[str, tuple[int, ...]]]  # module -> part -> shape


def layers(header: dict[str, TensorInfo]) -> tuple[Layers, list[str]]:
    """The LoRA tensors by module, and the names of all others: also of one that would replace another."""
    found: Layers = {}
    foreign = []
    for name, (_, shape) in header.items():
        match = KEY.fullmatch(name)
        if match and match["part"] not in found.get(match["module"], {}):
            found.setdefault(match["module"], {})[match["part"]] = shape
        else:
            foreign.append(name)
    return found, foreign


def problems(path: Path, config: dict[str, Any], base: str, shapes: Shapes | None) -> list[str]:
    """What is wrong with the weights for this base; `shapes` None = the base is not here, its sizes stay unchecked."""
    try:
        header = read_safetensors_header(path)
    except BadInput as error:
        return [str(error)]
    found, foreign = layers(header)
    if config.get("bias") == "all":
        foreign = [name for name in foreign if not (OTHER_BIAS.fullmatch(name) and len(header[name][1]) == 1)]
    wrong = [f"tensor {name[:100]} is not part of a LoRA on {base}" for name in foreign]
    wrong += [problem for module in found for problem in _layer(module, found[module], config, base, shapes)]
    wrong += _missing(found, config, base, shapes)
    return wrong[:MOST_NAMED] or _no_numbers(path)


def _layer(
    module: str, parts: dict[str, tuple[int, ...]], config: dict[str, Any], base: str, shapes: Shapes | None
) -> Iterator[str]:
    wanted = {A, B} | ({MAGNITUDE} if config.get("use_dora") else set())
    wanted |= {B_BIAS} if config.get("lora_bias") else set()
    for part in sorted(wanted - parts.keys()):
        yield f"tensor {module}.{part} is missing"
    for part in sorted(parts.keys() - wanted - ({BASE_BIAS} if config.get("bias", "none") != "none" else set())):
        yield f"tensor {module}.{part} does not belong to the adapter's own configuration"
    if not _targeted(module, config):
        yield f"tensor {module}.{A} is there, but target_modules does not name {module.rpartition('.')[2]}"
    if shapes is not None and module not in shapes:
        yield f"tensor {module}.{A} has no counterpart: {base} has no layer {module}"
        return
    rank = lora_config.rank(config, module)
    (out, into) = shapes[module] if shapes is not None else ((parts.get(B) or (0,))[0], (parts.get(A) or (0,))[-1])
    for part, shape in (
        (A, (rank, into)),
        (B, (out, rank)),
        *((name, (out,)) for name in (MAGNITUDE, B_BIAS, BASE_BIAS)),
    ):
        if part in parts and parts[part] != shape:
            yield f"tensor {module}.{part} is {_by(parts[part])}, rank {rank} on {base} needs {_by(shape)}"


def _missing(found: Layers, config: dict[str, Any], base: str, shapes: Shapes | None) -> list[str]:
    if shapes is None:
        return [] if found else ["there is no LoRA tensor in the file"]
    missing = [module for module in shapes if _targeted(module, config) and module not in found]
    if missing and len(missing) == sum(_targeted(module, config) for module in shapes):
        return [f"not one layer of {base} is in the file: it is for another base"]
    if not missing and not found:
        return [f"{base} has none of the layers {', '.join(config['target_modules'])}"]
    return [f"tensor {module}.{A} is missing" for module in missing]


def _targeted(module: str, config: dict[str, Any]) -> bool:
    return any(f".{module}".endswith(f".{name}") for name in config["target_modules"])


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"


def _no_numbers(path: Path) -> list[str]:
    """NaN and infinity: one such value makes every answer empty."""
    import numpy as np

    bad = (name for name, tensor in values(path.read_bytes()) if not np.isfinite(tensor).all())
    return [f"tensor {name[:100]} holds values that are no numbers" for name in bad]


def values(data: bytes) -> Iterator[tuple[str, "Array"]]:
    """(name, 32-bit values) of the bytes of a safetensors file whose header was found sound."""
    import numpy as np
    from safetensors import deserialize

    kinds = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
    for name, tensor in deserialize(data):
        raw = np.frombuffer(tensor["data"], kinds[tensor["dtype"]]).reshape(tensor["shape"])
        if tensor["dtype"] == "BF16":  # unknown to numpy: the upper half of a 32-bit float
            yield name, (raw.astype(np.uint32) << 16).view(np.float32)
        else:
            yield name, raw.astype(np.float32)
