"""Ways to write this app that look right off a ZeroGPU and are wrong on one; the rehearsal must notice each."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def loads_in_a_thread() -> None:
    """So that the page is served at once: but the emulated device exists in the main thread only."""
    from backends import zero_gpu
    from backends.settings import settings
    from backends.zero_gpu import seconds

    def load() -> None:
        for base in settings().zero_gpu_bases:
            zero_gpu._engine().place(base, lambda what, fraction: None)
            seconds.placed.add(base)

    def place() -> None:
        thread = threading.Thread(target=load)
        thread.start()
        thread.join()

    zero_gpu.place = place


def leaves_the_device_to_peft() -> None:
    """An adapter loaded at start without `torch_device`: PEFT believes the emulation and pins memory for CUDA."""
    from backends import adapters, zero_gpu
    from backends.settings import settings

    place = zero_gpu.place

    def place_with_adapters() -> None:
        from peft import PeftModel

        place()
        for base, held in zero_gpu._engine()._placed.items():
            found = [a for a in adapters.adapters(settings()).values() if a.base == base]
            PeftModel.from_pretrained(held.model, found[0].weights.parent)

    zero_gpu.place = place_with_adapters


def keeps_the_adapter() -> None:
    """Switched on when it is loaded, and not again: the last visitor's answers on a warm worker."""
    from backends.engines._peft_model import PeftBase

    @contextmanager
    def using(self: Any, adapter: Any) -> Iterator[float]:
        if adapter is None:
            yield 0.0
            return
        known = len(self._loaded)
        key = self._load(adapter)
        if len(self._loaded) > known:
            self._peft.set_adapter(key)
        yield 1.0

    PeftBase.using = using  # type: ignore[method-assign]


FAULTS = {fault.__name__: fault for fault in (loads_in_a_thread, leaves_the_device_to_peft, keeps_the_adapter)}
