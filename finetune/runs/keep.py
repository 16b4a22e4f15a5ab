"""One-way copies into a bucket that outlives this machine, and the way back at start-up.

A bucket is object storage behind a mount: nothing is locked, renamed, appended to or opened as a database there.
What never changes (job and rows, a checkpoint, an adapter) is copied once, its digests last: without them it is not
there. What grows is written whole into two files in turn, so that one of them is always complete.

    runs/<run>/job/, step-N/, adapter/    kept.json last
    runs/<run>/said/                      claim.json, exit.json, and 0-metrics.jsonl beside 1-metrics.jsonl
    adapters/<name>/                      kept.json last
"""

import logging
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock

from backends.errors import Unavailable
from backends.files import dump_json, publish, read_json, sha256_of, write_json
from backends.settings import Settings
from finetune.runs.run_folder import RunFolder

DIGESTS = "kept.json"
CARD = "card.json"
GROWING = ("metrics.jsonl", "answers.jsonl")
SMALL = ("claim.json", "exit.json", "report.json")

log = logging.getLogger(__name__)


class Keep:
    """The bucket, as control uses it. A fault is logged and tried again at the next pass."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.both = settings.data_dir / "kept.json"  # what is here and there; lost with this machine
        self.copied: dict[Path, tuple[int, int]] = {}
        self.turns: dict[Path, int] = {}
        self.lock = Lock()

    # -- into the bucket -------------------------------------------------------------------------------------

    def copy_until(self, stop: Event, pause: float) -> None:
        """Pass after pass, for a thread of control: copying a checkpoint may take long."""
        while not stop.wait(pause):
            self.copy()

    def copy(self) -> None:
        with self.lock:
            try:
                self.copy_all()
            except OSError:
                log.exception("a copy into %s failed; it is tried again", self.folder)

    def copy_all(self) -> None:
        """One pass over everything that is new, and over what was deleted here."""
        runs, made = _folders(self.settings.runs_dir), _folders(self.settings.adapters_dir)
        for name, path in runs.items():
            with suppress(FileNotFoundError):  # deleted while we look
                self._copy_run(RunFolder(path), self.folder / "runs" / name)
        for name, path in made.items():
            target = self.folder / "adapters" / name
            if read_json(target / CARD) != read_json(path / CARD):  # another one took the name
                shutil.rmtree(target, ignore_errors=True)
            _copy_unit(_files(path), target)
        here = {"runs": sorted(runs), "adapters": sorted(made)}
        before = read_json(self.both) or {}
        for kind, names in here.items():
            for gone in {*before.get(kind, ())} - {*names}:
                shutil.rmtree(self.folder / kind / gone, ignore_errors=True)
        if before != here:
            write_json(self.both, here)

    def _copy_run(self, run: RunFolder, target: Path) -> None:
        _copy_unit({"job.json": run.path / "job.json"} | _files(run.data_dir), target / "job")
        here = {path.name: path for path in run.checkpoints()}
        for name, path in here.items():
            _copy_unit(_files(path), target / name)
        for pruned in _folders(target).keys() - here.keys() - {"job", "said", "adapter"}:
            if here:  # the new ones are whole there
                shutil.rmtree(target / pruned, ignore_errors=True)
        if run.adapter_dir.is_dir():
            _copy_unit(_files(run.adapter_dir), target / "adapter")
        for name in (*SMALL, *GROWING):
            self._copy_changed(run.path / name, target / "said", name)

    def _copy_changed(self, source: Path, folder: Path, name: str) -> None:
        with suppress(FileNotFoundError):
            facts = source.stat()
            if self.copied.get(source) == (facts.st_mtime_ns, facts.st_size):
                return
            if name in GROWING:
                turn = self.turns[source] = 1 - self.turns.get(source, _larger(folder, name))
                name = f"{turn}-{name}"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / name)
            self.copied[source] = facts.st_mtime_ns, facts.st_size

    # -- and back --------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Bring back every run and adapter that is whole there and not here."""
        for kind, target, fill in (
            ("runs", self.settings.runs_dir, _fill_run),
            ("adapters", self.settings.adapters_dir, _fill_adapter),
        ):
            for name, kept in _folders(self.folder / kind).items():
                if not (target / name).exists():
                    _restore(kept, target / name, fill)


def _copy_unit(files: Mapping[str, Path], target: Path) -> None:
    """Copy files that never change, then their digests; at once when they are there."""
    if (target / DIGESTS).exists():
        return
    target.mkdir(parents=True, exist_ok=True)
    for name, source in files.items():
        shutil.copyfile(source, target / name)
    (target / DIGESTS).write_text(dump_json({name: sha256_of(source) for name, source in files.items()}))


def _restore(kept: Path, target: Path, fill: Callable[[Path, Path], None]) -> None:
    aside = target.with_name(f".restored-{target.name}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        fill(kept, aside)
        publish(aside, target)
    except (OSError, Unavailable) as error:
        log.warning("%s was not restored: %s", kept, error)
        shutil.rmtree(aside, ignore_errors=True)


def _fill_run(kept: Path, aside: Path) -> None:
    run = RunFolder(aside)
    run.data_dir.mkdir()
    for name, path in _whole(kept / "job").items():
        shutil.copyfile(path, aside / name if name == "job.json" else run.data_dir / name)
    for name in (*SMALL, *GROWING):
        source = kept / "said" / (f"{_larger(kept / 'said', name)}-{name}" if name in GROWING else name)
        if name in GROWING or read_json(source):
            with suppress(FileNotFoundError):
                shutil.copyfile(source, aside / name)
    for unit in sorted(_folders(kept).keys() - {"job", "said"}):
        target = run.adapter_dir if unit == "adapter" else run.checkpoints_dir / unit
        with suppress(Unavailable):  # cut while it was copied: the one before it is there
            files = _whole(kept / unit)
            target.mkdir(parents=True)
            for name, path in files.items():
                shutil.copyfile(path, target / name)


def _fill_adapter(kept: Path, aside: Path) -> None:
    for name, path in _whole(kept).items():
        shutil.copyfile(path, aside / name)


def _whole(unit: Path) -> dict[str, Path]:
    """The files of a unit, all as their digests say."""
    digests = read_json(unit / DIGESTS)
    if not isinstance(digests, dict) or any(not (unit / name).is_file() for name in digests):
        raise Unavailable(f"{unit} was cut while it was copied")
    if changed := [name for name, digest in digests.items() if sha256_of(unit / name) != digest]:
        raise Unavailable(f"{unit}: {', '.join(changed)} changed since it was copied")
    return {name: unit / name for name in digests}


def _larger(folder: Path, name: str) -> int:
    """Which of the two copies of a growing file has more whole lines."""
    both = [folder / f"{turn}-{name}" for turn in (0, 1)]
    return max((0, 1), key=lambda turn: both[turn].read_bytes().count(b"\n") if both[turn].exists() else -1)


def _files(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}


def _folders(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted(folder.glob("[!.]*")) if path.is_dir()}
