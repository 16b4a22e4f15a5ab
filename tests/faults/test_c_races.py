"""Group C of the fault matrix: the same thing twice, two things at once."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from backends.errors import Refused
from backends.settings import ROOT
from finetune.runs import client
from finetune.runs.inbox import Inbox, digest, new_request
from finetune.runs.store import ACTIVE
from tests.parts.control_room import ControlRoom, job_for, kill, quick

pytestmark = pytest.mark.faults


def at_once(number: int, act: Callable[[], Any]) -> list[Any]:
    """Do the same in `number` threads that begin together."""
    barrier = threading.Barrier(number)

    def one(_: int) -> Any:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def test_C1_a_double_click_is_one_run(room: ControlRoom) -> None:
    got = at_once(8, lambda: room.submit("key", steps=3))
    assert len(set(got)) == 1
    assert [view.run for view in client.runs(room.settings)] == [got[0]]
    room.until_ended(got[0])
    assert room.submit("key", steps=3) == got[0]
    assert [path.name for path in room.settings.runs_dir.iterdir()] == [got[0]]
    assert list(room.settings.inbox_dir.iterdir()) == []


def test_C2_the_same_key_for_something_else_is_a_conflict(room: ControlRoom) -> None:
    first = room.submit("key", steps=3)
    with pytest.raises(Refused, match="already used for another run"):
        room.submit("key", steps=4)
    room.rows.write_text('{"code": "let a = 1", "score": 2.0}\n')
    with pytest.raises(Refused, match="already used for another run"):
        room.submit("key", steps=3)
    assert room.until_ended(first).steps == 3
    assert len(client.runs(room.settings)) == 1


def test_C3_a_client_that_missed_the_answer_asks_again_and_gets_the_same_run(room: ControlRoom) -> None:
    job, files = job_for("key", steps=3), {"train.jsonl": room.rows}
    inbox, content = Inbox(room.settings.inbox_dir), digest(job, files)
    staged = inbox.stage("key", files).name
    inbox.put("key", new_request("submit", key="key", digest=content, staged=staged, job=job))
    client.start_control(room.settings)
    while (row := room.store.by_key("key")) is None:  # accepted, and nobody waits for the answer
        time.sleep(0.02)
    assert room.submit("key", steps=3) == row.run
    assert len(client.runs(room.settings)) == 1


def test_C4_several_control_processes_start_each_run_once(room: ControlRoom) -> None:
    made = [room.submit(f"run-{n}", steps=1, delay=0.0) for n in range(6)]
    room.kill_control()
    argv = [sys.executable, "-m", "finetune.control"]
    rivals = [subprocess.Popen(argv, cwd=ROOT, env=os.environ | room.settings.to_env()) for _ in range(4)]
    for run in made:
        room.until_ended(run)
    assert [rival.wait(timeout=20) for rival in rivals] == [0, 0, 0, 0]
    assert {(view.status, view.attempt) for view in client.runs(room.settings)} == {("succeeded", 1)}
    assert all(room.steps(run) == [1] for run in made)


def test_C5_runs_wait_for_the_slot_and_start_in_order(room: ControlRoom) -> None:
    made = [room.submit(f"run-{n}", steps=4, delay=0.03) for n in range(4)]
    while not all(view.ended for view in client.runs(room.settings)):
        assert len(room.store.with_status(*ACTIVE)) <= 1
        time.sleep(0.01)
    assert {view.status for view in client.runs(room.settings)} == {"succeeded"}
    folders = [room.folder(run).path for run in made]
    for earlier, later in pairwise(folders):
        assert (earlier / "exit.json").stat().st_mtime_ns < (later / "claim.json").stat().st_mtime_ns


@pytest.mark.parametrize("lane", range(2))
def test_C9_when_cancel_meets_the_finish_there_is_exactly_one_end(tmp_path: Path, lane: int) -> None:
    """200 rounds in eight rooms at once, each cancelling closer to the moment at which the run ends by itself."""
    rooms = [ControlRoom(quick(tmp_path / f"{n}" / "data", tick=0.02)) for n in range(4)]
    try:
        with ThreadPoolExecutor(len(rooms)) as pool:
            ends = [end for some in pool.map(cancel_near_the_end, rooms) for end in some]
    finally:
        for room in rooms:
            room.close()
    assert len(ends) == 100
    assert {*ends} == {"succeeded", "cancelled"}, "the moments were all on one side"


def cancel_near_the_end(room: ControlRoom) -> list[str]:
    """A run that succeeded makes the next cancel earlier, a cancelled one later: both ends on any machine."""
    wait = 0.2
    for turn in range(25):
        run = room.submit(f"run-{turn}", steps=2, delay=0.01)
        room.until(run, lambda view: view.status != "queued")
        time.sleep(wait)
        try:
            client.cancel(room.settings, run, "local")
        except Refused as error:
            assert "already ended" in str(error)
        wait *= 0.8 if room.until_ended(run).status == "succeeded" else 1.25
    time.sleep(2 * room.settings.tick)
    for view in client.runs(room.settings):
        assert room.folder(view.run).exit["status"] == view.status  # type: ignore[index]
        assert (view.status == "succeeded") == room.folder(view.run).adapter_dir.is_dir()
    return [view.status for view in client.runs(room.settings)]


def test_C10_resume_clicked_in_two_tabs_is_one_attempt(room: ControlRoom) -> None:
    run = room.submit("run", steps=12, delay=0.05, save_steps=2)
    room.until_step(run, 5)
    kill(room.process(run))
    room.until_ended(run)
    at_once(4, lambda: client.resume(room.settings, run, "local"))
    view = room.until_ended(run)
    assert (view.status, view.attempt) == ("succeeded", 2)
    assert [path.name for path in (room.folder(run).path / "attempts").iterdir()] == ["1"]


def test_C11_a_final_status_is_never_overwritten(room: ControlRoom) -> None:
    run = room.submit("run", steps=2)
    assert room.until_ended(run).status == "succeeded"
    assert not room.store.change(run, ACTIVE, status="running")
    with pytest.raises(Exception, match="a final status never changes"):
        room.store.change(run, ["succeeded"], status="running")
    assert room.view(run).status == "succeeded"
