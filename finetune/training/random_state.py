"""Every generator that dropout or a library may draw from, saved and set again for a run that is resumed."""

import random
from typing import Any


def random_state() -> dict[str, Any]:
    """As JSON values and tensors."""
    import numpy
    import torch

    numbers: Any = numpy.random.get_state()
    name, keys, *rest = numbers
    return {
        "python": random.getstate(),
        "numpy": [name, keys.tolist(), *rest],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_random_state(state: dict[str, Any]) -> None:
    import numpy
    import torch

    random.setstate(state["python"])
    numpy.random.set_state(tuple(state["numpy"]))
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
