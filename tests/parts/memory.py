"""The most memory that this process ever took. `getrusage` would count that of the process which started it."""

from pathlib import Path


def peak() -> int:
    """In bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
