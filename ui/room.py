"""Room: what all visitors share. Settings, the engine, and reads of what is on disk, done once for everybody.

Holds nothing of a visitor: that lives in the browser session (ui/tab.py, Page).
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from backends import adapters, catalog
from backends.bases.downloads import Downloads
from backends.engine_client import Engine
from backends.errors import AppError, Unavailable
from backends.measured import Measured, Snapshot, resident
from backends.queueing import EngineQueue, VisitorEngine
from backends.settings import Settings
from finetune.runs import client
from finetune.runs.client import RunView
from finetune.runs.run_folder import RunFolder
from finetune.task import Task

#: reads younger than this are shared by all open pages
FRESH = 0.8
#: runs on one page of the list
PAGE = 50


class Room:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.base = catalog.base_named(catalog.EMBEDDED)
        self.measured = Measured(settings)
        self.turns = EngineQueue(lambda: self.engine, self.measured)
        self.downloads = Downloads(settings)
        self._engine: Engine | None = None
        self._lock = threading.Lock()
        self._reads: dict[Any, tuple[float, Any]] = {}
        self._gates: dict[Any, threading.Lock] = {}

    @property
    def engine(self) -> Engine:
        """The engine process of this app, started at the first need."""
        with self._lock:
            if self._engine is None:
                self._engine = Engine.start(self.settings)
            return self._engine

    def engine_for(self, visitor: str) -> VisitorEngine:
        """The engine as one visitor has it: his answers wait for their turn."""
        return VisitorEngine(self.turns, visitor)

    def figures(self) -> Snapshot:
        """What the engines did and what they hold now; read at most once per moment."""
        return self._shared("figures", lambda: self.measured.snapshot(self._memory(), self.turns.lengths()))

    def _memory(self) -> dict[str, int]:
        pids = {"app": os.getpid(), "engine": self._engine.life if self._engine else None}
        held = {name: resident(pid) for name, pid in pids.items() if pid}
        return {name: size for name, size in held.items() if size}

    def start(self) -> None:
        """Start the engine now: it prepares the base while the page is served. If it cannot, the header says why."""
        with suppress(AppError):
            _ = self.engine

    def close(self) -> None:
        self.downloads.cancel()
        with self._lock:
            if self._engine is not None:
                self._engine.stop()
                self._engine = None

    def engine_state(self) -> dict[str, Any]:
        """`{"state", "what", "fraction"}`: what the engine is doing just now."""
        return self._shared("engine", lambda: self.engine.state())

    def until_ready(self, patience: float = 900.0) -> Iterator[dict[str, Any]]:
        """Every state of the engine until the base can be asked; ends at once when it can."""
        deadline = time.monotonic() + patience
        while (state := self.engine_state())["state"] != "ready":
            if state["state"] == "failed":
                raise Unavailable(state["what"])
            if time.monotonic() > deadline:
                raise Unavailable("Preparing the base takes too long; look at the log and reload the page")
            yield state
            time.sleep(0.5)

    def adapters_of(self, task: Task) -> list[str]:
        """Names of the adapters made for a task: the shipped one first, then the newest."""
        made = [a for a in adapters.adapters(self.settings).values() if a.task == task.name]
        made.sort(key=lambda a: str(a.card.get("created", "")), reverse=True)
        made.sort(key=lambda a: a.origin != "shipped")
        return [a.name for a in made]

    def runs(self, owner: str, skip: int = 0) -> list[RunView]:
        """A page of an owner's runs, newest first; one more than PAGE says that there are older ones."""
        return self._shared(
            ("runs", owner, skip), lambda: client.runs(self.settings, owner=owner, limit=PAGE + 1, skip=skip)
        )

    def queue(self) -> list[str]:
        return self._shared("queue", lambda: client.queue(self.settings))

    def notices(self) -> list[str]:
        return self._shared("notices", lambda: client.notices(self.settings))

    def run(self, run_id: str) -> RunView:
        return self._shared(("run", run_id), lambda: client.run(self.settings, run_id))

    def metrics(self, run_id: str) -> list[dict[str, Any]]:
        return self._shared(("metrics", run_id), lambda: list(self.folder(run_id).metrics()))

    def folder(self, run_id: str) -> RunFolder:
        return RunFolder(Path(self.settings.runs_dir) / self.run(run_id).run)

    def forget(self) -> None:
        """Somebody changed something: the next look reads anew."""
        self._reads = {}

    def _shared(self, key: Any, read: Callable[[], Any]) -> Any:
        """`read()` at most once per moment, however many pages ask. Older reads are dropped in passing."""
        with self._gates.setdefault(key, threading.Lock()):  # whoever comes meanwhile gets what this one reads
            now = time.monotonic()
            kept = self._reads.get(key)
            if kept and now - kept[0] < FRESH:
                return kept[1]
            value = read()
            self._reads = {k: v for k, v in self._reads.copy().items() if now - v[0] < FRESH} | {key: (now, value)}
            self._gates = {k: gate for k, gate in self._gates.copy().items() if k in self._reads}
            return value
