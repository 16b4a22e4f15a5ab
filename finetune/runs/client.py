"""Runs as page and CLI see and steer them: equal clients of control, which they start when it is needed.

Nothing here writes the store: a request goes into the inbox, the answer is read from the store.
"""

import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from backends.errors import BadInput, NotFound, Refused, Unavailable
from backends.guards import safe_name
from backends.settings import Settings
from finetune import control
from finetune.recipes import recipe
from finetune.runs.inbox import Inbox, Request, digest, new_request, nothing_submitted
from finetune.runs.notices import notices as notices
from finetune.runs.run_folder import RunFolder
from finetune.runs.starter import start_control
from finetune.runs.store import FINAL, Damaged, Row, Store
from finetune.runs.view import RunView, view_of

#: control answers within a few ticks; after this long something is wrong with it
ANSWER_SECONDS = 30.0
#: what a job gets when it is accepted; a new run gets its own
MADE_BY_CONTROL = ("run", "digest", "submit_key", "created")

T = TypeVar("T")

__all__ = [
    *("RunView", "notices", "start_control"),
    *("submit", "cancel", "resume", "duplicate", "move", "delete"),
    *("runs", "queue", "run", "log_tail", "wait"),
]


# -- steering --------------------------------------------------------------------------------------


def submit(settings: Settings, job: dict[str, Any], files: Mapping[str, Path]) -> str:
    """Hand over a job and copies of its data files; the run's id once it is safely accepted.

    The same `job["submit_key"]` always means the same run, however often it is sent.
    """
    key = safe_name(job.get("submit_key") or secrets.token_hex(16), "the submit key")
    for name in files:
        safe_name(name, "the data file's name")
    content = digest(job, files)
    if known := _read(settings, lambda store: store.by_key(key)):
        return _same(known, content)
    inbox = Inbox(settings.inbox_dir)
    request = _put(inbox, key, job, files, content)
    if request["digest"] != content:
        raise Refused("This submit key was already used for another run; nothing was submitted")
    _answered(settings, inbox, key, request)
    if accepted := _read(settings, lambda store: store.by_key(key)):
        return _same(accepted, content)
    raise Unavailable("The run was not accepted and nobody said why, nothing was submitted; submit it again")


def _put(inbox: Inbox, key: str, job: dict[str, Any], files: Mapping[str, Path], content: str) -> Request:
    """Stage and publish; the request that now waits under `key`, which may be another client's."""
    staged = None
    try:
        staged = inbox.stage(key, files)
        request = new_request("submit", key=key, digest=content, staged=staged.name, job=job)
        waiting = inbox.put(key, request)
    except OSError as error:
        if staged:
            shutil.rmtree(staged, ignore_errors=True)
        raise nothing_submitted(error) from error
    if waiting is not request:
        shutil.rmtree(staged, ignore_errors=True)
    return waiting


def _same(row: Row, content: str) -> str:
    if row.digest != content:
        raise Refused("This submit key was already used for another run; nothing was submitted")
    return row.run


def cancel(settings: Settings, run_id: str, owner: str) -> RunView:
    """Ask a run to stop; what it learned so far is kept. Refused when it already ended."""
    return _ask(settings, run_id, new_request("cancel", run=run_id, owner=owner))


def duplicate(settings: Settings, run_id: str, owner: str, changes: Mapping[str, Any], key: str | None = None) -> str:
    """Submit a run again as a new one, on the same rows, with `changes` to its recipe; the new run's id."""
    folder = _folder_of(settings, run_id, owner)
    job = {name: value for name, value in folder.job.items() if name not in MADE_BY_CONTROL}
    if changes and not job["recipe"]:
        raise BadInput("Only a fine-tune has a recipe that could be changed")
    if changes:
        job["recipe"] = recipe.make(job["recipe"]).change(**changes).to_json()
    files = {path.name: path for path in folder.data_dir.iterdir()}
    return submit(settings, job | {"submit_key": key or secrets.token_hex(16)}, files)


def move(settings: Settings, run_id: str, owner: str, to: str) -> RunView:
    """Let a queued run wait elsewhere among its owner's: `to` is "front", "up" or "down"."""
    return _ask(settings, run_id, new_request("move", run=run_id, owner=owner, to=to))


def delete(settings: Settings, run_id: str, owner: str) -> None:
    """Remove an ended run with all its files; the adapter that came out of it stays."""
    run(settings, run_id)  # an unknown one is an error, one that is gone by then is not
    _tell(settings, new_request("delete", run=run_id, owner=owner))


def resume(settings: Settings, run_id: str, owner: str) -> RunView:
    """Queue a lost, failed or cancelled run again; it goes on from its newest complete checkpoint."""
    attempt = run(settings, run_id).attempt + 1
    return _ask(settings, run_id, new_request("resume", run=run_id, owner=owner, attempt=attempt))


def _ask(settings: Settings, run_id: str, request: Request) -> RunView:
    _tell(settings, request)
    return run(settings, run_id)


def _tell(settings: Settings, request: Request) -> None:
    inbox, name = Inbox(settings.inbox_dir), request["request"]
    try:
        inbox.put(name, request)
    except OSError as error:
        raise Unavailable(f"The request could not be written: {error.strerror}; nothing was changed") from error
    _answered(settings, inbox, name, request)


def _answered(settings: Settings, inbox: Inbox, name: str, request: Request) -> None:
    """Wait until control is done with the request, starting it as needed; its refusal is raised."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while inbox.waits(name, request["request"]):
        start_control(settings)
        if time.monotonic() > deadline:
            log = control.log_path(settings)
            raise Unavailable(f"The control process did not answer in time; the request waits, {log} may say why")
        time.sleep(settings.tick / 2)
    if refusal := inbox.refusal(name, request["request"]):
        raise refusal


# -- seeing ----------------------------------------------------------------------------------------


def runs(settings: Settings, owner: str | None = None, limit: int = 200, skip: int = 0) -> list[RunView]:
    """Newest first: one owner's runs, or everybody's. A page of `limit`, after the first `skip`."""
    rows = _read(settings, lambda store: store.newest(owner, limit, skip))
    _tend(settings, rows)
    return [view_of(settings, row) for row in rows]


def queue(settings: Settings) -> list[str]:
    """The runs that wait, whoever started them, in the order in which they will start."""
    return [row.run for row in _read(settings, lambda store: store.with_status("queued"))]


def run(settings: Settings, run_id: str) -> RunView:
    row = _read(settings, lambda store: store.get(run_id))
    if row is None:
        raise NotFound(f"There is no run {run_id[:60]!r}")
    _tend(settings, [row])
    return view_of(settings, row)


def log_tail(settings: Settings, run_id: str) -> str:
    """The last 64 KB of what a run printed."""
    return _folder_of(settings, run_id).log_tail()


def _folder_of(settings: Settings, run_id: str, owner: str | None = None) -> RunFolder:
    """The folder of a run that the store knows, and that belongs to `owner` if one is named."""
    row = _read(settings, lambda store: store.get(run_id))
    if row is None:
        raise NotFound(f"There is no run {run_id[:60]!r}")
    if owner not in (None, row.owner):
        raise Refused("Only the person who started this run can start it again with changes")
    return RunFolder(settings.runs_dir / run_id)


def wait(settings: Settings, run_id: str, on_change: Callable[[RunView], None] | None = None) -> RunView:
    """Follow a run to its end; `on_change` is told whenever a number or the status is new."""
    last = None
    while True:
        view = run(settings, run_id)
        if on_change and (seen := replace(view, sign_of_life=None)) != last:
            last = seen
            on_change(view)
        if view.ended:
            return view
        time.sleep(settings.tick)


def _read(settings: Settings, query: Callable[[Store], T]) -> T:
    """Ask the store; a damaged one is rebuilt by control first."""
    store, deadline = Store(settings.store_path), time.monotonic() + ANSWER_SECONDS
    if settings.keep_dir and not store.path.exists():
        start_control(settings)  # brings back what a bucket kept
    while True:
        try:
            return query(store)
        except Damaged:
            if time.monotonic() > deadline:
                raise
            start_control(settings)
            time.sleep(settings.tick)


def _tend(settings: Settings, rows: list[Row]) -> None:
    """Whoever looks at a run that has not ended sees to it that somebody looks after it, if anybody can."""
    if any(row.status not in FINAL for row in rows):
        with suppress(Unavailable):  # a read-only or full disk: looking goes on
            start_control(settings)
