"""Training within the memory that there is: batches are split when they do not fit, and nobody waits for the kernel.

On Linux memory is promised before it is there, and a process that takes too much is killed without a word. So a run on
the processor limits itself to what is free at its start: then torch says that it cannot allocate, and the batch is
split. A watcher ends the run with a sentence when other programs take the rest.
"""

import errno
import gc
import resource
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from backends.errors import AppError
from backends.settings import MB
from finetune.recipes.recipe import Recipe

#: left to the rest of the system
RESERVE = 256 * MB
#: with so little left the kernel is about to choose somebody to kill
LAST = 96 * MB
CGROUP = Path("/sys/fs/cgroup")
Batch = dict[str, Any]
T = TypeVar("T")
ROWS = "per_device_train_batch_size"
WORDS = ("out of memory", "can't allocate memory", "Cannot allocate memory")


class TooSmall(AppError):
    """Not even one row fits."""


def out_of_memory(error: BaseException) -> bool:
    """Is this how Python, torch on the processor or torch on a GPU say that memory is short?"""
    known = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    return known or (isinstance(error, RuntimeError) and any(word in str(error) for word in WORDS))


def available(cgroup: Path = CGROUP) -> int:
    """Bytes that can still be had: of the machine, or of the container if that allows less."""
    free = _numbers(Path("/proc/meminfo"))["MemAvailable:"] * 1024
    with suppress(OSError, ValueError, KeyError):
        allowed = int((cgroup / "memory.max").read_text())  # "max" where there is no limit
        used = int((cgroup / "memory.current").read_text())
        cached = _numbers(cgroup / "memory.stat")  # files that are only kept because there is room
        free = min(free, allowed - used + cached["inactive_file"] + cached["active_file"])
    return free


def limit_to_what_is_free() -> None:
    """From here on this process cannot take the last memory; asking for it is an error that can be handled."""
    wanted = _numbers(Path("/proc/self/status"))["VmData:"] * 1024 + max(available() - RESERVE, RESERVE)
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limits = [limit for limit in (soft, hard, wanted) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))


def _numbers(path: Path) -> dict[str, int]:
    words = (line.split() for line in path.read_text().splitlines())
    return {line[0]: int(line[1]) for line in words if len(line) > 1 and line[1].isdigit()}


class Splitter:
    """Rows are computed together as long as they fit; the gradients of a step are the same either way."""

    def __init__(self, parts: int, on_split: Callable[[int], None]) -> None:
        self.parts, self.on_split = parts, on_split

    def run(self, batch: Batch, work: Callable[[list[Batch]], T], undo: Callable[[], None] = lambda: None) -> T:
        """`work` on the batch in pieces that fit; `undo` what an attempt did that ran out of memory."""
        while True:
            try:
                return work(self.pieces(batch))
            except (MemoryError, OSError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
            undo()
            self._split(len(batch["input_ids"]))

    def _split(self, rows: int) -> None:
        if -(-rows // self.parts) == 1:
            raise TooSmall("There was not enough memory for a single row: lower max_length, or choose a smaller base")
        self.parts *= 2
        gc.collect()  # what the failed attempt still holds
        _empty_gpu_cache()
        self.on_split(self.parts)

    def pieces(self, batch: Batch) -> list[Batch]:
        """The batch in parts of about equal size; the token count stays with the first."""
        rows = len(batch["input_ids"])
        size = -(-rows // self.parts)
        return [
            {
                "input_ids": batch["input_ids"][start : start + size],
                "labels": batch["labels"][start : start + size],
                "tokens": batch["tokens"] if start == 0 else 0,
            }
            for start in range(0, rows, size)
        ]


def in_parts(recipe: Recipe, parts: int, step: int) -> tuple[dict[str, int], str]:
    """How the recipe's batch is computed from `step` on, for the card and in words."""
    rows = -(-recipe.per_device_train_batch_size // parts)
    each = recipe.gradient_accumulation_steps * parts
    sentence = (
        f"Step {step}: memory was short. From here on {rows} rows are computed at once, {each} times a step: "
        "the effective batch stays the same"
    )
    return {"parts": parts, ROWS: rows, "gradient_accumulation_steps": each, "from_step": step}, sentence


def gradients_kept(model: Any) -> Callable[[], None]:
    """A function that puts the gradients of `model` back to what they are now."""
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    kept = [None if parameter.grad is None else parameter.grad.clone() for parameter in learned]

    def put_back() -> None:
        for parameter, gradient in zip(learned, kept, strict=True):
            parameter.grad = None if gradient is None else gradient.clone()

    return put_back


def _empty_gpu_cache() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
