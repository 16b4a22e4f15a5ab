"""`python -m finetune.train RUN_DIR`: one fine-tune as a process. All that it is told and says are files there.

SIGTERM stops it at the next batch: it writes a checkpoint and lists the best adapter so far. A batch that takes too
long is not waited for; then the checkpoints that are there must do. A restart goes on from the newest of them.
"""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from backends.bases import tokenizer
from backends.catalog import Base, base_named
from backends.errors import AppError, Refused
from backends.files import read_json
from backends.settings import Settings, settings
from finetune import card, formats, task_named
from finetune.formats import Format
from finetune.publish import publish
from finetune.recipes import recipe
from finetune.recipes.recipe import Recipe
from finetune.rows import data
from finetune.runs.endings.last_words import known, leave, say
from finetune.runs.run_folder import EXIT_CLAIMED, AlreadyClaimed, RunFolder
from finetune.task import Row, Task
from finetune.training import batches, checkpoints, echo_run, memory, model, sinks, sliced
from finetune.training.plan import Plan, origin

BEAT = 1.0  # seconds between two signs of life


@dataclass(frozen=True)
class Job:
    """job.json and its rows, checked before anything heavy is loaded."""

    task: Task
    base: Base
    fmt: Format
    recipe: Recipe
    train: Sequence[Row]
    val: Sequence[Row]
    minutes: float

    @classmethod
    def read(cls, folder: RunFolder, places: Settings) -> "Job":
        job = folder.job
        task, base, chosen = task_named(job["task"]), base_named(job["base"]), recipe.make(job["recipe"])
        fmt = formats.of_card(job, base, places)
        if formats.stamp(task, fmt) != job["format"]:
            raise Refused(f"The prompt of task {task.name} changed since this run was submitted: start a new run")
        train = data.read_jsonl(folder.data_dir / job["data"]["train"])
        if data.digest(train) != job["data"]["sha256"]:
            raise Refused("The training rows are not those that were submitted: start a new run with them")
        val = data.read_jsonl(folder.data_dir / job["data"]["val"]) if job["data"].get("val") else []
        limits = (job["limits"].get("minutes"), chosen.max_minutes, places.max_run_minutes)
        return cls(task, base, fmt, chosen, train, val, min(minutes for minutes in limits if minutes))

    @cached_property
    def rows(self) -> dict[str, str]:
        """The digests of the rows, by their names in a card."""
        return {"sha256": data.digest(self.train), "val_sha256": data.digest(self.val)}


class Ending:
    """How a run ends, once: by the training thread, or by the watcher when that cannot come in time."""

    def __init__(self, folder: RunFolder, places: Settings) -> None:
        self.folder, self.places = folder, places
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.started = time.monotonic()

    def watch(self) -> None:
        """Wait for SIGTERM in its own thread: the training thread sits in long calls and would be late."""
        signal.sigwait({signal.SIGTERM})
        say("Asked to stop")
        self.stop.set()
        time.sleep(self.places.grace / 2)
        self.finish("cancelled", "Stopped")
        os._exit(1)

    def guard_memory(self) -> None:
        """End in time and with a reason: the system would end the process without a word."""
        while memory.available() > memory.LAST:
            time.sleep(BEAT / 4)
        self.finish("failed", "Memory ran out: close other programs or lower the batch size, then resume the run")
        os._exit(1)

    def finish(self, status: str, reason: str) -> int:
        """List the best adapter unless the run failed, and write exit.json; a second call changes nothing."""
        with self.lock:
            if end := self.folder.exit:
                return 0 if end["status"] == "succeeded" else 1
            status, reason, name = self._kept(status, reason)
            say(reason)
            seconds = round(time.monotonic() - self.started, 1)
            end = {"status": status, "reason": reason, "seconds": seconds}
            return leave(self.folder, end | ({"adapter": name} if name else {}))

    def _kept(self, status: str, reason: str) -> tuple[str, str, str | None]:
        if status == "failed":
            return status, reason, None
        try:
            published = publish(self.folder, self.places)
        except (AppError, OSError) as error:
            return "failed", explain(error, self.folder), None
        if published is None:
            return status, f"{reason}: nothing was learned yet, so nothing is kept", None
        return status, f"{reason}: {published}", published.name


def train(folder: RunFolder, places: Settings, stop: threading.Event) -> tuple[str, str]:
    """Fine-tune; returns the status and the first half of the reason."""
    job = Job.read(folder, places)
    sinks.check(places.report_to)
    resume = checkpoints.resume_from(folder.checkpoints_dir, say)
    if resume:
        _check_unchanged(resume, folder, job)
    _quiet_libraries()
    say(f"{job.base.title}, {job.task.title}: loading")
    trainer = _trainer(folder, job, places, stop, resume)
    if not stop.is_set():
        trainer.run()
    step, steps = trainer.state.global_step, trainer.plan.steps
    if stop.is_set() and step < steps:
        return "cancelled", f"Stopped at step {step} of {steps}"
    done = f"Ended at step {step} of {steps} because {trainer.ended}" if trainer.ended else f"All {steps} steps"
    return "succeeded", f"{done}{trainer.plan.train.omission}"


def _check_unchanged(resume: Path, folder: RunFolder, job: Job) -> None:
    """Refuse to go on with other rows, base or settings than the checkpoint's, before anything is loaded."""
    now = card.made_of(folder.job, job.base, job.recipe, model.trained_on(job.base, job.recipe), job.rows)
    checkpoints.check_origin(origin(read_json(resume / checkpoints.CARD)), origin(now))


def _trainer(folder: RunFolder, job: Job, places: Settings, stop: threading.Event, resume: Path | None) -> Any:
    import torch

    from finetune.training import precision
    from finetune.training.trainer import AdapterTrainer

    torch.set_num_threads(places.threads)
    if not torch.cuda.is_available():  # its driver reserves far more than it uses
        memory.limit_to_what_is_free()
    weights = model.weights(places, job.base, _Reporter())
    tokens = tokenizer.load(places, job.base)
    encode = partial(batches.encode, task=job.task, fmt=job.fmt, tokens=tokens, max_length=job.recipe.max_length)
    train_rows, val_rows = encode(job.train), encode(job.val)
    batches.check_usable(train_rows, job.recipe.max_length)
    chosen = precision.choose(job.recipe.precision, *model.shape(weights))
    say(f"{len(train_rows.examples)} rows to learn from{train_rows.omission}; {chosen.name}: {chosen.why}")
    used = card.rows_used(train_rows, val_rows, job.rows)
    below = model.trained_on(job.base, job.recipe)
    draft = card.draft(folder.job, job.base, job.recipe, chosen, below, used, places)
    plan = Plan(
        folder, job.recipe, train_rows, val_rows, chosen.name == "bf16", draft, job.minutes, places.report_to, stop, say
    )
    return AdapterTrainer(model.adapted(weights, job.base, job.recipe, chosen), plan, resume)


class _Reporter:
    """Progress of preparing a base, one line for each new thing that happens."""

    def __init__(self) -> None:
        self.what = ""

    def __call__(self, what: str, fraction: float) -> None:
        if what != self.what:
            self.what = what
            say(what)


def _quiet_libraries() -> None:
    """Keep log.txt for what a person can use: no bars, no advice to developers."""
    import logging
    import warnings

    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)  # a kernel that is optional on this CPU
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft|torch)\b")
    warnings.filterwarnings("ignore", message="Paged optimizers are not supported on CPU")  # they work, unpaged


def explain(error: BaseException, folder: RunFolder) -> str:
    """One sentence for the screen; what is not expected goes to the log with its traceback."""
    if sentence := known(error, folder):
        return sentence
    if memory.out_of_memory(error):
        return "There was not enough memory: lower per_device_train_batch_size or max_length and start again"
    with suppress(OSError):  # the log may be on a full disk
        traceback.print_exception(error)
    return f"The training broke with {type(error).__name__}: {str(error)[:200]}. Its log has the details"


def _beat(folder: RunFolder) -> None:
    """Signs of life; ends by itself when the folder is gone."""
    while folder.path.is_dir():
        folder.beat()
        time.sleep(BEAT)


def main(path: str) -> int:
    folder, places = RunFolder(Path(path).resolve()), settings()
    if folder.job.get("engine") == "echo":
        return echo_run.run(folder)
    if folder.job.get("engine") == sliced.ENGINE:
        return sliced.keep(folder, places)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # before any thread: all inherit it
    try:
        folder.claim()
    except AlreadyClaimed as error:
        say(str(error))
        return EXIT_CLAIMED
    ending = Ending(folder, places)
    for work in (ending.watch, ending.guard_memory, lambda: _beat(folder)):
        threading.Thread(target=work, daemon=True).start()
    try:
        status, reason = train(folder, places, ending.stop)
    except Exception as error:
        status, reason = "failed", explain(error, folder)
    return ending.finish(status, reason)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m finetune.train RUN_DIR")
    sys.exit(main(sys.argv[1]))
