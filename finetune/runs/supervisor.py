"""Starts runs and follows them to their end, own children and those that an earlier control left alike.

It keeps nothing that a restart could not find again: who runs is in the store, in claim.json and in the
environment of the processes. In memory are only the children's exit codes and the ends of patience.
"""

import logging
import os
import subprocess
import sys
import time
from contextlib import suppress

from backends import process
from backends.process import Identity
from backends.settings import ROOT, Settings
from finetune.runs import log_cap, webhook
from finetune.runs.endings.verdict import Evidence, Verdict, judge
from finetune.runs.run_folder import EXIT_CLAIMED, RunFolder
from finetune.runs.store import ACTIVE, Row, Store
from finetune.runs.view import summary_of

COMMANDS = {"train": "finetune.train", "eval": "finetune.evaluate"}
#: graces that a run may take beyond its time limit, for loading the base and for ending in its own way
LEEWAY = 20

log = logging.getLogger(__name__)

#: Batches of many widths leave holes in the heap: 9 GB after 200 steps. Blocks of 4 MB and more are given back
#: instead, in huge pages so that taking them again is cheap: 3 GB, and as fast (measured; other systems ignore it).
ALLOCATOR = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4194304:glibc.malloc.trim_threshold=536870912"


def mark(run: str) -> str:
    """What every process of a run has in its environment."""
    return f"ACR_RUN={run}"


class Supervisor:
    """One look at everything a tick; each look decides from what is there, not from what it remembers."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.patience: dict[str, float] = {}

    def tick(self) -> None:
        self.follow()
        busy = {row.slot for row in self.store.with_status(*ACTIVE)}
        for row in self.store.with_status("queued"):
            if row.slot not in busy:
                busy.add(row.slot)
                self._begin(row)

    def follow(self) -> None:
        """Look at every run that is going on."""
        for row in self.store.with_status(*ACTIVE):
            self._look_at(row)

    def folder(self, run: str) -> RunFolder:
        return RunFolder(self.settings.runs_dir / run)

    # -- starting --------------------------------------------------------------------------------------------

    def _begin(self, row: Row) -> None:
        """Committed as starting first: after a crash in between, claim and mark say whether it started."""
        if self.store.change(row.run, ["queued"], status="starting", reason=""):
            self._spawn(row)

    def _spawn(self, row: Row) -> None:
        folder = self.folder(row.run)
        argv = [sys.executable, "-m", COMMANDS[row.kind], str(folder.path)]
        env = {"GLIBC_TUNABLES": ALLOCATOR, **os.environ, "ACR_RUN": row.run}
        try:
            with folder.log_path.open("ab") as output:
                child = process.start(argv, env, ROOT, output)
        except OSError as error:
            self._finish(row, Verdict("failed", f"the process could not be started: {error.strerror}"))
            return
        self.children[row.run] = child
        process.give_way(child.pid)  # to the page's engine, whose visitors wait
        self._remember(row, process.identity(child.pid))
        log.info("run %s started as pid %s", row.run, child.pid)

    def _remember(self, row: Row, who: Identity | None) -> None:
        if who is not None:
            self.store.change(row.run, ACTIVE, pid=who.pid, started=who.started, boot=who.boot)

    # -- following -------------------------------------------------------------------------------------------

    def _look_at(self, row: Row) -> None:
        folder = self.folder(row.run)
        who = row.process or self._found_again(row, folder)
        log_cap.cap(folder.log_path)
        if not folder.path.is_dir():
            process.kill_marked(mark(row.run))
            self._finish(row, Verdict("failed", "the run folder is gone"))
        elif who is not None and process.alive(who):
            self._accompany(row, folder, who)
        elif who is None and row.status == "starting" and row.run not in self.children:
            self._spawn(row)
        else:
            self._settle(row, folder, who)

    def _found_again(self, row: Row, folder: RunFolder) -> Identity | None:
        """The process that was started just before control died: it claimed the run or carries its mark."""
        who = folder.claimed or next(filter(None, map(process.identity, process.marked(mark(row.run)))), None)
        self._remember(row, who)
        return who

    def _accompany(self, row: Row, folder: RunFolder, who: Identity) -> None:
        if row.status == "starting" and folder.claimed:
            self.store.change(row.run, ["starting"], status="running")
        elif row.status == "running" and (limit := self._limit_passed(folder)):
            self.store.change(row.run, ["running"], status="cancelling", reason=limit)
        elif row.status == "cancelling" and row.run not in self.patience:
            process.ask_to_end(who)
            self._lose_patience(row)
        elif folder.exit and row.run not in self.patience:
            self._lose_patience(row)  # it said that it ended, and has so long to do it
        elif time.monotonic() > self.patience.get(row.run, float("inf")):
            process.kill_marked(mark(row.run))

    def _lose_patience(self, row: Row) -> None:
        self.patience[row.run] = time.monotonic() + self.settings.grace

    def _limit_passed(self, folder: RunFolder) -> str | None:
        """A trainer ends itself at the limit, with what it learned by then; this is for one that does not."""
        asked = (folder.job.get("limits") or {}).get("minutes") or self.settings.max_run_minutes
        minutes = min(float(asked), self.settings.max_run_minutes)
        elapsed = folder.seconds_since_claim
        passed = elapsed is not None and elapsed > minutes * 60 + LEEWAY * self.settings.grace
        return f"the time limit of {minutes:g} minutes was reached" if passed else None

    # -- ending ----------------------------------------------------------------------------------------------

    def _settle(self, row: Row, folder: RunFolder, who: Identity | None) -> None:
        """The process is gone. Whatever it started goes too; then say how it ended."""
        child = self.children.get(row.run)
        code = child.wait() if child else None
        if code == EXIT_CLAIMED and folder.claimed and folder.claimed != who:
            del self.children[row.run]
            self._remember(row, folder.claimed)  # another process was first: follow that one
            return
        process.kill_marked(mark(row.run))
        self._finish(row, judge(evidence(row, folder, code)))

    def _finish(self, row: Row, verdict: Verdict) -> None:
        """The folder first, the store second: a store that is built again from the folders says the same."""
        folder = self.folder(row.run)
        said, now = folder.exit or {}, {"status": verdict.status, "reason": verdict.reason}
        if said != said | now:
            with suppress(OSError):  # a full disk or a removed folder must not keep the run "running"
                folder.write_exit(said | now)
        adapter = said.get("adapter") if folder.adapter_dir.is_dir() else None
        if self.store.change(row.run, ACTIVE, **now, adapter=adapter, summary=summary_of(folder)):
            webhook.tell(self.settings, self.store.get(row.run) or row)
        self.children.pop(row.run, None)
        self.patience.pop(row.run, None)
        log.info("run %s %s: %s", row.run, verdict.status, verdict.reason)


def evidence(row: Row, folder: RunFolder, code: int | None) -> Evidence:
    cancelling = row.status == "cancelling"
    return Evidence(
        kind=row.kind,
        cancelling=cancelling,
        why_cancelled=row.reason if cancelling else "",
        exit=folder.exit,
        code=code,
        has_adapter=folder.adapter_dir.is_dir(),
    )
