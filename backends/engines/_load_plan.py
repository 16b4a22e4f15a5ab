"""How a base is put into memory: 16-bit, 8-bit or NF4, on one card or several. The most exact that fits comes first."""

import gc
from dataclasses import dataclass
from typing import Any

from backends.catalog import Base
from backends.errors import BadInput, Unavailable
from backends.settings import Settings

GIB = 1 << 30
#: bytes a parameter, embedding and norms (which stay 16-bit) and the scales of the blocks counted in
BYTES = {"none": 2.0, "int8": 1.2, "nf4": 0.75}
IN_WORDS = {"none": "16-bit", "int8": "8-bit", "nf4": "4-bit (NF4)"}
#: for what an answer needs besides the weights: its cache, adapters, the libraries' own
WORKSPACE = 1.5 * GIB
#: beyond it the platform would take a whole card for every call, at twice the quota
ZERO_GPU_BYTES = 42 * GIB
#: Gemma's activations leave the range of fp16
NOT_IN_FP16 = ("gemma3", "gemma3_text")


@dataclass(frozen=True)
class Device:
    """Where a base can be put: free bytes of each card (none = the processor), and what the cards can compute."""

    free: tuple[int, ...] = ()
    bf16: bool = True


@dataclass(frozen=True)
class LoadPlan:
    quantization: str = "none"
    dtype: str = "bfloat16"
    #: "cpu", "cuda" (never an index: ZeroGPU knows none) or "auto", which spreads the layers over all cards
    placement: str = "cpu"

    @property
    def note(self) -> str:
        """For the receipt: what the reader of an answer should know about the weights."""
        return "" if self.quantization == "none" else f"the base in {IN_WORDS[self.quantization]}"

    def options(self) -> dict[str, Any]:
        """What `from_pretrained` is told besides the type."""
        if self.quantization == "none":
            return {"device_map": "auto"} if self.placement == "auto" else {}
        return {
            "quantization_config": self._bitsandbytes(),
            "device_map": "auto" if self.placement == "auto" else {"": self.placement},
        }

    def _bitsandbytes(self) -> Any:
        import torch
        from transformers import BitsAndBytesConfig

        if self.quantization == "int8":
            return BitsAndBytesConfig(load_in_8bit=True)
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, self.dtype),
        )


def here(settings: Settings, placed: int) -> Device:
    """This machine. `placed` bytes lie on a ZeroGPU already, whose emulation reports a card as if it were empty."""
    import torch

    if not torch.cuda.is_available():
        return Device()
    cards = range(torch.cuda.device_count())
    free = tuple(int(torch.cuda.mem_get_info(card)[0]) for card in cards)
    if settings.zero_gpu:
        free = (max(min(free[0], ZERO_GPU_BYTES) - placed, 0),)
    return Device(free, all(torch.cuda.get_device_capability(card) >= (8, 0) for card in cards))


def plans(base: Base, device: Device, wanted: str) -> list[LoadPlan]:
    """Every way to load `base` that should fit, the most exact first; `wanted` is "auto" or one of BYTES."""
    if wanted not in ("auto", *BYTES):
        raise BadInput(f"ACR_QUANTIZATION must be auto, {', '.join(BYTES)}, got {wanted[:20]!r}")
    kinds = list(BYTES) if wanted == "auto" else [wanted]
    if not device.free:
        return [LoadPlan(kind) for kind in kinds if kind != "int8" or wanted == "int8"]
    dtype = _dtype(base, device)
    found = []
    for kind in kinds:
        if placement := _placement(needed(base, kind, dtype), device):
            found.append(LoadPlan(kind, dtype, placement))
    if not found:
        least = needed(base, kinds[-1], dtype)
        raise Unavailable(
            f"{base.title} needs about {least / GIB:.0f} GB of GPU memory in {IN_WORDS[kinds[-1]]}, and "
            f"{sum(device.free) / GIB:.0f} GB are free: choose a smaller base"
        )
    return found


def needed(base: Base, quantization: str, dtype: str) -> int:
    """Bytes for the weights of `base` and its answers."""
    wide = 2 if dtype == "float32" and quantization == "none" else 1
    return round(base.parameters * BYTES[quantization] * wide + WORKSPACE)


def out_of_memory(error: BaseException) -> bool:
    words = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    )


def give_back() -> None:
    """Return to the device what nothing refers to any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _dtype(base: Base, device: Device) -> str:
    if device.bf16:
        return "bfloat16"
    return "float32" if base.architecture in NOT_IN_FP16 else "float16"


def _placement(size: int, device: Device) -> str | None:
    if size <= device.free[0]:
        return "cuda"
    # every card keeps room for its share of the work
    together = sum(max(free - WORKSPACE, 0) for free in device.free)
    return "auto" if len(device.free) > 1 and size <= together else None
