"""`python -m finetune.control`: the one process that writes the store and is the parent of all runs.

Started detached by whoever needs it, elected by a file lock, ended when nothing has been going on for a
while. It may be killed at any moment: the next one finds everything again.
"""

import fcntl
import logging
import os
import shutil
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from typing import IO

from backends import process
from backends.errors import AppError, Refused
from backends.files import read_json, write_json
from backends.process import Identity
from backends.settings import Settings, from_env
from finetune.runs import log_cap
from finetune.runs.inbox import Inbox
from finetune.runs.intake import Intake
from finetune.runs.keep import Keep
from finetune.runs.rebuild import open_store
from finetune.runs.store import ACTIVE, OPEN, Damaged
from finetune.runs.supervisor import Supervisor

#: one pass of copies into the bucket each so many ticks
KEEP_TICKS = 20
#: beyond the grace, for writing down how the runs ended
WIND_DOWN_SECONDS = 2.0

log = logging.getLogger("control")


def elected(settings: Settings) -> Identity | None:
    """The control process at work, if there is one."""
    found = read_json(settings.data_dir / "control.json")
    who = Identity(**found) if found else None
    return who if who and process.alive(who) else None


def log_path(settings: Settings) -> Path:
    """What control prints."""
    return settings.data_dir / "control.log"


def elect(settings: Settings) -> IO[bytes] | None:
    """Take the lock for as long as this process lives; None when another has it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = (settings.data_dir / "control.lock").open("wb")
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    me = process.identity(os.getpid())
    assert me is not None, "a running process has an entry in /proc"
    write_json(settings.data_dir / "control.json", asdict(me))
    return lock


class Control:
    """The loop: requests, runs, sleep."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.inbox = Inbox(settings.inbox_dir)
        self.stop = Event()
        self.keep = Keep(settings, settings.keep_dir) if settings.keep_dir else None
        if self.keep:
            self.keep.restore()
        self.open()
        self.inbox.sweep()
        shutil.rmtree(settings.trash_dir, ignore_errors=True)

    def open(self) -> None:
        self.store = open_store(self.settings)
        self.intake = Intake(self.settings, self.store, self.inbox)
        self.supervisor = Supervisor(self.settings, self.store)

    def run(self) -> None:
        """Until nothing has waited or run for `linger` seconds, or somebody asks for the end."""
        if self.keep:
            pause = KEEP_TICKS * self.settings.tick
            Thread(target=self.keep.copy_until, args=(self.stop, pause), daemon=True).start()
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < self.settings.linger and not self.stop.is_set():
            if self.tick():
                quiet_since = time.monotonic()
            self.stop.wait(self.settings.tick)
        if self.stop.is_set() and self.settings.space_id:
            self.wind_down()
        if self.keep:
            self.keep.copy()

    def wind_down(self) -> None:
        """The machine goes away: let every run save what it learned, as if it had been cancelled."""
        for row in self.store.with_status(*ACTIVE):
            self.store.change(row.run, [row.status], status="cancelling", reason="this Space was stopped")
        deadline = time.monotonic() + self.settings.grace + WIND_DOWN_SECONDS
        while self.store.with_status(*ACTIVE) and time.monotonic() < deadline:
            self.supervisor.follow()
            time.sleep(self.settings.tick)

    def tick(self) -> bool:
        """One round; True while there is something to look after. A fault is logged and tried again."""
        try:
            self.intake.tick()
            self.supervisor.tick()
            log_cap.cap(log_path(self.settings))
            return bool(self.store.with_status(*OPEN) or self.inbox.waiting())
        except Damaged:
            children = self.supervisor.children
            self.open()
            self.supervisor.children = children
        except (AppError, OSError):
            log.exception("a round failed; it is tried again")
        return True


def main() -> int:
    settings = from_env(dict(os.environ))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    lock = elect(settings)
    if lock is None:
        return 0
    try:
        control = Control(settings)
        signal.signal(signal.SIGTERM, lambda *_: control.stop.set())
        control.run()
    except Refused as error:
        log.error("%s", error)
        return 1
    finally:
        lock.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
