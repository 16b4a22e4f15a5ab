"""A run without a model: same folder, same life, numbers from a formula. For demonstrations and fault tests.

A job with `"engine": "echo"` ends up here. Its `"echo"` options say what shall happen:
    steps, delay (seconds a step), save_steps, save_kb, fail_at (step), nan_at (step), nan_steps, print_mb,
    ignore_sigterm, fork_child, skip_publish
"""

import math
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backends.errors import AppError
from backends.files import publish, write_json
from finetune.runs.endings.last_words import known, leave, say
from finetune.runs.run_folder import EXIT_CLAIMED, AlreadyClaimed, RunFolder
from finetune.training import checkpoints
from finetune.training.stability import Losses


@dataclass(frozen=True)
class Options:
    steps: int = 20
    delay: float = 0.02
    save_steps: int = 5
    save_kb: int = 1
    fail_at: int = 0
    nan_at: int = 0
    nan_steps: int = 1
    print_mb: int = 0
    ignore_sigterm: bool = False
    fork_child: bool = False
    skip_publish: bool = False


def run(folder: RunFolder) -> int:
    """Claim, do, say how it ended; the exit code of the process."""
    options = Options(**folder.job.get("echo", {}))
    try:
        folder.claim()
    except AlreadyClaimed:
        return EXIT_CLAIMED
    began = time.monotonic()
    try:
        outcome = _work(folder, options, _stop_signal(options))
    except (AppError, OSError) as error:
        outcome = {"status": "failed", "reason": known(error, folder) or str(error)}
    return leave(folder, outcome | {"seconds": round(time.monotonic() - began, 3)})


def _stop_signal(options: Options) -> Callable[[], bool]:
    """Has somebody asked us to stop?"""
    asked: list[int] = []
    if options.ignore_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    return lambda: bool(asked)


def _work(folder: RunFolder, options: Options, stopped: Callable[[], bool]) -> dict[str, Any]:
    began = time.monotonic()
    if options.fork_child:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    for _ in range(options.print_mb * 1024):
        print("x" * 1023, flush=True)
    newest = checkpoints.resume_from(folder.checkpoints_dir, say)
    losses = Losses(say)
    for step in range(checkpoints.step_of(newest) + 1 if newest else 1, options.steps + 1):
        if stopped():
            return {"status": "cancelled", "reason": f"stopped after step {step - 1} of {options.steps}"}
        if step == options.fail_at:
            raise AppError(f"Step {step} failed, as asked for")
        folder.beat()
        lost = options.nan_at <= step < options.nan_at + options.nan_steps
        loss = math.nan if lost else loss_at(step)
        numbers = {"step": step, "steps": options.steps, "loss": loss}
        folder.append_metric(numbers | {"seconds": round(time.monotonic() - began, 3)})
        losses.check(step, loss)
        if step % options.save_steps == 0 or step == options.steps:
            folder.append_metric({"step": step, "eval_loss": loss_at(step) + 0.1})
            _save(folder, step, options.save_kb)
        time.sleep(options.delay)
    if not options.skip_publish:
        _publish(folder)
    return {"status": "succeeded", "reason": ""}


def loss_at(step: int) -> float:
    return round(0.5 + 2.0 * math.exp(-step / 20), 6)


def _save(folder: RunFolder, step: int, size_kb: int) -> None:
    with checkpoints.writing(folder.checkpoints_dir, step) as part:
        write_json(part / checkpoints.STATE, {"step": step})
        (part / "weights").write_bytes(b"x" * 1024 * size_kb)
    checkpoints.prune(folder.checkpoints_dir, keep={step})


def _publish(folder: RunFolder) -> None:
    """An adapter folder without weights: it is in the run folder only, no list of adapters shows it."""
    aside = folder.path / ".adapter.partial"
    for old in (aside, folder.adapter_dir):
        shutil.rmtree(old, ignore_errors=True)
    write_json(aside / "card.json", {"name": folder.job["name"], "task": folder.job["task"], "engine": "echo"})
    publish(aside, folder.adapter_dir)
