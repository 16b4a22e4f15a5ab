"""`python -m tests.rehearsal.on_cpu [BROKEN]`: the real app.py with the real `spaces` package, on a processor.

What CUDA would do is stood in for at its edges only: scheduling, fork, pickling, packing and emulation are the
package's own. Afterwards, lines on stdin are calls to make from inside the app, as its handlers would; the answers go
to stdout after MARK. BROKEN names a fault of tests/rehearsal/broken.py to put into the app first.
"""

import json
import os
import runpy
import sys
import threading
from contextlib import closing
from types import SimpleNamespace
from typing import Any

MARK = "REHEARSAL "


def stand_in_before() -> None:
    """What a CPU build of torch lacks and `spaces` asks for while it is imported."""
    import torch

    def _is_in_bad_fork() -> bool:
        return False

    # it travels by pickle into another process
    _is_in_bad_fork.__module__ = "torch.cuda"
    _is_in_bad_fork.__qualname__ = _is_in_bad_fork.__name__
    if sys.argv[1:] or os.environ.get("ACR_QUANTIZATION"):
        import bitsandbytes  # noqa: F401  it looks for CUDA when it is imported, and must not see the emulation
    torch.version.cuda = "13.0"
    torch._C._cuda_init = lambda: None
    torch.cuda._is_in_bad_fork = _is_in_bad_fork


def stand_in_after() -> None:
    """The moves between disk and card, which end in memory here; the card is billed like a Blackwell."""
    import spaces.zero.config as platform
    import spaces.zero.torch as emulation
    import torch
    from spaces.zero.torch import patching

    kept: list[tuple[torch.Tensor, torch.Tensor]] = []
    pack, card = emulation.pack, dict(platform.get_config(), duration_factor=1.5)

    def packing() -> int:
        kept.extend((fake, original) for fake, original in patching.cuda_aliases.items() if original is not None)
        size = pack()
        tell(packed=size)
        return size

    def moving(callback: Any = None) -> None:
        for fake, original in [*kept, *patching.cuda_aliases.items()]:
            if original is not None:
                fake.data = torch.Tensor(original)
        if os.environ.get("REHEARSAL_LEARNS"):  # the worker has no card: what learns must not look for one
            torch.cuda.is_available = lambda: False

    emulation.init, emulation.pack, emulation.move = lambda uuid: None, packing, moving
    platform.get_config = lambda: card


def tell(**values: Any) -> None:
    print(MARK + json.dumps(values), flush=True)


def answer_calls() -> None:
    """A thread of its own for every call: the main thread's emulation must not help."""
    # not sys.stdin itself: a forked worker closes it, and would wait for whoever reads it here
    with os.fdopen(os.dup(0)) as calls:
        for line in calls:
            threading.Thread(target=call, args=(json.loads(line),)).start()


def call(asked: dict[str, Any]) -> None:
    """The lines of one call, or its error; `leave_after` closes it early, `visitor` is signed in with these claims."""
    import gradio
    from gradio.context import LocalContext

    if asked.get("visitor"):
        headers = SimpleNamespace(get={"x-ip-token": asked["visitor"]}.get)
        LocalContext.request.set(SimpleNamespace(headers=headers))
    lines: list[Any] = []
    told: dict[str, Any] = {"lines": lines}
    try:
        with closing(begin(asked)) as stream:
            for line in stream:
                lines.append(line)
                if len(lines) == asked.get("leave_after"):
                    break
    except gradio.Error as error:
        told |= {"title": error.title, "error": str(error.message)}
    except Exception as error:
        told |= {"title": type(error).__name__, "error": str(error)}
    tell(**told)


def begin(asked: dict[str, Any]) -> Any:
    """`engine` goes the way of the page, anything else straight to the decorated function."""
    from backends import zero_gpu
    from backends.base import Request
    from backends.settings import settings
    from backends.zero_gpu.engine import GpuEngine

    if asked.get("engine"):
        request = Request.from_wire(asked["payload"]["request"])
        return (chunk.to_wire() for chunk in GpuEngine(settings()).generate(request))
    return zero_gpu.gpu_call(asked["op"], asked["payload"])


def main() -> None:
    stand_in_before()
    import spaces  # noqa: F401

    stand_in_after()
    if fault := sys.argv[1:]:
        from tests.rehearsal import broken

        broken.FAULTS[fault[0]]()
    sys.argv = ["app.py"]
    threading.Thread(target=answer_calls, daemon=True).start()
    runpy.run_path("app.py", run_name="__main__")


if __name__ == "__main__":
    main()
