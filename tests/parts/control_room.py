"""A real control process and real runs of the echo engine, for tests: start, follow, hurt and tidy away."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backends import process
from backends.process import Identity
from backends.settings import Settings
from finetune import control
from finetune.runs import client
from finetune.runs.client import RunView
from finetune.runs.run_folder import RunFolder
from finetune.runs.store import Row, Store
from finetune.runs.supervisor import mark

PATIENCE = 20.0


def job_for(key: str, owner: str = "local", minutes: float | None = None, **echo: Any) -> dict[str, Any]:
    """A training of the echo engine; `echo` holds its options."""
    return {
        "kind": "train",
        "task": "complexity",
        "base": "gemma-3-270m",
        "name": key,
        "recipe": None,
        "data": {"train": "train.jsonl"},
        "engine": "echo",
        "echo": echo,
        "owner": owner,
        "submit_key": key,
        "limits": {"minutes": minutes},
    }


def quick(data_dir: Path, **changes: Any) -> Settings:
    """Settings under which a fault takes a second to play out."""
    return Settings(
        **{"data_dir": data_dir, "tick": 0.05, "grace": 0.3, "stale": 0.6, "linger": 1.0, "min_free": 0, **changes}
    )


class ControlRoom:
    """One data folder with everything in it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.store_path)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.rows = settings.data_dir.parent / "train.jsonl"
        self.rows.write_text('{"code": "function f() {}", "score": 1.0}\n')

    def submit(self, key: str, **options: Any) -> str:
        return client.submit(self.settings, job_for(key, **options), {"train.jsonl": self.rows})

    def view(self, run: str) -> RunView:
        return client.run(self.settings, run)

    def row(self, run: str) -> Row:
        found = self.store.get(run)
        assert found, f"no row for {run}"
        return found

    def folder(self, run: str) -> RunFolder:
        return RunFolder(self.settings.runs_dir / run)

    def steps(self, run: str) -> list[int]:
        return [point["step"] for point in self.folder(run).metrics()]

    def until(self, run: str, holds: Callable[[RunView], bool], seconds: float = PATIENCE) -> RunView:
        """Look again and again until `holds`; the view for which it did."""
        deadline = time.monotonic() + seconds
        while not holds(view := self.view(run)):
            assert time.monotonic() < deadline, f"not within {seconds} s; last seen: {view}"
            time.sleep(0.02)
        return view

    def until_step(self, run: str, step: int) -> RunView:
        return self.until(run, lambda view: view.status == "running" and (view.step or 0) >= step)

    def until_ended(self, run: str, seconds: float = PATIENCE) -> RunView:
        return self.until(run, lambda view: view.ended, seconds)

    def process(self, run: str) -> Identity:
        who = self.row(run).process
        assert who, f"no process is known for {run}"
        return who

    def trainers(self, run: str) -> list[int]:
        """Every living process that belongs to a run."""
        return list(process.marked(mark(run)))

    def control(self) -> Identity:
        who = control.elected(self.settings)
        assert who, "no control process is at work"
        return who

    def kill_control(self) -> None:
        kill(self.control())

    def close(self) -> None:
        """Leave no process behind."""
        if who := control.elected(self.settings):
            kill(who)
        process.kill_marked(f"ACR_DATA_DIR={self.settings.data_dir}")


def many_ended(settings: Settings, count: int) -> None:
    """Finished runs in the store, as control leaves them."""
    store = Store(settings.store_path)
    store.prepare()
    ended = {"status": "succeeded", "adapter": "a", "summary": {"step": 9, "steps": 9, "eval_loss": 0.5}}
    known = {"owner": "local", "kind": "train", "task": "complexity", "base": "gemma-3-270m"}
    when = "2026-11-21T06:00:00Z"
    store.insert(
        *(
            Row(f"{n:032x}", submit_key=str(n), digest="", name=f"run-{n}", created=when, **known, **ended)
            for n in range(count)
        )
    )


def kill(who: Identity) -> None:
    """SIGKILL, and wait until it is really gone."""
    os.kill(who.pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while process.alive(who):
        assert time.monotonic() < deadline, f"{who} outlives SIGKILL"
        time.sleep(0.01)
