"""The process that keeps a sliced run: it ends by what its slices say, on request, and when nobody gives GPU time."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.errors import BadInput, Refused
from backends.files import read_json, write_json
from backends.settings import Settings
from finetune import examples, task_named
from finetune.recipes.recipe import Recipe
from finetune.runs import client, submit
from finetune.runs.intake import slot_of
from finetune.runs.run_folder import RunFolder
from finetune.training import sliced
from tests.parts.control_room import ControlRoom, job_for, quick
from ui.room import Room
from ui.runs import gpu_time

pytestmark = pytest.mark.slow

TASK = task_named("complexity")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ControlRoom]:
    made = ControlRoom(quick(tmp_path / "data", zero_gpu=True))
    yield made
    made.close()


def waiting(room: ControlRoom, key: str = "sliced", owner: str = "local") -> str:
    job = job_for(key, owner) | {"engine": sliced.ENGINE}
    run = client.submit(room.settings, job, {"train.jsonl": room.rows})
    room.until(run, lambda view: view.status == "running")
    return run


def say(room: ControlRoom, run: str, **told: Any) -> None:
    write_json(room.folder(run).path / "slice.json", told)


def test_the_last_slice_ends_the_run(room: ControlRoom) -> None:
    run = waiting(room)
    say(room, run, step=3, steps=9)
    time.sleep(3 * sliced.LOOK)
    assert room.view(run).status == "running"
    say(room, run, step=9, steps=9, done="All 9 steps")
    ended = room.until_ended(run)
    assert "finished without" in ended.reason, "and control believes no success without an adapter"


def test_a_slice_that_broke_fails_the_run_with_its_reason(room: ControlRoom) -> None:
    run = waiting(room)
    say(room, run, step=3, steps=9, failed="The training rows are not those that were submitted")
    ended = room.until_ended(run)
    assert (ended.status, ended.reason) == ("failed", "The training rows are not those that were submitted")


def test_a_request_stops_it_and_says_how_far_it_was(room: ControlRoom) -> None:
    run = waiting(room)
    say(room, run, step=3, steps=9)
    client.cancel(room.settings, run, "local")
    assert "Stopped at step 3 of 9" in room.until_ended(run).reason


def test_without_gpu_time_it_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliced, "PATIENCE", 0.5)
    folder = RunFolder(tmp_path / "run")
    folder.write_job(job_for("sliced") | {"engine": sliced.ENGINE})
    sliced.keep(folder, quick(tmp_path))
    assert folder.exit and folder.exit["status"] == "cancelled"
    assert "nobody gave GPU time" in folder.exit["reason"]


def test_what_an_earlier_attempt_said_does_not_end_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliced, "PATIENCE", 0.5)
    folder = RunFolder(tmp_path / "run")
    folder.write_job(job_for("sliced") | {"engine": sliced.ENGINE})
    write_json(folder.path / "slice.json", {"failed": "long ago"})
    sliced.keep(folder, quick(tmp_path))
    assert read_json(folder.path / "exit.json")["status"] == "cancelled"


def test_it_does_not_hold_up_runs_on_this_machine(room: ControlRoom) -> None:
    waiting(room)
    other = room.submit("on-the-cpu", steps=2)
    assert room.until_ended(other).status == "succeeded"
    assert slot_of({"engine": "local", "owner": "ada"}) == "local"
    assert slot_of({"engine": sliced.ENGINE, "owner": "ada"}) != slot_of({"engine": sliced.ENGINE, "owner": "bob"})


def test_only_one_slice_at_a_time(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with sliced._alone(folder), pytest.raises(Refused, match="learning already"), sliced._alone(folder):
        pass
    with sliced._alone(folder):
        pass


def test_a_slice_at_work_keeps_the_run_and_watching_it_turns_no_slice_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sliced, "PATIENCE", 0.6)
    monkeypatch.setattr(sliced, "LOOK", 0.01)
    folder = RunFolder(tmp_path / "run")
    folder.write_job(job_for("sliced") | {"engine": sliced.ENGINE})

    def hundred_slices() -> int:
        for _ in range(100):
            with sliced._alone(folder):  # is never refused
                os.utime(folder.path / sliced.LOCK)
                time.sleep(0.01)
        return 100

    with ThreadPoolExecutor() as pool:
        slices = pool.submit(hundred_slices)
        sliced.keep(folder, quick(tmp_path))
        assert slices.done() and slices.result() == 100, "it did not wait for the last one"


@pytest.mark.parametrize("seconds", [None, 0, 19, 301, "60", 60.0, True])
def test_a_slice_has_bounds(seconds: Any) -> None:
    with pytest.raises(BadInput, match="20 to 300"):
        sliced.seconds_of({"seconds": seconds})


def test_it_is_refused_where_there_is_no_zero_gpu_and_for_large_bases(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="has no ZeroGPU"):
        submit.training(settings, TASK, examples.path_of("complexity", "train"), Recipe(), engine=sliced.ENGINE)
    there = replace(settings, zero_gpu=True)
    assert sliced.refusal("gemma-3-270m", there) is None and sliced.refusal("qwen3-0.6b", there) is None
    assert "up to 1B weights" in str(sliced.refusal("llama-3.1-8b-instruct", there))


def test_only_its_owner_gives_gpu_time_and_only_where_there_is_some(room: ControlRoom) -> None:
    run = waiting(room, owner="ada")
    with pytest.raises(Refused, match="Only the person"):
        next(gpu_time.slices(Room(room.settings), run, "bob"))
    with pytest.raises(Refused, match="has no ZeroGPU"):
        next(gpu_time.slices(Room(replace(room.settings, zero_gpu=False)), run, "ada"))
