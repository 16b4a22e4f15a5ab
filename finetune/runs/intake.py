"""What control does with a request: check it, then accept it into the store or refuse it in one sentence.

An accepted run is first a whole folder (one rename), then a row. A crash in between leaves a folder without
a row, which the next start takes up (finetune/runs/rebuild.py): folders are the truth, the store is their index.
"""

import logging
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from backends.errors import AppError, BadInput, NotFound, Refused, Unavailable
from backends.files import sync_dir
from backends.settings import MB, Settings
from finetune.runs.inbox import Inbox, Request, nothing_submitted
from finetune.runs.notices import too_little_room
from finetune.runs.run_folder import RunFolder
from finetune.runs.store import FINAL, OPEN, RESUMABLE, Damaged, Row, Store
from finetune.runs.supervisor import COMMANDS
from finetune.runs.view import resume_refusal
from finetune.training import sliced

Fields = dict[str, type]

FIELDS: dict[str, Fields] = {
    "submit": {"key": str, "digest": str, "staged": str, "job": dict},
    "cancel": {"run": str, "owner": str},
    "resume": {"run": str, "owner": str, "attempt": int},
    "move": {"run": str, "owner": str, "to": str},
    "delete": {"run": str, "owner": str},
}
JOB_FIELDS: Fields = dict.fromkeys(("kind", "owner", "task", "base", "name"), str)
ON_REQUEST = "cancelled on request"

log = logging.getLogger(__name__)


class Intake:
    """The only way into the store for anything that comes from outside."""

    def __init__(self, settings: Settings, store: Store, inbox: Inbox) -> None:
        self.settings, self.store, self.inbox = settings, store, inbox
        self.handlers = {
            "submit": self.submit,
            "cancel": self.cancel,
            "resume": self.resume,
            "move": self.move,
            "delete": self.delete,
        }

    def tick(self) -> None:
        for name, request in self.inbox.waiting():
            try:
                self.handle(request)
            except Damaged:
                raise  # the request waits until the store is built again
            except AppError as error:
                log.info("refused %s: %s", name, error)
                self.inbox.refuse(name, request, error)
            except Exception:
                log.exception("request %s", name)
                self.inbox.refuse(name, request, AppError("This request met a fault of ours; control.log has it"))
            else:
                self.inbox.done(name, request)

    def handle(self, request: Request) -> None:
        op = str(request.get("op"))
        if op not in self.handlers:
            raise BadInput(f"Control does not know the request {op!r}")
        _need(request, FIELDS[op], f"The request {op!r}")
        self.handlers[op](request)

    # -- submit ----------------------------------------------------------------------------------------------

    def submit(self, request: Request) -> None:
        if known := self.store.by_key(request["key"]):
            if known.digest != request["digest"]:
                raise Refused("This submit key was already used for another run; nothing was submitted")
            return
        staged = self.inbox.folder / Path(request["staged"]).name
        if not staged.is_dir():
            raise Unavailable("The data of this run is gone from the inbox, nothing was submitted; submit it again")
        self._check(request["job"], staged)
        job = request["job"] | {
            "run": secrets.token_hex(16),
            "submit_key": request["key"],
            "digest": request["digest"],
            "created": request["job"].get("created") or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        self._accept(job, staged)
        log.info("accepted run %s", job["run"])

    def _accept(self, job: dict[str, Any], staged: Path) -> None:
        folder = self.settings.runs_dir / job["run"]
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            RunFolder(staged).write_job(job)
            staged.rename(folder)
            sync_dir(folder.parent)
            self.store.insert(row_of(job))
        except (OSError, Unavailable) as error:
            if folder.exists():
                folder.rename(staged)
            if isinstance(error, Damaged):
                raise
            raise nothing_submitted(error) from error

    def _check(self, job: dict[str, Any], staged: Path) -> None:
        _need(job, JOB_FIELDS, "The job")
        if job["kind"] not in COMMANDS:
            raise BadInput(f"kind must be one of {', '.join(COMMANDS)}, got {job['kind']!r}")
        size = sum(path.stat().st_size for path in (staged / "data").iterdir())
        if size > self.settings.max_upload:
            allowed = f"{self.settings.max_upload / MB:.0f} MB are allowed here"
            raise Refused(f"The data has {size / MB:.1f} MB; {allowed}, nothing was submitted")
        if refusal := too_little_room(self.settings, shutil.disk_usage(self.settings.data_dir).free):
            raise Unavailable(refusal)
        self._one_at_a_time(job["owner"])

    def _one_at_a_time(self, owner: str) -> None:
        if self.settings.public and self.store.with_status(*OPEN, owner=owner):
            raise Refused("You already have a run here; this place allows one at a time: let it end or cancel it")

    # -- cancel and resume -----------------------------------------------------------------------------------

    def cancel(self, request: Request) -> None:
        row = self._owned(request, "cancel")
        if row.status in FINAL:
            raise Refused(f"This run already ended ({row.status}); nothing was changed")
        if row.status == "cancelling":
            raise Refused("This run is already being cancelled; nothing was changed")
        if row.status != "queued":
            self.store.change(row.run, [row.status], status="cancelling", reason=ON_REQUEST)
            return
        with suppress(OSError):  # on a full disk the store still says it
            self._folder(row).write_exit({"status": "cancelled", "reason": ON_REQUEST})
        self.store.change(row.run, ["queued"], status="cancelled", reason=ON_REQUEST)

    def resume(self, request: Request) -> None:
        row = self._owned(request, "resume")
        if row.attempt >= request["attempt"]:
            return  # somebody else clicked first; one attempt answers both
        folder = self._folder(row)
        if refusal := resume_refusal(row, folder):
            raise Refused(refusal)
        self._one_at_a_time(row.owner)
        folder.next_attempt(row.attempt)
        again = row.attempt + 1
        nobody: dict[str, Any] = {"pid": None, "started": None, "boot": None, "summary": {}}
        self.store.change(row.run, RESUMABLE, status="queued", reason="", attempt=again, **nobody)

    # -- order and end ---------------------------------------------------------------------------------------

    def move(self, request: Request) -> None:
        """Only among the runs of one owner: nobody else waits longer for it."""
        row = self._owned(request, "move")
        waiting = [one.run for one in self.store.with_status("queued", owner=row.owner)]
        if row.run not in waiting:
            raise Refused(f"Only a run that waits can be moved; this one is {row.status}")
        self.store.reorder(moved(waiting, row.run, request["to"]))

    def delete(self, request: Request) -> None:
        """The folder goes to the trash first: a crash in between leaves a row that the repeated request removes."""
        if self.store.get(request["run"]) is None:
            return
        row = self._owned(request, "delete")
        if row.status not in FINAL:
            raise Refused(f"This run is {row.status}: cancel it first, then it can be deleted")
        trash = self.settings.trash_dir
        trash.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self._folder(row).path.rename(trash / row.run)
        self.store.forget(row.run)
        shutil.rmtree(trash, ignore_errors=True)

    def _folder(self, row: Row) -> RunFolder:
        return RunFolder(self.settings.runs_dir / row.run)

    def _owned(self, request: Request, verb: str) -> Row:
        row = self.store.get(request["run"])
        if row is None:
            raise NotFound(f"There is no run {request['run']}")
        if row.owner != request["owner"]:
            raise Refused(f"Only the person who started this run can {verb} it")
        return row


def moved(waiting: list[str], run: str, to: str) -> list[str]:
    """The queue after `run` went to the "front", one place "up" or one "down"."""
    here, others = waiting.index(run), [one for one in waiting if one != run]
    places = {"front": 0, "up": max(0, here - 1), "down": here + 1}
    if to not in places:
        raise BadInput(f"A run can be moved {', '.join(places)}, not {to[:20]!r}")
    return [*others[: places[to]], run, *others[places[to] :]]


def _need(given: dict[str, Any], fields: Fields, what: str) -> None:
    if missing := [name for name, kind in fields.items() if not given.get(name) or not isinstance(given[name], kind)]:
        raise BadInput(f"{what} lacks {', '.join(missing)}")


def row_of(job: dict[str, Any]) -> Row:
    """A queued row for the job of an accepted run."""
    names = ("run", "owner", "submit_key", "digest", "kind", "task", "base", "name", "created")
    return Row(**{name: job[name] for name in names}, slot=slot_of(job))


def slot_of(job: dict[str, Any]) -> str:
    """What only one run at a time can have: this machine, or a visitor's own time on a ZeroGPU."""
    return f"{sliced.ENGINE}:{job['owner']}" if job.get("engine") == sliced.ENGINE else "local"
