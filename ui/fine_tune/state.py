"""A visitor's draft of a fine-tune: kept in a folder of its own, so that the four steps can be left and resumed."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from backends.catalog import Base
from backends.errors import AppError, BadInput
from backends.files import dump_json, exclusive, read_json, write_json
from backends.guards import safe_name
from backends.settings import MB, Settings
from finetune import formats, task_named
from finetune.formats import Format
from finetune.recipes import sized
from finetune.recipes.recipe import Recipe, make
from finetune.rows import row_files
from finetune.rows.parts import Shares
from finetune.rows.table import Table
from finetune.rows.versions import Versions
from finetune.task import Task

SAMPLE, FILE, PASTED, HUB = "sample", "file", "pasted", "hub"
STEPS = ("Data", "Check", "Recipe and receipt", "Start")
#: of what draft.json holds: one of another form is forgotten
FORM = 1
#: drafts of all visitors that are kept, the newest first
MOST, MOST_BYTES = 200, 4096 * MB
#: fields that are no part of draft.json, or stand there in another form
NOT_TOLD = ("folder", "settings", "shares")
#: endings that say what a file is; any other is dropped from the name of our copy
ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet")


@dataclass(frozen=True)
class Draft:
    folder: Path
    settings: Settings
    task_name: str
    #: what the rows are called on the screen
    title: str
    origin: str
    step: int = 1
    shares: Shares = Shares()
    #: what was seen of the columns, and what was read; `key` says of which rows, so that a change makes it stale
    columns: list[dict[str, Any]] = field(default_factory=list)
    read: dict[str, Any] = field(default_factory=dict)
    checked: dict[str, Any] = field(default_factory=dict)
    #: the model that labelled rows, and what it came to
    taught: dict[str, Any] = field(default_factory=dict)
    #: a simple recipe that follows the number of rows; empty = `values` are a person's own
    simple: str = "balanced"
    values: dict[str, Any] = field(default_factory=dict)
    minutes: float = 0.0
    format_name: str = ""
    receipt: dict[str, Any] = field(default_factory=dict)
    #: the run that asks the base before the start
    asked: dict[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        return task_named(self.task_name)

    @property
    def versions(self) -> Versions:
        return Versions(self.folder / "table", self.settings)

    @property
    def table(self) -> Table:
        return Table(self.versions, self.task, self.settings)

    @property
    def rows_key(self) -> str:
        """Which rows, read in which way."""
        now = self.versions.current
        return _key(self.task_name, now.sha256, now.roles)

    @property
    def parts_key(self) -> str:
        return _key(self.rows_key, asdict(self.shares), self.origin)

    @property
    def recipe(self) -> Recipe:
        if self.simple:
            rows = (self.read.get("counts") or {}).get("train", 0)
            return sized.sized(self.simple, rows).change(max_minutes=self.minutes)
        return make(self.values)

    def format_on(self, base: Base) -> Format:
        return formats.named(self.format_name or base.format, base, self.settings)

    @property
    def is_checked(self) -> bool:
        """Nothing stands against a start; the set that ships needs no examination while it is unchanged."""
        if self.read.get("key") != self.parts_key:
            return False
        if self.origin == SAMPLE and self.versions.current.number == 1:
            return True
        return self.checked.get("key") == self.rows_key and self.checked["ok"]

    @property
    def reach(self) -> int:
        """The last step that can be opened."""
        return len(STEPS) if self.is_checked else 2

    def change(self, **values: Any) -> "Draft":
        """The same with other values, kept at once. What another click changed since this was read stays changed,
        and a draft that was thrown away since then stays away.
        """
        if not self.folder.is_dir():
            return replace(self, **values)
        with exclusive(self.folder / "draft.lock"):
            made = replace(_kept(self.folder, self.settings) or self, **values)
            told = {f.name: getattr(made, f.name) for f in fields(made) if f.name not in NOT_TOLD}
            write_json(self.folder / "draft.json", told | {"shares": asdict(made.shares), "form": FORM})
        return made


def begin(settings: Settings, owner: str, task: Task, source: Path, title: str, origin: str) -> Draft:
    """A new draft on a copy of `source`; the one before goes only when the copy is whole."""
    next(row_files.lines(source, settings), None)  # what is no file of rows replaces nothing
    place = _place(settings, owner)
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=place.parent, prefix=".new-"))
    try:
        Versions(aside / "table", settings).begin(source, _file_name(title))
        Draft(aside, settings, task.name, title[:200], origin).change()
        shutil.rmtree(place, ignore_errors=True)
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _sweep(place.parent)
    found = load(settings, owner)
    assert found, "it was written just now"
    return found


def load(settings: Settings, owner: str) -> Draft | None:
    """What this visitor left, or None; one of an earlier version of this app is forgotten."""
    draft = _kept(_place(settings, owner), settings)
    with suppress(AppError):
        if draft and draft.task and draft.versions.current:
            return draft
    return None


def _kept(folder: Path, settings: Settings) -> Draft | None:
    kept = read_json(folder / "draft.json")
    with suppress(TypeError, AttributeError, KeyError):
        form, shares = kept.pop("form"), Shares(**kept.pop("shares"))
        return Draft(folder, settings, shares=shares, **kept) if form == FORM else None
    return None


def needed(settings: Settings, owner: str) -> Draft:
    if draft := load(settings, owner):
        return draft
    raise BadInput("There are no rows yet: choose a file, or take the sample set")


def forget(settings: Settings, owner: str) -> None:
    shutil.rmtree(_place(settings, owner), ignore_errors=True)


def _place(settings: Settings, owner: str) -> Path:
    return settings.data_dir / "drafts" / hashlib.sha256(owner.encode()).hexdigest()[:32]


def _file_name(title: str) -> str:
    """The person's own name for a file where it can be one, as messages are then about that."""
    ending = Path(title).suffix.lower()
    try:
        return safe_name(title, "the file's name") if ending in ENDINGS else "rows"
    except BadInput:
        return f"rows{ending}"


def _sweep(folder: Path) -> None:
    drafts = [path for path in folder.iterdir() if (path / "draft.json").is_file() and not path.name.startswith(".")]
    drafts.sort(key=lambda path: (path / "draft.json").stat().st_mtime, reverse=True)
    total = 0
    for number, path in enumerate(drafts):
        total += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        if number and (number >= MOST or total > MOST_BYTES):
            shutil.rmtree(path, ignore_errors=True)


def _key(*parts: str | Mapping[str, Any]) -> str:
    return hashlib.sha256(dump_json(parts, sort_keys=True).encode()).hexdigest()[:16]
