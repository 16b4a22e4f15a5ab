"""What this machine can do: its memory, its GPU, and the time of one product of the base's shape.

`python -m finetune.receipt.machine HIDDEN INNER` measures in a process of its own, so that the page loads no torch for
it. The result holds for ten minutes: a machine that others use is slower than it was.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from backends.errors import Unavailable
from backends.files import dump_json, read_json, write_json
from backends.settings import ROOT, Settings
from finetune.training import memory
from finetune.training.precision import TOKENS

SECONDS = 120  # more than enough for loading torch and 44 products
FRESH = 600  # seconds


@dataclass(frozen=True)
class Machine:
    #: of one product of TOKENS x hidden x inner, by "bf16" and "fp32"
    milliseconds: dict[str, float]
    #: name and bytes of the GPU, where there is one
    gpu: str | None = None
    gpu_bytes: int = 0

    @property
    def available(self) -> int:
        """Bytes that a training can have."""
        return self.gpu_bytes if self.gpu else max(0, memory.available() - memory.RESERVE)

    def precision(self, wish: str) -> str:
        """What precision.choose will take."""
        return min(self.milliseconds, key=self.milliseconds.__getitem__) if wish == "auto" else wish

    def products_per_second(self, precision: str, hidden: int, inner: int) -> float:
        return TOKENS * hidden * inner / (self.milliseconds[precision] / 1000)


def machine(settings: Settings, hidden: int, inner: int) -> Machine:
    """As it was measured lately for this shape and number of threads."""
    kept = settings.cache_dir / "machine" / f"{hidden}x{inner}-{settings.threads}.json"
    fresh = kept.exists() and time.time() - kept.stat().st_mtime < FRESH
    found = read_json(kept) if fresh else None
    if not found:
        found = _measured(settings, hidden, inner)
        write_json(kept, found)
    return Machine(**found)


def _measured(settings: Settings, hidden: int, inner: int) -> dict[str, Any]:
    argv = [sys.executable, "-m", __name__, str(hidden), str(inner), str(settings.threads)]
    try:
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=True)
    except subprocess.SubprocessError as error:
        raise Unavailable(
            f"The speed of this machine could not be measured: {error}. Try again when it is idle"
        ) from None
    return dict(json.loads(done.stdout))


def main(hidden: int, inner: int, threads: int) -> None:
    import torch

    from finetune.training import precision

    torch.set_num_threads(threads)
    found = Machine(precision.choose("auto", hidden, inner).milliseconds)
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        found = Machine(found.milliseconds, gpu.name, gpu.total_memory)
    print(dump_json(asdict(found)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
