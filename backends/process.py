"""Processes that outlive their starter: started detached, known again after a restart, ended as a group.

A pid alone says nothing after a reboot or a reuse, so a process is known by pid, start time and boot; all
that it starts is known by a mark in the environment. Linux only: both are read from /proc.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

#: the niceness of what nobody waits for
BACKGROUND = 10
#: For processes that calculate: OpenMP threads that wait for each other look 300 times, not 300,000 times, then sleep.
#: An engine alone makes 67 tokens a second with it (70 without), two at once 35 each (5 to 16), on two slow cores.
SHORT_SPIN = {"GOMP_SPINCOUNT": "300"}


@dataclass(frozen=True)
class Identity:
    """One process, for ever: no other process on any machine start has the same three values."""

    pid: int
    started: int  # clock ticks after boot, field 22 of /proc/<pid>/stat
    boot: str


@lru_cache(maxsize=1)
def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the third on; the second, the name, may hold blanks and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def identity(pid: int) -> Identity | None:
    """Who has this pid now, or None when nobody does. An ended child that nobody collected still counts."""
    fields = _stat(pid)
    return Identity(pid, int(fields[19]), boot_id()) if fields else None


def alive(who: Identity) -> bool:
    """Is this very process still running? An ended one that nobody collected (state Z) is not."""
    if who.boot != boot_id():
        return False
    fields = _stat(who.pid)
    return bool(fields) and int(fields[19]) == who.started and fields[0] not in "ZX"


def start(argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start `argv` in a session and process group of its own: it survives us, and ends as one group."""
    return subprocess.Popen(
        list(argv),
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def give_way(pid: int) -> None:
    """Let the session of `pid` have what others leave of the processors.

    Kernels that share them between sessions (`autogroup`, as most desktops do) look at the session's own value and not
    at that of its processes.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, max(BACKGROUND, os.getpriority(os.PRIO_PROCESS, pid)))
        Path(f"/proc/{pid}/autogroup").write_text(str(BACKGROUND))


def ask_to_end(who: Identity) -> None:
    """SIGTERM to the whole group of `who`; SIGCONT behind it, for a stopped process acts on nothing else."""
    if alive(who):
        for number in (signal.SIGTERM, signal.SIGCONT):
            with suppress(ProcessLookupError):
                os.killpg(who.pid, number)


def marked(mark: str) -> Iterator[int]:
    """Pids of the processes that have `mark` ("NAME=value") in the environment they were started with."""
    wanted = mark.encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)


def kill_marked(mark: str) -> None:
    """SIGKILL to every process with `mark`, also to those that left the group."""
    for pid in marked(mark):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
