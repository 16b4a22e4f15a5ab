"""Files that are whole or absent: write aside, flush to disk, rename. Digests of what is there."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.errors import Unavailable

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)
#: lockf is per process: threads of one process are kept apart by these
_THREADS: dict[Path, threading.Lock] = {}


def sync_dir(folder: Path) -> None:
    """Flush a rename or a new name in `folder` to disk."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is flushed and renamed into place, else removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(fd)
    part = Path(name)
    try:
        yield part
        with part.open("rb") as done:
            os.fsync(done.fileno())
        part.replace(path)
        sync_dir(path.parent)
    finally:
        part.unlink(missing_ok=True)


def publish(aside: Path, folder: Path) -> None:
    """Flush every file of the folder `aside` to disk, then rename it to `folder`, which must not exist."""
    for path in filter(Path.is_file, aside.rglob("*")):
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    sync_dir(aside)
    aside.rename(folder)
    sync_dir(folder.parent)


def write_bytes(path: Path, data: bytes) -> None:
    with replacing(path) as part:
        part.write_bytes(data)


def dump_json(value: Any, **options: Any) -> str:
    """Strict JSON: NaN and infinities are refused instead of written as words no parser knows."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, **options)


def write_json(path: Path, value: Any) -> None:
    write_bytes(path, (dump_json(value, indent=1) + "\n").encode())


def append_json(path: Path, value: Any, *, durable: bool = False) -> None:
    """Add one line in one write; a line that a crash cut short stays alone. `durable`: on disk when this returns."""
    line = dump_json(value).encode() + b"\n"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(fd).st_size
        torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
        data = (b"\n" if torn else b"") + line
        if os.write(fd, data) != len(data):
            raise OSError(errno.ENOSPC, f"Only a part of a line could be written to {path}: the disk is full")
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)
    if durable and size == 0:
        sync_dir(path.parent)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Every whole line that is a JSON object; none when the file is absent, and not one that a crash cut short."""
    found = []
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def read_json(path: Path) -> Any:
    """The document in `path`, or None when it is absent or not (yet) whole."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def sha256_of(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Hex digest of a file; `on_bytes` is told each block's size, for a progress bar."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            if on_bytes:
                on_bytes(len(block))
    return digest.hexdigest()


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path`: one thread of one process at a time; a killed holder lets go of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _THREADS.setdefault(path.resolve(), threading.Lock()), path.open("w") as stream:
        fcntl.lockf(stream, fcntl.LOCK_EX)  # closing the file releases it
        yield


@contextmanager
def room_for(size: int, folder: Path, what: str) -> Iterator[None]:
    """Refuse to begin what cannot fit, and say in one sentence when the disk is full or closed to us on the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < size:
            raise Unavailable(
                f"{what} needs {size / 1e6:.0f} MB, but the disk of {folder} has only {free / 1e6:.0f} MB left: "
                "free some space and try again"
            )
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise Unavailable(f"{what} stopped: the disk of {folder} is full. Free some space, try again") from None
        if error.errno in NOT_WRITABLE:
            raise Unavailable(f"{what} is not possible: {folder} cannot be written here") from None
        raise
