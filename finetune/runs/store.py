"""The list of runs (SQLite). Control alone writes, page and CLI read. Made again from the folders if damaged.

Changes are a few a minute, so the choice is safety: rollback journal, synchronous FULL; a connection is
opened, used and closed, never carried across a fork. A status changes only from the one that the caller saw, and the
database itself refuses to change a final one.
"""

import json
import os
import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from backends.errors import Refused, Unavailable
from backends.files import sync_dir
from backends.process import Identity

ACTIVE = ("starting", "running", "cancelling")
FINAL = ("succeeded", "failed", "cancelled", "lost")
OPEN = ("queued", *ACTIVE)
RESUMABLE = ("failed", "cancelled", "lost")
#: how long a connection waits for another one to finish
BUSY_SECONDS = 5.0


@dataclass(frozen=True)
class Row:
    """One run as the store knows it; the numbers of an active run are in its folder."""

    run: str
    owner: str
    submit_key: str
    digest: str
    kind: str
    task: str
    base: str
    name: str
    created: str
    status: str = "queued"
    reason: str = ""
    adapter: str | None = None
    slot: str = "local"
    attempt: int = 1
    pid: int | None = None
    started: int | None = None
    boot: str | None = None
    #: last numbers of a run that ended, so that a list of thousands reads no folders
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def process(self) -> Identity | None:
        if self.pid is None or self.started is None or self.boot is None:
            return None
        return Identity(self.pid, self.started, self.boot)


_COLUMNS = tuple(f.name for f in fields(Row))

#: one tuple of statements a version, only ever appended to
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """create table runs (
            position integer primary key autoincrement,
            run text not null unique,
            owner text not null,
            submit_key text not null unique,
            digest text not null,
            kind text not null,
            task text not null,
            base text not null,
            name text not null,
            created text not null,
            status text not null,
            reason text not null,
            adapter text,
            slot text not null,
            attempt integer not null,
            pid integer,
            started integer,
            boot text,
            summary text not null
        )""",
        """create unique index one_active_run_a_slot on runs(slot)
            where status in ('starting','running','cancelling')""",
        "create index runs_of_owner on runs(owner, created)",
        """create trigger a_final_status_stays before update of status on runs
            when old.status in ('succeeded','failed','cancelled','lost') and new.attempt = old.attempt
                and new.status <> old.status
            begin select raise(abort, 'a final status never changes'); end""",
    ),
    (
        "alter table runs add column place integer not null default 0",  # in the queue; 0 = by position
        "update runs set place = position",
        """create trigger a_new_run_waits_last after insert on runs
            begin update runs set place = new.position where run = new.run; end""",
    ),
)


class Damaged(Unavailable):
    """The file is no database, or a broken one."""


class Store:
    """Holds a path, never a connection."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # -- opening ---------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make or migrate the database. Of two starts at once one applies, the other finds it done."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection("rwc") as db:
            if db.execute("pragma quick_check").fetchone()[0] != "ok":
                raise Damaged(f"The list of runs in {self.path} is damaged")
            self._check_version(db)
            db.execute("pragma journal_mode=delete")
            db.execute("begin immediate")
            for version in range(_version(db), len(MIGRATIONS)):
                for statement in MIGRATIONS[version]:
                    db.execute(statement)
                db.execute(f"pragma user_version={version + 1}")
            db.execute("commit")

    def replace_with(self, other: "Store") -> Path:
        """Put a new database in the place of this damaged one, which is kept beside it."""
        aside = self.path.with_name(f"{self.path.name}.bad-{time.strftime('%Y%m%d-%H%M%S')}")
        os.link(self.path, aside)
        self.path.with_name(f"{self.path.name}-journal").unlink(missing_ok=True)
        other.path.replace(self.path)
        sync_dir(self.path.parent)
        return aside

    def _check_version(self, db: sqlite3.Connection) -> None:
        if (found := _version(db)) > len(MIGRATIONS):
            raise Refused(
                f"The list of runs in {self.path} was written by a newer version of this program "
                f"(its version {found}, ours {len(MIGRATIONS)}); update the program, nothing was changed"
            )

    @contextmanager
    def _connection(self, mode: str) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(f"file:{self.path}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            db.row_factory = sqlite3.Row
            db.execute("pragma synchronous=full")
            yield db
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a fault of the caller, not of the file
        except sqlite3.OperationalError as error:
            raise Unavailable(f"The list of runs in {self.path} cannot be used now: {error}") from error
        except sqlite3.DatabaseError as error:
            raise Damaged(f"The list of runs in {self.path} is damaged: {error}") from error
        finally:
            db.close()  # rolls back whatever was not committed

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._connection("rw") as db:
            self._check_version(db)
            db.execute("begin immediate")
            yield db
            db.execute("commit")

    # -- writing (control only) ------------------------------------------------------------------------------

    def insert(self, *rows: Row) -> None:
        values = [[_to_sql(getattr(row, name)) for name in _COLUMNS] for row in rows]
        marks = ",".join("?" * len(_COLUMNS))
        with self._writing() as db:
            db.executemany(f"insert into runs ({','.join(_COLUMNS)}) values ({marks})", values)

    def change(self, run: str, expected: Collection[str], **values: Any) -> bool:
        """Compare and set: change the run only while its status is one of `expected`. True when it was."""
        sets = ", ".join(f"{name}=?" for name in values)
        marks = ",".join("?" * len(expected))
        with self._writing() as db:
            done = db.execute(
                f"update runs set {sets} where run=? and status in ({marks})",
                [*map(_to_sql, values.values()), run, *expected],
            )
            return done.rowcount == 1

    def reorder(self, runs: list[str]) -> None:
        """Let these queued runs take each other's places, so that they wait in the order given."""
        marks = ",".join("?" * len(runs))
        with self._writing() as db:
            query = f"select place from runs where status='queued' and run in ({marks}) order by place"
            places = [row["place"] for row in db.execute(query, runs)]
            if len(places) == len(runs):  # none has started meanwhile
                db.executemany("update runs set place=? where run=?", zip(places, runs, strict=True))

    def forget(self, run: str) -> None:
        """Remove an ended run from the list."""
        with self._writing() as db:
            db.execute(f"delete from runs where run=? and status in ({','.join('?' * len(FINAL))})", [run, *FINAL])

    # -- reading ---------------------------------------------------------------------------------------------

    def get(self, run: str) -> Row | None:
        return next(iter(self._rows("run=?", [run], 1)), None)

    def by_key(self, submit_key: str) -> Row | None:
        return next(iter(self._rows("submit_key=?", [submit_key], 1)), None)

    def newest(self, owner: str | None = None, limit: int = 200, skip: int = 0) -> list[Row]:
        """Newest first; one owner's, or everybody's."""
        where, values = ("owner=?", [owner]) if owner is not None else ("1", [])
        return self._rows(where, values, limit, "position desc", skip)

    def with_status(self, *statuses: str, owner: str | None = None) -> list[Row]:
        """In the order in which they wait, or waited."""
        where, values = f"status in ({','.join('?' * len(statuses))})", [*statuses]
        if owner is not None:
            where, values = f"{where} and owner=?", [*values, owner]
        return self._rows(where, values, -1)

    def _rows(
        self, where: str, values: list[Any], limit: int, order: str = "place, position", skip: int = 0
    ) -> list[Row]:
        if not self.path.exists():
            return []
        query = f"select {','.join(_COLUMNS)} from runs where {where} order by {order} limit ? offset ?"
        with self._connection("rw") as db:  # rw: a reader must roll back what a killed writer left half done
            self._check_version(db)
            if not _version(db):
                raise Damaged(f"The list of runs in {self.path} is empty")  # or being made this very moment
            return [_from_sql(row) for row in db.execute(query, [*values, limit, skip])]


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("pragma user_version").fetchone()[0])


def _to_sql(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def _from_sql(row: sqlite3.Row) -> Row:
    return Row(**{**dict(row), "summary": json.loads(row["summary"])})
