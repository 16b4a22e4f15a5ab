"""Which arithmetic to train in: one bf16 and one fp32 product of the model's shape are timed at start."""

import time
from dataclasses import dataclass
from typing import Any

TOKENS = 512  # rows of the timed product: about one batch


@dataclass(frozen=True)
class Precision:
    """The choice and what it rests on; `to_json` goes into the adapter's card."""

    name: str  # "bf16" or "fp32"
    why: str
    milliseconds: dict[str, float]

    @property
    def dtype(self) -> Any:
        import torch

        return torch.bfloat16 if self.name == "bf16" else torch.float32

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "why": self.why, "milliseconds": self.milliseconds}


def choose(wish: str, hidden: int, inner: int) -> Precision:
    """`wish` is the recipe's: "bf16", "fp32" or "auto". Both are timed in any case, for the card."""
    import torch

    timed = {name: _product_ms(dtype, hidden, inner) for name, dtype in _dtypes(torch).items()}
    if wish != "auto":
        return Precision(wish, "asked for by the recipe", timed)
    fastest = min(timed, key=timed.__getitem__)
    return Precision(fastest, f"one {TOKENS} x {hidden} x {inner} product took {_words(timed)} here", timed)


def _dtypes(torch: Any) -> dict[str, Any]:
    return {"bf16": torch.bfloat16, "fp32": torch.float32}


def _product_ms(dtype: Any, hidden: int, inner: int) -> float:
    """Best of twenty after two warm-up rounds: first calls pay for set-up, other processes take the cores at times."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    left = torch.randn(TOKENS, hidden, device=device).to(dtype)
    right = torch.randn(hidden, inner, device=device).to(dtype)
    times = []
    for _ in range(22):
        start = time.perf_counter()
        left @ right
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return round(min(times[2:]) * 1000, 3)


def _words(timed: dict[str, float]) -> str:
    return " and ".join(f"{ms:.2f} ms in {name}" for name, ms in timed.items())
