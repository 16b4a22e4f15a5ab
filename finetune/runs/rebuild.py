"""The store made again from the run folders, when it is damaged, deleted or behind them after a crash."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from backends import process
from backends.errors import NotFound
from backends.settings import Settings
from finetune.runs.endings.verdict import judge
from finetune.runs.intake import row_of
from finetune.runs.run_folder import RunFolder
from finetune.runs.store import Damaged, Row, Store
from finetune.runs.supervisor import evidence
from finetune.runs.view import summary_of

log = logging.getLogger(__name__)


def open_store(settings: Settings) -> Store:
    """The store, ready to use; every whole run folder has its row."""
    store = Store(settings.store_path)
    try:
        if store.path.exists() and not store.path.stat().st_size:
            raise Damaged(f"The list of runs in {store.path} is empty")
        store.prepare()
        _fill(settings, store)
    except Damaged as damage:
        log.warning("%s", damage)
        fresh = Store(settings.store_path.with_name("runs.db.new"))
        fresh.path.unlink(missing_ok=True)
        fresh.prepare()
        _fill(settings, fresh)
        log.warning("rebuilt from the run folders; the damaged one is kept as %s", store.replace_with(fresh))
    return store


def _fill(settings: Settings, store: Store) -> None:
    """Give every run folder without a row its row back, oldest first."""
    known = {row.run for row in store.newest(limit=-1)}
    found = [_job(path) for path in settings.runs_dir.glob("*") if path.name not in known]
    by_age = sorted(filter(None, found), key=lambda pair: str(pair[1]["created"]))
    store.insert(*(_row_again(folder, job) for folder, job in by_age))


def _job(path: Path) -> tuple[RunFolder, dict[str, Any]] | None:
    folder = RunFolder(path)
    try:
        row_of(folder.job)
    except (NotFound, KeyError, TypeError):
        return None  # not a run of ours
    return folder, folder.job


def _row_again(folder: RunFolder, job: dict[str, Any]) -> Row:
    """Ended if it said so, running if its process lives, lost if that is gone, queued if nobody took it."""
    row, who = replace(row_of(job), attempt=folder.attempt), folder.claimed
    if who and folder.exit is None and process.alive(who):
        return replace(row, status="running", pid=who.pid, started=who.started, boot=who.boot)
    if who is None and folder.exit is None:
        return row
    verdict = judge(evidence(row, folder, code=None))
    adapter = (folder.exit or {}).get("adapter") if folder.adapter_dir.is_dir() else None
    return replace(row, status=verdict.status, reason=verdict.reason, adapter=adapter, summary=summary_of(folder))
