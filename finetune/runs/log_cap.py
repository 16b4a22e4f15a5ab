"""Keep a log bounded while its writer goes on: the run has it open for appending, control cuts its front.

No pipe through control: a run must be able to print when control is gone.
"""

import os
from pathlib import Path

LIMIT = 10 << 20


def cap(path: Path, limit: int = LIMIT) -> None:
    """When the file is above `limit`, keep the newer half of that. Lines printed meanwhile may be lost."""
    try:
        if path.stat().st_size <= limit:
            return
    except FileNotFoundError:
        return
    with path.open("r+b") as log:
        log.seek(-(limit // 2), os.SEEK_END)
        log.readline()  # the first line may be cut
        tail = log.read(limit // 2)
        log.truncate(0)
        log.seek(0)
        log.write(b"[earlier lines were dropped: a log keeps at most %d MB]\n" % (limit >> 20))
        log.write(tail)
