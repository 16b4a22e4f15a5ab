"""Versions of a file in one folder: each is a file that never changes again, with its digest and what was done.

Not covered: what stands in the files (table.py knows rows).
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from backends.errors import BadInput, NotFound, Unavailable
from backends.files import exclusive, read_json, replacing, room_for, sha256_of, write_json
from backends.guards import inside, safe_name
from backends.settings import Settings
from finetune.rows import row_files

#: versions that can be undone one by one; the file as it came is always kept
KEPT = 20
WHAT = "A new version of the rows"


@dataclass(frozen=True)
class Version:
    number: int
    #: below the folder; each version has a folder of its own, so that its file keeps its name
    file: str
    sha256: str
    what: str
    parent: int | None = None
    #: column of the file -> column of the task, as a person gave them; empty = as they are guessed
    roles: Mapping[str, str] = field(default_factory=dict)


class Versions:
    """Cheap to make; what is there is read from disk."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings

    def begin(self, source: Path, name: str) -> None:
        """The first version: a copy of `source`, called `name` from then on."""
        row_files.check_size(source, self.settings)
        copy = self.folder / "1" / safe_name(name, "the file's name")
        with room_for(2 * source.stat().st_size + self.settings.min_free, self.folder, WHAT), replacing(copy) as part:
            shutil.copyfile(source, part)
        self._write(1, [Version(1, f"1/{name}", sha256_of(copy), "as it came")])

    @property
    def all(self) -> list[Version]:
        return [Version(**entry) for entry in self._index["versions"]]

    @property
    def current(self) -> Version:
        return self.numbered(self._index["current"])

    def numbered(self, number: int) -> Version:
        return next(version for version in self.all if version.number == number)

    def path(self, version: Version) -> Path:
        return inside(self.folder / version.file, self.folder)

    @contextmanager
    def held(self, seen: int) -> Iterator[Version]:
        """For one change: nobody else writes, and what a person saw is still the current version."""
        with exclusive(self.folder / "lock"):
            if self.current.number != seen:
                raise BadInput("These rows were changed in another window: look at them again first")
            yield self.current

    def add(self, write: Callable[[Path], None], what: str, seen: int) -> Version:
        """A version whose file `write` makes; all of it or nothing."""
        with self.held(seen) as before:
            number = max(version.number for version in self.all) + 1
            name = f"{Path(before.file).stem}.jsonl"
            path, size = self.folder / str(number) / name, self.path(before).stat().st_size
            try:
                with room_for(2 * size + self.settings.min_free, self.folder, WHAT):
                    write(path)
                row_files.check_size(path, self.settings)
            except BaseException:
                shutil.rmtree(path.parent, ignore_errors=True)
                raise
            made = Version(number, f"{number}/{name}", sha256_of(path), what, before.number)
            self._write(number, self._without_old([*self.all, made], made))
        return made

    def undo(self, seen: int) -> Version:
        """Back to the version before, whose file is as it was."""
        with self.held(seen) as now:
            if now.parent is None:
                raise BadInput("There is nothing to undo: these are the rows as they came")
            before = self.numbered(now.parent)
            if sha256_of(self.path(before)) != before.sha256:
                raise Unavailable(f"Version {before.number} is damaged on the disk, so this cannot be undone")
            self._write(before.number, self.all)
        return before

    def read_as(self, roles: Mapping[str, str]) -> None:
        """Other roles for the columns of the current version; its file stays."""
        with exclusive(self.folder / "lock"):
            now = self.current
            changed = [replace(version, roles=dict(roles)) if version == now else version for version in self.all]
            self._write(now.number, changed)

    @property
    def _index(self) -> dict[str, Any]:
        found = read_json(self.folder / "versions.json")
        if not isinstance(found, dict):
            raise NotFound("These rows are no longer here: give the file again")
        return found

    def _write(self, current: int, versions: list[Version]) -> None:
        entries = [asdict(version) for version in versions]
        write_json(self.folder / "versions.json", {"current": current, "versions": entries})

    def _without_old(self, versions: list[Version], newest: Version) -> list[Version]:
        """The first version and the last ones before the newest stay; what was undone goes."""
        by_number, line = {version.number: version for version in versions}, [newest]
        while line[-1].parent is not None:
            line.append(by_number[line[-1].parent])
        if len(line) > KEPT + 1:
            line = [*line[: KEPT - 1], replace(line[KEPT - 1], parent=line[-1].number), line[-1]]
        for gone in set(by_number) - {version.number for version in line}:
            shutil.rmtree(self.folder / str(gone), ignore_errors=True)
        return line[::-1]
