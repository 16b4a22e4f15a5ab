"""Runs that wait: their order, running on after a failure, starting again with changes, deleting."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.errors import BadInput, NotFound, Refused
from finetune.runs import client
from finetune.runs.intake import moved
from tests.parts.control_room import ControlRoom, job_for, quick

pytestmark = pytest.mark.slow


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ControlRoom]:
    made = ControlRoom(quick(tmp_path / "data"))
    yield made
    made.close()


def ended_in_order(room: ControlRoom) -> list[str]:
    """Names of the runs, in the order in which they began."""
    views = client.runs(room.settings)
    for view in views:
        room.until_ended(view.run)
    claims = {view.name: room.folder(view.run).path / "claim.json" for view in views}
    return sorted(claims, key=lambda name: claims[name].stat().st_mtime_ns)


def test_a_waiting_run_can_be_moved_and_runs_in_its_new_place(room: ControlRoom) -> None:
    made = {name: room.submit(name, steps=2, delay=0.2 if name == "a" else 0.0) for name in "abcd"}
    client.move(room.settings, made["d"], "local", "front")
    client.move(room.settings, made["b"], "local", "down")
    assert ended_in_order(room) == ["a", "d", "c", "b"]


@pytest.mark.parametrize(
    ("run", "to", "order"),
    [("c", "front", "cab"), ("a", "front", "abc"), ("c", "up", "acb"), ("a", "up", "abc"), ("a", "down", "bac"),
     ("c", "down", "abc")],
)  # fmt: skip
def test_the_queue_after_a_move(run: str, to: str, order: str) -> None:
    assert "".join(moved(["a", "b", "c"], run, to)) == order


def test_a_move_leaves_the_runs_of_others_where_they_are(room: ControlRoom) -> None:
    room.submit("first", owner="ann", steps=2, delay=0.3)
    room.submit("anns", owner="ann", steps=1)
    room.submit("bobs", owner="bob", steps=1)
    late = room.submit("late", owner="ann", steps=1)
    client.move(room.settings, late, "ann", "front")
    assert ended_in_order(room) == ["first", "late", "bobs", "anns"]


def test_only_a_waiting_run_of_ones_own_can_be_moved(room: ControlRoom) -> None:
    first, second = room.submit("first", steps=500, delay=0.05), room.submit("second", steps=1)
    room.until_step(first, 1)
    with pytest.raises(Refused, match="Only a run that waits can be moved; this one is running"):
        client.move(room.settings, first, "local", "front")
    with pytest.raises(Refused, match="Only the person who started this run"):
        client.move(room.settings, second, "somebody", "front")
    with pytest.raises(BadInput, match="front, up, down, not 'sideways'"):
        client.move(room.settings, second, "local", "sideways")
    client.cancel(room.settings, first, "local")


def test_the_next_run_starts_after_one_that_failed(room: ControlRoom) -> None:
    bad, good = room.submit("bad", steps=3, fail_at=1), room.submit("good", steps=1)
    assert room.until_ended(bad).status == "failed"
    assert room.until_ended(good).status == "succeeded"


def test_a_run_is_started_again_with_one_setting_changed(room: ControlRoom) -> None:
    job = job_for("run", steps=1) | {"recipe": {"learning_rate": 1e-3, "r": 4}}
    first = client.submit(room.settings, job, {"train.jsonl": room.rows})
    room.until_ended(first)
    second = client.duplicate(room.settings, first, "local", {"learning_rate": "5e-4"})
    room.until_ended(second)
    recipe = room.folder(second).job["recipe"]
    assert (recipe["learning_rate"], recipe["r"]) == (5e-4, 4)
    assert (room.folder(second).data_dir / "train.jsonl").read_bytes() == room.rows.read_bytes()
    assert second != first and room.view(second).attempt == 1
    with pytest.raises(BadInput, match="learning_rate: got 9.0"):
        client.duplicate(room.settings, first, "local", {"learning_rate": 9})
    with pytest.raises(Refused, match="Only the person who started this run"):
        client.duplicate(room.settings, first, "somebody", {})


def test_an_ended_run_is_deleted_by_its_owner_and_its_files_are_gone(room: ControlRoom) -> None:
    run = room.submit("run", steps=500, delay=0.05)
    room.until_step(run, 1)
    with pytest.raises(Refused, match="cancel it first"):
        client.delete(room.settings, run, "local")
    client.cancel(room.settings, run, "local")
    room.until_ended(run)
    with pytest.raises(Refused, match="Only the person who started this run can delete it"):
        client.delete(room.settings, run, "somebody")
    client.delete(room.settings, run, "local")
    assert client.runs(room.settings) == []
    assert not room.folder(run).path.exists() and not room.settings.trash_dir.exists()
    with pytest.raises(NotFound):
        client.delete(room.settings, run, "local")
    assert room.until_ended(room.submit("run", steps=1)).status == "succeeded", "its submit key is free again"


def test_lists_come_in_pages(room: ControlRoom) -> None:
    made = [room.submit(f"run-{n}", steps=1, delay=0.0) for n in range(5)]
    pages = [client.runs(room.settings, limit=2, skip=skip) for skip in (0, 2, 4)]
    assert [[view.run for view in page] for page in pages] == [made[:2:-1], made[2:0:-1], made[:1]]
