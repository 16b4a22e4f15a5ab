"""A fine-tune on a ZeroGPU: it learns in slices, one GPU call each, with a checkpoint between them.

Such a run is a process and a folder like any other, but the process (`keep`) computes nothing: it holds the run (claim,
signs of life, stop) and ends it. What learns is `learn`, inside the GPU call of a visitor who gives seconds of his
quota: the ordinary training from the newest checkpoint, stopped in time. Without anybody who gives seconds the run ends
by itself with what it has learned, and can be gone on with.
"""

import fcntl
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from backends.catalog import base_named
from backends.errors import BadInput, Refused
from backends.files import read_json, write_json
from backends.guards import safe_name
from backends.settings import Settings, settings
from finetune.runs.endings.last_words import say
from finetune.runs.run_folder import EXIT_CLAIMED, AlreadyClaimed, RunFolder, step_of

#: the engine of such a run in its job, and the name of the GPU call
ENGINE, OPERATION = "zero_gpu", "train_slice"
#: seconds of GPU time that a slice may have, and what loading the base and saving take of it at most
LEAST, MOST, OVERHEAD = 20, 300, 25
#: more weights than this take longer to load than is left to learn
LARGEST = 1_000_000_000
#: seconds without a slice after which the run ends by itself
PATIENCE = 900.0
LOOK = 0.25
#: held while a slice learns; touched all the while, which is its sign of life to the process of the run
LOCK = "slice.lock"


def seconds_of(payload: Mapping[str, Any]) -> int:
    """GPU seconds that a slice asks for. BadInput where they are not within the bounds."""
    asked = payload.get("seconds")
    if type(asked) is not int or not LEAST <= asked <= MOST:
        raise BadInput(f"A slice takes {LEAST} to {MOST} seconds, got {str(asked)[:20]!r}")
    return asked


def refusal(base: str, here: Settings) -> str | None:
    """Why a fine-tune on this base cannot learn in slices here, or None."""
    if not here.zero_gpu:
        return "This place has no ZeroGPU, so nothing can be learned in slices of it"
    chosen = base_named(base)
    if chosen.parameters > LARGEST:
        return f"{chosen.title} takes too long to load for slices of GPU time: they are for bases of up to 1B weights"
    return None


# -- inside the GPU call -----------------------------------------------------------------------------------------------


def learn(payload: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One slice: `{"point": a line of metrics.jsonl}` as they come, then `{"slice": {"step", "steps", "done"}}`.

    Closing the iterator ends it at the next batch, with a checkpoint.
    """
    places = settings()
    folder = RunFolder(places.runs_dir / safe_name(str(payload.get("run")), "the run"))
    until = time.monotonic() + seconds_of(payload) - OVERHEAD / 2
    if folder.job.get("engine") != ENGINE:
        raise Refused("This run does not learn in slices of GPU time")
    if folder.exit or not folder.claimed:
        raise Refused("This run does not wait for GPU time: it ended, or has not begun")
    with _alone(folder):
        stop, outcome = threading.Event(), dict[str, str]()
        seen = len(folder.metrics())
        work = threading.Thread(target=_train, args=(folder, places, stop, outcome))
        work.start()
        try:
            while work.is_alive():
                work.join(LOOK)
                os.utime(folder.path / LOCK)
                if time.monotonic() > until or folder.exit:
                    stop.set()
                points = folder.metrics()[seen:]
                seen += len(points)
                yield from ({"point": point} for point in points)
        finally:
            stop.set()
            work.join()
            told = _progress(folder) | outcome
            write_json(folder.path / "slice.json", told | {"at": time.time_ns()})
    yield {"slice": told}


@contextmanager
def _alone(folder: RunFolder) -> Iterator[None]:
    """One slice at a time; the lock goes with its process, however that ends."""
    with (folder.path / LOCK).open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("A slice of this run is learning already: wait until it has ended") from None
        yield


def _train(folder: RunFolder, places: Settings, stop: threading.Event, outcome: dict[str, str]) -> None:
    """`done` or `failed` where the whole run is at its end; neither where the slice alone is."""
    from finetune import train

    try:
        status, reason = train.train(folder, places, stop)
    except Exception as error:
        outcome["failed"] = train.explain(error, folder)
    else:
        if status == "succeeded":
            outcome["done"] = reason


def _progress(folder: RunFolder) -> dict[str, int]:
    steps = [point for point in folder.metrics() if "steps" in point]
    newest = folder.newest_checkpoint()
    return {"step": step_of(newest) if newest else 0, "steps": int(steps[-1]["steps"]) if steps else 0}


# -- the process of the run --------------------------------------------------------------------------------------------


def keep(folder: RunFolder, places: Settings) -> int:
    """Hold the run until its slices have finished it, somebody stops it, or nobody gives GPU time any more."""
    from finetune.train import Ending

    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    try:
        folder.claim()
    except AlreadyClaimed as error:
        say(str(error))
        return EXIT_CLAIMED
    (folder.path / "slice.json").unlink(missing_ok=True)  # of an earlier attempt
    ending = Ending(folder, places)
    say(f"Waiting for GPU time; process {os.getpid()} keeps this run meanwhile")
    patient_until, before = time.monotonic() + PATIENCE, None
    while True:
        folder.beat()
        told = read_json(folder.path / "slice.json") or {}
        if (seen := (told, _sign_of_life(folder))) != before:
            patient_until, before = time.monotonic() + PATIENCE, seen
        at = f"step {told.get('step', 0)} of {told.get('steps') or '?'}"
        if "failed" in told:
            return ending.finish("failed", told["failed"])
        if "done" in told:
            return ending.finish("succeeded", told["done"])
        if asked:
            return ending.finish("cancelled", f"Stopped at {at}")
        if time.monotonic() > patient_until:
            minutes = PATIENCE / 60
            return ending.finish("cancelled", f"Stopped at {at}: nobody gave GPU time for {minutes:.0f} minutes")
        time.sleep(LOOK)


def _sign_of_life(folder: RunFolder) -> float:
    """When a slice was last seen at work; 0 before the first. Asking its lock could turn away one that begins now."""
    path = folder.path / LOCK
    return path.stat().st_mtime if path.exists() else 0.0
