"""The list of runs: compare and set, the slot, the versions."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from backends.errors import Refused, Unavailable
from finetune.runs.store import ACTIVE, FINAL, MIGRATIONS, Damaged, Row, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "runs.db")
    made.prepare()
    return made


def row(run: str, **values: object) -> Row:
    plain = Row(
        run=run,
        owner="ann",
        submit_key=f"key-{run}",
        digest="d",
        kind="train",
        task="t",
        base="b",
        name=run,
        created="now",
    )
    return replace(plain, **values)


def test_a_row_comes_back_as_it_went_in(store: Store) -> None:
    given = row("a", pid=12, started=34, boot="x", summary={"step": 3, "eval_loss": 0.5})
    store.insert(given)
    assert store.get("a") == given
    assert store.by_key("key-a") == given
    assert store.get("b") is None


def test_there_is_nothing_to_read_before_control_was_ever_there(tmp_path: Path) -> None:
    assert Store(tmp_path / "none.db").newest() == []
    assert not (tmp_path / "none.db").exists()


def test_a_status_changes_only_from_the_one_that_was_seen(store: Store) -> None:
    store.insert(row("a"))
    assert not store.change("a", ["running"], status="succeeded")
    assert store.change("a", ["queued"], status="starting", reason="go")
    found = store.get("a")
    assert found and (found.status, found.reason) == ("starting", "go")


@pytest.mark.parametrize("final", FINAL)
def test_a_final_status_is_refused_by_the_database_itself(store: Store, final: str) -> None:
    store.insert(row("a", status=final))
    with pytest.raises(sqlite3.IntegrityError, match="a final status never changes"):
        store.change("a", [final], status="running")
    assert store.change("a", [final], status="queued", attempt=2)


def test_a_submit_key_is_used_once(store: Store) -> None:
    store.insert(row("a"))
    with pytest.raises(sqlite3.IntegrityError, match="submit_key"):
        store.insert(row("b", submit_key="key-a"))


@pytest.mark.parametrize("status", ACTIVE)
def test_a_slot_has_one_active_run(store: Store, status: str) -> None:
    store.insert(row("a", status="running"))
    store.insert(row("b"))
    with pytest.raises(sqlite3.IntegrityError, match="slot"):
        store.change("b", ["queued"], status=status)
    store.insert(row("c", slot="gpu-1", status=status))


def test_lists_are_by_owner_newest_first_and_bounded(store: Store) -> None:
    for n in range(4):
        store.insert(row(f"a{n}"))
    store.insert(row("b0", owner="bob"))
    assert [found.run for found in store.newest("ann", limit=2)] == ["a3", "a2"]
    assert [found.run for found in store.newest()] == ["b0", "a3", "a2", "a1", "a0"]
    assert [found.run for found in store.with_status("queued", owner="ann")] == ["a0", "a1", "a2", "a3"]


def test_the_journal_is_a_rollback_journal(store: Store) -> None:
    db = sqlite3.connect(store.path)
    assert db.execute("pragma journal_mode").fetchone()[0] == "delete"
    db.close()


def test_a_newer_version_is_refused_for_reading_and_writing(store: Store) -> None:
    db = sqlite3.connect(store.path)
    db.execute(f"pragma user_version={len(MIGRATIONS) + 1}")
    db.close()
    for attempt in (store.newest, store.prepare, lambda: store.insert(row("a"))):
        with pytest.raises(Refused, match="newer version"):
            attempt()


def test_what_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(b"no database at all" * 100)
    for attempt in (Store(path).newest, Store(path).prepare):
        with pytest.raises(Damaged, match="is damaged"):
            attempt()


def test_a_store_that_another_program_holds_is_unavailable_in_words(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finetune.runs.store.BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("begin exclusive")
    with pytest.raises(Unavailable, match="cannot be used now: database is locked"):
        store.insert(row("a"))
    holder.close()
