"""Group A of the fault matrix: processes die, hang or change places."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from backends import process
from backends.files import read_json, write_json
from backends.settings import ROOT
from finetune.runs import client
from finetune.runs.inbox import Inbox, new_request
from tests.parts.control_room import ControlRoom, job_for, kill

pytestmark = pytest.mark.faults


def test_A1_a_trainer_that_is_killed_has_failed_and_the_next_run_starts(room: ControlRoom) -> None:
    first, second = room.submit("first", steps=500, delay=0.05), room.submit("second", steps=3)
    room.until_step(first, 3)
    kill(room.process(first))
    view = room.until_ended(first, seconds=5)
    assert view.status == "failed"
    assert view.reason == "stopped by signal 9 - often out of memory"
    assert room.steps(first)[:3] == [1, 2, 3]
    assert not room.folder(first).adapter_dir.exists()
    assert room.until_ended(second).status == "succeeded"


def test_A2_a_new_control_process_adopts_the_run_of_a_killed_one(room: ControlRoom) -> None:
    run = room.submit("run", steps=60, delay=0.03)
    room.until_step(run, 3)
    trainer = room.process(run)
    room.kill_control()
    client.start_control(room.settings)
    room.until_step(run, 6)
    assert room.process(run) == trainer
    assert room.trainers(run) == [trainer.pid]
    assert room.until_ended(run).status == "succeeded"
    assert room.steps(run) == list(range(1, 61))


def test_A3_a_run_that_died_with_its_control_is_lost_and_resumes_from_its_checkpoint(room: ControlRoom) -> None:
    run = room.submit("run", steps=30, delay=0.05, save_steps=5)
    room.until_step(run, 7)
    trainer = room.process(run)
    room.kill_control()
    kill(trainer)
    view = room.until_ended(run)
    assert view.status == "lost"
    assert "resumed from step 5" in view.note
    client.resume(room.settings, run, "local")
    view = room.until_ended(run)
    assert (view.status, view.attempt) == ("succeeded", 2)
    assert room.steps(run) == list(range(1, 31))
    assert (room.folder(run).path / "attempts" / "1" / "claim.json").is_file()


needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="kills at an exact system call, by strace")


def _control_killed_at(room: ControlRoom, fault: str) -> None:
    """Run a control process that dies at the very system call that `fault` names."""
    argv = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={fault}", sys.executable, "-m", "finetune.control"]
    ended = subprocess.run(argv, env=os.environ | room.settings.to_env(), cwd=ROOT, timeout=30, capture_output=True)
    assert ended.returncode != 0, "control was not killed"


def _queued_behind(room: ControlRoom, run_options: dict[str, float]) -> str:
    """A queued run and no control process: the first run ends it all."""
    blocker = room.submit("blocker", steps=500, delay=0.05)
    run = room.submit("run", **run_options)
    room.until_step(blocker, 1)
    trainer = room.process(blocker)
    room.kill_control()
    kill(trainer)
    return run


@needs_strace
def test_A4_a_crash_between_commit_and_spawn_starts_the_run_exactly_once(room: ControlRoom) -> None:
    run = _queued_behind(room, {"steps": 20, "delay": 0.05})
    _control_killed_at(room, "fork,vfork,clone,clone3:signal=KILL:when=1")
    assert room.row(run).status == "starting"
    assert room.trainers(run) == []
    room.until_step(run, 2)
    assert len(room.trainers(run)) == 1
    assert room.until_ended(run).status == "succeeded"
    assert room.view(run).attempt == 1


def _writes_before_spawn(room: ControlRoom, trace: Path) -> int:
    """How many pwrite64 a control process makes up to its first spawn; the next one saves the process."""
    argv = ["strace", "-qq", "-o", str(trace), "-e", "trace=fork,vfork,clone,clone3,pwrite64"]
    argv += ["-e", "inject=fork,vfork,clone,clone3:signal=KILL:when=1", sys.executable, "-m", "finetune.control"]
    subprocess.run(argv, env=os.environ | room.settings.to_env(), cwd=ROOT, timeout=30, capture_output=True)
    return Counter(line.split("(")[0] for line in trace.read_text().splitlines())["pwrite64"]


@needs_strace
def test_A5_a_crash_after_the_spawn_is_adopted_and_a_second_start_touches_nothing(
    room: ControlRoom, tmp_path: Path
) -> None:
    twin = ControlRoom(room.settings.__class__(**{**vars(room.settings), "data_dir": tmp_path / "twin"}))
    options = {"steps": 40, "delay": 0.05}
    _queued_behind(twin, options)
    writes = _writes_before_spawn(twin, tmp_path / "trace")
    run = _queued_behind(room, options)
    _control_killed_at(room, f"pwrite64:signal=KILL:when={writes + 1}")
    assert room.row(run).process is None
    assert len(room.trainers(run)) == 1
    trainer = room.trainers(run)
    room.until_step(run, 2)
    second = subprocess.run([sys.executable, "-m", "finetune.train", str(room.folder(run).path)], cwd=ROOT, timeout=30)
    assert second.returncode == 75
    assert room.trainers(run) == trainer
    assert room.until_ended(run).status == "succeeded"
    assert room.steps(run) == list(range(1, 41))


#: calls that change something on disk
CHANGES = "write,pwrite64,fsync,fdatasync,rename,link,unlink,mkdir,rmdir"


@needs_strace
def test_A6_a_client_killed_anywhere_in_submit_leaves_one_run_or_none(room: ControlRoom) -> None:
    room.submit("warm", steps=1)
    code = "import sys, pathlib; from tests.parts.control_room import *; "
    code += "ControlRoom(quick(pathlib.Path(sys.argv[1]))).submit(sys.argv[2], steps=1)"
    for n in range(1, 40):
        key = f"key-{n}"
        argv = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={CHANGES}:signal=KILL:when={n}"]
        argv += [sys.executable, "-c", code, str(room.settings.data_dir), key]
        ended = subprocess.run(argv, cwd=ROOT, timeout=30, capture_output=True)
        first = room.store.by_key(key)
        run = room.submit(key, steps=1)
        assert first is None or first.run == run
        if ended.returncode == 0:
            break
    assert 5 < n < 39, "the loop did not walk through the whole of submit"
    assert len(client.runs(room.settings)) == n + 1


@needs_strace
def test_A6_control_killed_anywhere_accepts_and_runs_each_request_once(room: ControlRoom) -> None:
    inbox, keys = Inbox(room.settings.inbox_dir), [f"key-{n}" for n in range(2, 100, 4)]
    for n, key in enumerate(keys):
        job = job_for(key, steps=1, delay=0.0)
        request = new_request("submit", key=key, digest=key, staged=inbox.stage(key, {}).name, job=job)
        inbox.put(key, request)
        _control_killed_at(room, f"{CHANGES}:signal=KILL:when={2 + 4 * n}")
    client.start_control(room.settings)
    for key in keys:
        while (row := room.store.by_key(key)) is None:
            time.sleep(0.02)
        assert room.until_ended(row.run).status == "succeeded"
    views = client.runs(room.settings)
    assert sorted(room.row(view.run).submit_key for view in views) == sorted(keys)
    assert {view.attempt for view in views} == {1}
    assert {path.name for path in room.settings.runs_dir.iterdir()} == {view.run for view in views}


def test_A7_a_foreign_process_with_the_same_pid_is_neither_adopted_nor_signalled(room: ControlRoom) -> None:
    run = room.submit("run", steps=500, delay=0.05)
    room.until_step(run, 1)
    trainer = room.process(run)
    room.kill_control()
    kill(trainer)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as foreign:
        try:
            room.store.change(run, ["running"], pid=foreign.pid)
            assert room.until_ended(run).status == "lost"
            assert foreign.poll() is None
        finally:
            foreign.kill()


def test_A8_a_silent_trainer_is_said_to_be_silent_not_ended_and_can_be_cancelled(room: ControlRoom) -> None:
    run = room.submit("run", steps=500, delay=0.05)
    room.until_step(run, 2)
    trainer = room.process(run)
    os.kill(trainer.pid, signal.SIGSTOP)
    view = room.until(run, lambda view: "No sign of life" in view.note)
    assert view.status == "running"
    assert process.alive(trainer)
    client.cancel(room.settings, run, "local")
    assert room.until_ended(run, seconds=10).status == "cancelled"
    assert not process.alive(trainer)


def test_A9_what_a_run_started_ends_with_it(room: ControlRoom) -> None:
    run = room.submit("run", steps=500, delay=0.05, fork_child=True)
    room.until_step(run, 2)
    assert len(room.trainers(run)) == 2
    client.cancel(room.settings, run, "local")
    room.until_ended(run, seconds=10)
    assert room.trainers(run) == []


def test_A11_success_without_an_adapter_is_a_failure(room: ControlRoom) -> None:
    run = room.submit("run", steps=3, skip_publish=True)
    view = room.until_ended(run)
    assert (view.status, view.reason) == ("failed", "finished without an adapter")
    assert room.folder(run).exit["status"] == "failed"


def test_A12_after_a_reboot_local_runs_are_lost_whoever_has_their_pid_now(room: ControlRoom) -> None:
    run = room.submit("run", steps=500, delay=0.05)
    room.until_step(run, 1)
    trainer, claim = room.process(run), room.folder(run).path / "claim.json"
    room.kill_control()
    room.store.change(run, ["running"], boot="an-earlier-boot")
    write_json(claim, read_json(claim) | {"boot": "an-earlier-boot"})
    kill(trainer)
    assert room.until_ended(run).status == "lost"
