"""A real training of a few steps in a process and a data folder of its own: how much memory it takes and how long.

Nothing of it stays: no run in the list, no adapter.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backends import process
from backends.catalog import Base
from backends.errors import AppError
from backends.settings import ROOT, Settings
from finetune.recipes.recipe import Recipe
from finetune.rows import data
from finetune.runs import submit
from finetune.runs.run_folder import RunFolder
from finetune.runs.supervisor import ALLOCATOR
from finetune.task import Row, Task

MINUTES = 10


@dataclass(frozen=True)
class Trial:
    #: the most memory that the process held, as the system counted it
    peak: int
    #: from its start to its end
    seconds: float
    #: the lines of its metrics.jsonl
    points: list[dict[str, Any]]


def run(settings: Settings, task: Task, train: Sequence[Row], val: Sequence[Row], recipe: Recipe, base: Base) -> Trial:
    """AppError says why the run failed, in its own words."""
    with tempfile.TemporaryDirectory(prefix="acr-trial-") as scratch:
        places = replace(settings, data_dir=Path(scratch), keep_dir=None, webhook=None, report_to=())
        places.bases_dir.symlink_to(settings.bases_dir.resolve())
        folder = RunFolder(places.runs_dir / "trial")
        rows = {"train": train, "val": val}
        for split, some in rows.items():
            data.write_rows(folder.data_dir / f"{split}.jsonl", some)
        folder.write_job(job_of_trial(settings, task, rows, recipe, base))
        env = {"GLIBC_TUNABLES": ALLOCATOR, **os.environ, **places.to_env()}
        began = time.monotonic()
        with folder.log_path.open("wb") as log:
            child = process.start([sys.executable, "-m", "finetune.train", str(folder.path)], env, ROOT, log)
        peak = _ended(child)
        end = folder.exit
        if not end or end["status"] != "succeeded":
            raise AppError(f"The trial run failed: {end['reason'] if end else folder.log_tail(300)}")
        return Trial(peak, time.monotonic() - began, folder.metrics())


def _ended(child: subprocess.Popen[bytes]) -> int:
    """Wait for the child; the most bytes that it held. Whoever stops waiting stops it too."""
    try:
        _, _, used = os.wait4(child.pid, 0)  # of this one child, unlike getrusage
    except BaseException:
        child.kill()
        child.wait()
        raise
    child.returncode = 0  # it is collected: Popen must not wait for it again
    return used.ru_maxrss * 1024


def job_of_trial(
    settings: Settings, task: Task, rows: dict[str, Sequence[Row]], recipe: Recipe, base: Base
) -> dict[str, Any]:
    """What control would give to the process."""
    job = {"kind": "train", "name": "trial", "recipe": recipe.to_json(), "limits": {"minutes": MINUTES}}
    whole = submit.complete(settings, task, job, rows, base, owner="local")
    return whole | {"run": secrets.token_hex(16)}
