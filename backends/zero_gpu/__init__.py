"""The one door to a ZeroGPU: everything that needs the GPU goes through `gpu_call`, one decorated generator.

One, because workers are kept warm per decorated function. Off a ZeroGPU Space the decorator gives the plain function
back. `place` runs in the main thread before `launch()`, the only time and thread at which a base can be put on the
emulated device; adapters are read inside the worker, which may be an older copy of this process, and switched on for
every call anew. After the launch this process touches no weights: they were moved to disk.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import spaces

from backends.base import Report
from backends.bases import hub
from backends.catalog import EMBEDDED, base_named
from backends.engines.transformers_peft import TransformersPeft
from backends.errors import AppError
from backends.operations import Operations, Payload
from backends.settings import settings
from backends.zero_gpu import seconds
from backends.zero_gpu.refusals import title_of

log = logging.getLogger("acr.zero_gpu")
#: base -> why it could not be placed
_failed: dict[str, str] = {}
#: operations of the layers above: what is done on the GPU, and the seconds that it asks for
_offered: dict[str, tuple[Callable[[Payload], Iterator[dict[str, Any]]], Callable[[Payload], int]]] = {}


def offer(op: str, run: Callable[[Payload], Iterator[dict[str, Any]]], asks: Callable[[Payload], int]) -> None:
    """One more operation for `gpu_call`. Before the launch: a worker is a copy of this process as it was then."""
    _offered[op] = run, asks


def place() -> None:
    """Put the bases of ACR_ZEROGPU_BASES on the GPU; one that cannot be had is told about and asked to no avail."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("place() needs the main thread: the emulation of the GPU exists in no other")
    for base in settings().zero_gpu_bases or (EMBEDDED,):
        try:
            _engine().place(base_named(base).name, hub.silent)
            seconds.placed.add(base)
        except AppError as error:
            log.error("%s is not on the GPU: %s", base, error)
            _failed[base] = str(error)


def why_not_placed(base: str) -> str | None:
    return _failed.get(base)


def _duration(op: str, payload: Payload, **_: Any) -> int:
    if op not in _offered:
        return seconds.asked_for(op, payload)
    try:
        return _offered[op][1](payload)
    except AppError:  # it is refused inside, in words
        return seconds.LEAST


@spaces.GPU(duration=_duration)
def gpu_call(op: str, payload: Payload) -> Generator[dict[str, Any], None, None]:
    """An operation of backends/operations.py on the GPU, and last the seconds that it took there.

    A visitor's error crosses the process border as gr.Error: of any other only the name of its class would arrive.
    """
    start = time.perf_counter()
    try:
        yield from _offered[op][0](payload) if op in _offered else _operations().run(op, payload)
    except AppError as error:
        import gradio

        raise gradio.Error(str(error), title=title_of(error), print_exception=False) from None
    yield {"spent": round(time.perf_counter() - start, 3)}


@lru_cache(maxsize=1)
def _engine() -> TransformersPeft:
    return TransformersPeft(settings(), parallel=1)


@lru_cache(maxsize=1)
def _operations() -> Operations:
    return Operations(settings(), {TransformersPeft.name: _engine()}, _unseen)


@contextmanager
def _unseen() -> Iterator[Report]:
    yield hub.silent
