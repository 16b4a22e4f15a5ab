"""A bucket keeps what a Space forgets: copies one way, and back on a new machine."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.files import read_json, write_json
from finetune.runs import client
from finetune.runs.keep import Keep
from tests.parts.control_room import ControlRoom, kill, quick

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    return tmp_path / "bucket"


@pytest.fixture
def room(tmp_path: Path, bucket: Path) -> Iterator[ControlRoom]:
    made = ControlRoom(quick(tmp_path / "data", keep_dir=bucket))
    yield made
    made.close()


def another_machine(room: ControlRoom) -> ControlRoom:
    """The old one is gone with everything on it."""
    room.close()
    shutil.rmtree(room.settings.data_dir)
    return ControlRoom(replace(room.settings))


def until_kept(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} was not copied"
        time.sleep(0.05)


def until_listed(room: ControlRoom, number: int) -> None:
    deadline = time.monotonic() + 20
    while len(client.runs(room.settings)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_ended_run_is_there_again_on_a_new_machine(room: ControlRoom, bucket: Path) -> None:
    run = room.submit("run", steps=12, delay=0.0)
    before = room.until_ended(run)
    metrics = room.folder(run).metrics()
    until_kept(bucket / "runs" / run / "said" / "exit.json")
    time.sleep(20 * room.settings.tick)
    new = another_machine(room)
    until_listed(new, 1)
    assert new.view(run) == before
    assert new.folder(run).metrics() == metrics
    new.close()


def test_a_run_that_the_machine_took_along_is_lost_and_goes_on_from_its_checkpoint(
    room: ControlRoom, bucket: Path
) -> None:
    run = room.submit("run", steps=60, delay=0.05, save_steps=5)
    room.until_step(run, 12)
    until_kept(bucket / "runs" / run / "step-10" / "kept.json")
    trainer = room.process(run)
    room.kill_control()
    kill(trainer)
    new = another_machine(room)
    until_listed(new, 1)
    assert new.until_ended(run).status == "lost"
    client.resume(new.settings, run, "local")
    assert new.until_ended(run).status == "succeeded"
    assert new.steps(run) == list(range(1, 61))
    new.close()


def test_a_waiting_run_starts_on_the_new_machine(room: ControlRoom, bucket: Path) -> None:
    first, waiting = room.submit("first", steps=500, delay=0.05), room.submit("waiting", steps=2)
    until_kept(bucket / "runs" / waiting / "job" / "kept.json")
    until_kept(bucket / "runs" / first / "said" / "claim.json")
    new = another_machine(room)
    until_listed(new, 2)
    assert new.until_ended(waiting).status == "succeeded"
    assert new.until_ended(first).status == "lost"
    new.close()


def test_what_is_deleted_here_goes_there_and_does_not_come_back(room: ControlRoom, bucket: Path) -> None:
    gone, stays = room.submit("gone", steps=1), room.submit("stays", steps=1)
    for run in (gone, stays):
        room.until_ended(run)
        until_kept(bucket / "runs" / run / "said" / "exit.json")
    time.sleep(25 * room.settings.tick)
    client.delete(room.settings, gone, "local")
    deadline = time.monotonic() + 20
    while (bucket / "runs" / gone).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    new = another_machine(room)
    until_listed(new, 1)
    assert [view.run for view in client.runs(new.settings)] == [stays]
    new.close()


# -- without a process -------------------------------------------------------------------------------------------------


def adapter(settings_dir: Path, name: str, weights: bytes) -> Path:
    folder = settings_dir / "adapters" / name
    write_json(folder / "card.json", {"name": name, "weights": weights.hex()})
    (folder / "adapter_model.safetensors").write_bytes(weights)
    return folder


def test_a_copy_that_was_cut_is_not_brought_back(tmp_path: Path, bucket: Path) -> None:
    here = quick(tmp_path / "here", keep_dir=bucket)
    for name in ("whole", "cut", "changed"):
        adapter(here.data_dir, name, name.encode())
    here.runs_dir.mkdir()
    Keep(here, bucket).copy_all()
    (bucket / "adapters" / "cut" / "kept.json").unlink()
    (bucket / "adapters" / "changed" / "adapter_model.safetensors").write_bytes(b"other")
    there = quick(tmp_path / "there", keep_dir=bucket)
    Keep(there, bucket).restore()
    assert [path.name for path in there.adapters_dir.iterdir()] == ["whole"]


def test_another_adapter_under_the_same_name_replaces_the_copy(tmp_path: Path, bucket: Path) -> None:
    here = quick(tmp_path / "here", keep_dir=bucket)
    keep = Keep(here, bucket)
    folder = adapter(here.data_dir, "a", b"first")
    keep.copy_all()
    shutil.rmtree(folder)
    adapter(here.data_dir, "a", b"second")
    keep.copy_all()
    assert (bucket / "adapters" / "a" / "adapter_model.safetensors").read_bytes() == b"second"
    shutil.rmtree(here.adapters_dir / "a")
    keep.copy_all()
    assert not (bucket / "adapters" / "a").exists()


def test_a_lost_local_disk_deletes_nothing_in_the_bucket(tmp_path: Path, bucket: Path) -> None:
    here = quick(tmp_path / "here", keep_dir=bucket)
    adapter(here.data_dir, "a", b"first")
    Keep(here, bucket).copy_all()
    shutil.rmtree(here.data_dir)
    here.data_dir.mkdir()
    Keep(here, bucket).copy_all()
    assert (bucket / "adapters" / "a" / "kept.json").exists()


def test_one_of_the_two_copies_of_a_growing_file_is_always_whole(room: ControlRoom, bucket: Path) -> None:
    run = room.submit("run", steps=40, delay=0.1)
    said = bucket / "runs" / run / "said"
    until_kept(said / "0-metrics.jsonl")
    until_kept(said / "1-metrics.jsonl")
    room.kill_control()
    newest = max(said.glob("*-metrics.jsonl"), key=lambda path: path.stat().st_size)
    other = next(path for path in said.glob("*-metrics.jsonl") if path != newest)
    lines = other.read_bytes().count(b"\n")
    newest.write_bytes(b"")  # cut in the middle of a copy
    new = another_machine(room)
    until_listed(new, 1)
    assert new.until_ended(run).status == "lost"
    assert new.folder(run).metrics_path.read_bytes().count(b"\n") == lines > 0
    assert read_json(said / "claim.json")
    new.close()
