"""What a base needs, and which engines can run it on this machine, or why they cannot."""

import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from backends.bases import embedded, hub
from backends.catalog import Base
from backends.engines import _load_plan
from backends.settings import MB, Settings

#: measured with one adapter: 373 MB, most of it the file itself
LLAMA_BYTES = 400 * MB
#: what a download is guessed with before it runs
MBIT = 100
ENGINES = ("llama_cpp", "transformers", "openai_http")
CGROUP = Path("/sys/fs/cgroup/memory.max")


def is_here(settings: Settings, base: Base) -> bool:
    """Are its files on this machine, whole?"""
    return embedded.is_ready(settings) if base.source == "pypi" else hub.is_ready(settings, base)


def is_begun(settings: Settings, base: Base) -> bool:
    """Has a part of it been downloaded?"""
    return not is_here(settings, base) and hub.revision(settings, base) is not None


def minutes(base: Base) -> float:
    """To download it at MBIT."""
    return base.download_mb * 8 / MBIT / 60


def memory_needed(base: Base, quantization: str = "none") -> int:
    """Bytes for answers of `base` on the transformers engine, with its weights in 16 bits or fewer."""
    return _load_plan.needed(base, quantization, "bfloat16")


def engines(settings: Settings, base: Base) -> dict[str, str | None]:
    """Every engine with None if it can run `base` here, else why not, in words for the screen."""
    return {"llama_cpp": _llama(base), "transformers": _transformers(settings, base), "openai_http": _server(settings)}


def _llama(base: Base) -> str | None:
    return None if "llama_cpp" in base.engines else "there is no .gguf file of it here"


def _transformers(settings: Settings, base: Base) -> str | None:
    if "transformers" not in base.engines:
        return "it cannot load this kind of model"
    card, ram = gpu_bytes(settings), ram_bytes()
    least = memory_needed(base, "nf4")
    if least <= max(card, ram):
        return None
    has = f"this machine has a GPU of {_gb(card)} and {_gb(ram)} of memory" if card else f"this machine has {_gb(ram)}"
    return f"it needs {_gb(least)} even in 4 bits, and {has}"


def _server(settings: Settings) -> str | None:
    if settings.openai_url:
        return None
    return "no server is named here (ACR_OPENAI_URL)"


def server_name(settings: Settings) -> str:
    return urlsplit(settings.openai_url or "").hostname or ""


def ram_bytes() -> int:
    """Memory of this machine, or of the container if that is less."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    total = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal"))
    try:
        return min(total, int(CGROUP.read_text()))
    except (OSError, ValueError):
        return total


def gpu_bytes(settings: Settings) -> int:
    """Memory of the GPUs together; on a ZeroGPU Space what a call may use. 0 = there is none."""
    return int(_load_plan.ZERO_GPU_BYTES) if settings.zero_gpu else _cards()


@lru_cache(maxsize=1)
def _cards() -> int:
    """Asked of the driver's own program: torch would take seconds and memory for it."""
    if not (program := shutil.which("nvidia-smi")):
        return 0
    argv = [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=True).stdout
        return sum(int(line) for line in told.split()) * MB
    except (subprocess.SubprocessError, OSError, ValueError):
        return 0


def _gb(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size < 10e9 else f"{size / 1e9:,.0f} GB"
