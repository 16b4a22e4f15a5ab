"""Faults at an exact system call, put in from outside with strace, and disks that are small or read-only."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from backends.settings import ROOT, Settings
from finetune.runs.run_folder import RunFolder
from tests.parts.control_room import job_for

#: calls that change something on disk
CHANGES = "write,pwrite64,fsync,fdatasync,rename,link,unlink,mkdir,rmdir"

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="faults at an exact system call, by strace")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts, which only root may")


def staged(settings: Settings, name: str, minutes: float | None = None, **echo: object) -> RunFolder:
    """A run folder as control would stage it, and nobody to look after it."""
    folder = RunFolder(settings.runs_dir / name)
    folder.data_dir.mkdir(parents=True)
    (folder.data_dir / "train.jsonl").write_text('{"code": "function f() {}", "score": 1.0}\n')
    job = job_for(name, minutes=minutes, **echo)
    folder.write_job(job | {"run": name, "digest": name, "created": "2026-01-01T00:00:00Z"})
    return folder


def train(folder: RunFolder, *before: str) -> int:
    """Do a run here and now, under the tool that `before` names; the exit code, negative for a signal."""
    argv = [*before, sys.executable, "-m", "finetune.train", str(folder.path)]
    with folder.log_path.open("ab") as log:
        return subprocess.run(argv, cwd=ROOT, timeout=60, stdout=log, stderr=log).returncode


def inject(fault: str, trace: str = "/dev/null") -> list[str]:
    """The start of a command line; `fault` as in "fsync:error=EIO:when=3+"."""
    return ["strace", "-qq", "-f", "-o", trace, "-e", f"inject={fault}"]


def calls(trace: Path) -> Counter[str]:
    """How often each system call stands in a trace."""
    names = (line.split("(")[0].split()[-1] for line in trace.read_text().splitlines() if "(" in line)
    return Counter(names)


def on_a_small_disk(disk: Path, size: str, program: str, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run a Python program with `disk` as its own disk of `size`; nobody outside of it sees that disk."""
    disk.mkdir()
    mount = f'mount -t tmpfs -o size={size} tmpfs "$1" && shift && exec "$@"'
    argv: Sequence[str] = ["unshare", "-m", "sh", "-c", mount, "sh", str(disk), sys.executable, "-c", program]
    return subprocess.run([*argv, str(disk), *args], cwd=ROOT, capture_output=True, text=True, timeout=90)
