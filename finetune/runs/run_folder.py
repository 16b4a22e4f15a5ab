"""The run folder: all that a run is told, and all that it says. The same contract on every engine.

job.json        written once, before the folder appears: what to do
claim.json      written by the run, exclusively: who does it
metrics.jsonl   appended: the numbers (finetune/runs/metrics.py)
beat            overwritten in place: the last sign of life
log.txt         whatever the process prints, capped by control
checkpoints/step-N/COMPLETE   written last
exit.json       how it ended
adapter/        renamed into place last
attempts/N/     claim.json and exit.json of an earlier attempt
"""

import os
import tempfile
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from backends import process
from backends.errors import NotFound, Refused
from backends.files import read_json, sync_dir, write_json
from finetune.runs import metrics
from finetune.runs.metrics import Metrics, Point

#: exit code of a process that found its run claimed by another (EX_TEMPFAIL): it touched nothing
EXIT_CLAIMED = 75
LOG_TAIL = 64 * 1024
_STEP = "step-"


class AlreadyClaimed(Refused):
    """Another process does this run; end with EXIT_CLAIMED."""


class RunFolder:
    """Paths and files of one run. Cheap to make; reads from disk each time, apart from job.json."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data_dir = path / "data"
        self.log_path = path / "log.txt"
        self.metrics_path = path / "metrics.jsonl"
        self.checkpoints_dir = path / "checkpoints"
        self.adapter_dir = path / "adapter"
        self.answers_path = path / "answers.jsonl"
        self.report_path = path / "report.json"

    @cached_property
    def job(self) -> dict[str, Any]:
        job = read_json(self.path / "job.json")
        if not isinstance(job, dict):
            raise NotFound(f"There is no run in {self.path}: job.json is missing or damaged")
        return job

    @property
    def recipe(self) -> dict[str, Any]:
        """The recipe of a fine-tune; empty for other runs, and for a run whose folder is gone."""
        return self._told("recipe")

    @property
    def engine(self) -> str:
        """Where it is done; empty for a run whose folder is gone."""
        try:
            return str(self.job.get("engine", "local"))
        except NotFound:
            return ""

    @property
    def baseline(self) -> dict[str, Any]:
        """The base's score before a fine-tune, as scoring/should_you.py makes it; empty when it was not asked."""
        return self._told("baseline")

    def _told(self, key: str) -> dict[str, Any]:
        try:
            return dict(self.job.get(key) or {})
        except NotFound:
            return {}

    def write_job(self, job: dict[str, Any]) -> None:
        write_json(self.path / "job.json", job)

    # -- who does it -----------------------------------------------------------------------------------------

    def claim(self) -> None:
        """Take the run for this process, or raise AlreadyClaimed. Made aside and linked: whole or absent."""
        me = process.identity(os.getpid())
        assert me is not None, "a running process has an entry in /proc"
        mine = {"pid": me.pid, "started": me.started, "boot": me.boot, "at": time.monotonic()}
        fd, name = tempfile.mkstemp(dir=self.path, prefix=".claim.")
        os.close(fd)
        part = Path(name)
        try:
            write_json(part, mine)
            os.link(part, self.path / "claim.json")
        except FileExistsError:
            raise AlreadyClaimed(f"The run in {self.path} is already being done by another process") from None
        finally:
            part.unlink(missing_ok=True)
        sync_dir(self.path)
        (self.path / "beat").touch()
        self.beat()

    @property
    def claimed(self) -> process.Identity | None:
        """The process that claimed this attempt, alive or not."""
        claim = read_json(self.path / "claim.json")
        return process.Identity(claim["pid"], claim["started"], claim["boot"]) if claim else None

    @property
    def seconds_since_claim(self) -> float | None:
        """By the clock that never jumps; None without a claim, or when the machine was restarted since."""
        claim = read_json(self.path / "claim.json")
        if not claim or claim["boot"] != process.boot_id():
            return None
        return time.monotonic() - float(claim["at"])

    def next_attempt(self, attempt: int) -> None:
        """Put the traces of attempt number `attempt` aside, so that the next can claim. Safe to repeat."""
        kept = self.path / "attempts" / str(attempt)
        kept.mkdir(parents=True, exist_ok=True)
        for name in ("exit.json", "claim.json"):
            with suppress(FileNotFoundError):
                (self.path / name).rename(kept / name)
        sync_dir(self.path)

    @property
    def attempt(self) -> int:
        """1 for the first, one more for each resume."""
        earlier = (self.path / "attempts").glob("[0-9]*")
        return 1 + max((int(folder.name) for folder in earlier), default=0)

    # -- what it says ----------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Say "alive". In place, of fixed width: works on a full disk, never makes a removed folder again."""
        fd = os.open(self.path / "beat", os.O_WRONLY)
        try:
            os.pwrite(fd, f"{process.boot_id()} {time.monotonic():020.3f}\n".encode(), 0)
        finally:
            os.close(fd)

    @property
    def seconds_since_beat(self) -> float | None:
        """None before the first beat, or when the machine was restarted since."""
        try:
            boot, at = (self.path / "beat").read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return max(0.0, time.monotonic() - float(at)) if boot == process.boot_id() else None

    def append_metric(self, point: Point) -> None:
        metrics.append(self.metrics_path, point)

    def read_metrics(self) -> Metrics:
        """The points, and how many lines were damaged."""
        return metrics.read(self.metrics_path)

    def metrics(self) -> list[Point]:
        return self.read_metrics().points

    def log_tail(self, size: int = LOG_TAIL) -> str:
        """The end of what the run printed, at most `size` bytes."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - size))
                return log.read(size).decode(errors="replace")
        except FileNotFoundError:
            return ""

    # -- what is kept ----------------------------------------------------------------------------------------

    def checkpoints(self) -> list[Path]:
        """Complete checkpoints, oldest first. A folder without COMPLETE was cut while it was written."""
        found = [
            folder
            for folder in self.checkpoints_dir.glob(f"{_STEP}*")
            if folder.name.removeprefix(_STEP).isdigit() and (folder / "COMPLETE").is_file()
        ]
        return sorted(found, key=step_of)

    def newest_checkpoint(self) -> Path | None:
        return next(reversed(self.checkpoints()), None)

    def checkpoint_dir(self, step: int) -> Path:
        return self.checkpoints_dir / f"{_STEP}{step}"

    # -- how it ended ----------------------------------------------------------------------------------------

    def write_exit(self, exit: dict[str, Any]) -> None:
        """`{"status": "succeeded|failed|cancelled", "reason", "adapter"?, "seconds"}`; a run's last act."""
        if not self.path.is_dir():
            raise FileNotFoundError(f"The run folder {self.path} is gone")
        write_json(self.path / "exit.json", exit)

    @property
    def exit(self) -> dict[str, Any] | None:
        found = read_json(self.path / "exit.json")
        return found if isinstance(found, dict) else None


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix(_STEP))
