"""How page and CLI speak to control: one file a request, `inbox/<name>.json`, whole or absent, oldest first.

    submit   {"op", "request", "key", "digest", "staged", "job"}   data files wait in inbox/<staged>/
    cancel   {"op", "request", "run", "owner"}
    resume   {"op", "request", "run", "owner", "attempt"}

When control is done with a request its file is gone: the store holds the answer, or
`inbox/<name>.refused.json` the sentence that says why not.
"""

import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backends.errors import AppError, Unavailable, from_wire
from backends.files import NO_SPACE, read_json, sha256_of, sync_dir, write_json

REFUSED = ".refused.json"
#: left behind by clients that were killed
KEEP_SECONDS = 3600.0

Request = dict[str, Any]


class Inbox:
    """The folder, from both sides."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # -- a client's side -------------------------------------------------------------------------------------

    def stage(self, key: str, files: Mapping[str, Path]) -> Path:
        """Copy data files into a hidden folder and flush them; on any fault nothing is left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(dir=self.folder, prefix=f".{key}."))
        try:
            (staged / "data").mkdir()
            for name, source in files.items():
                with source.open("rb") as read, (staged / "data" / name).open("wb") as write:
                    shutil.copyfileobj(read, write, 1 << 20)
                    write.flush()
                    os.fsync(write.fileno())
            sync_dir(staged / "data")
            sync_dir(staged)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        return staged

    def put(self, name: str, request: Request) -> Request:
        """Publish a request under `name`. If one waits there already, that one is returned instead."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path, part = self.folder / f"{name}.json", self.folder / f".{name}.{request['request']}"
        try:
            write_json(part, request)
            while True:
                try:
                    os.link(part, path)
                except FileExistsError:
                    if waiting := read_json(path):
                        return waiting
                    continue  # control took it between the two looks
                sync_dir(self.folder)
                return request
        finally:
            part.unlink(missing_ok=True)

    def waits(self, name: str, request: str) -> bool:
        """Is this very request still unanswered?"""
        found = read_json(self.folder / f"{name}.json")
        return found is not None and found["request"] == request

    def refusal(self, name: str, request: str) -> AppError | None:
        """Control's answer to this very request, if it was a no."""
        found = read_json(self.folder / f"{name}{REFUSED}")
        return from_wire(found["error"], found["message"]) if found and found["request"] == request else None

    # -- control's side --------------------------------------------------------------------------------------

    def waiting(self) -> list[tuple[str, Request]]:
        """Names and requests, oldest first."""
        paths = [p for p in self.folder.glob("*.json") if not p.name.startswith(".") and not p.name.endswith(REFUSED)]
        found = [(p.stem, read_json(p)) for p in sorted(paths, key=_arrival)]
        return [(name, request) for name, request in found if isinstance(request, dict)]

    def done(self, name: str, request: Request) -> None:
        """Forget a request; what it staged and nobody took goes too."""
        if staged := request.get("staged"):
            shutil.rmtree(self.folder / Path(staged).name, ignore_errors=True)
        (self.folder / f"{name}.json").unlink(missing_ok=True)

    def refuse(self, name: str, request: Request, error: AppError) -> None:
        """Say no. The staged data goes first: on a full disk that makes the room for the sentence."""
        if staged := request.get("staged"):
            shutil.rmtree(self.folder / Path(staged).name, ignore_errors=True)
        answer = {"request": request.get("request"), "error": error.kind, "message": str(error)}
        write_json(self.folder / f"{name}{REFUSED}", answer)
        self.done(name, request)

    def sweep(self) -> None:
        """Remove old refusals, and what clients that died while staging left."""
        before, wanted = time.time() - KEEP_SECONDS, {request.get("staged") for _, request in self.waiting()}
        for path in [*self.folder.glob(f"*{REFUSED}"), *self.folder.glob(".*")]:
            if _arrival(path) < before and path.name not in wanted:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _arrival(path: Path) -> float:
    try:
        return path.stat().st_mtime_ns / 1e9
    except FileNotFoundError:
        return 0.0


def nothing_submitted(error: Exception) -> Unavailable:
    """The sentence for a fault of the disk while a run was submitted."""
    full = getattr(error, "errno", None) in NO_SPACE or "disk is full" in str(error)
    what = "disk full" if full else str(error)
    return Unavailable(f"{what}, nothing was submitted; make room where the runs are kept and submit again")


def new_request(op: str, **values: Any) -> Request:
    return {"op": op, "request": secrets.token_hex(8), **values}


#: what may differ between two clicks that mean the same run
_INCIDENTAL = ("run", "name", "created", "submit_key")


def digest(job: Mapping[str, Any], files: Mapping[str, Path]) -> str:
    """What the job asks for, so that one submit key with two contents is noticed."""
    asked = {key: value for key, value in job.items() if key not in _INCIDENTAL}
    content = {"job": asked, "files": {name: sha256_of(path) for name, path in sorted(files.items())}}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
