"""Group D of the fault matrix: cancelling and time."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from backends import process
from backends.base import Request, Segment
from backends.catalog import EMBEDDED
from backends.engine_client import Engine
from backends.errors import Refused, Unavailable
from backends.settings import ROOT
from finetune.runs import client
from tests.parts.control_room import ControlRoom, job_for, quick

pytestmark = pytest.mark.faults


def test_D1_a_run_that_is_cancelled_while_it_waits_never_starts(room: ControlRoom) -> None:
    first, second = room.submit("first", steps=20, delay=0.05), room.submit("second", steps=2)
    assert client.cancel(room.settings, second, "local").status == "cancelled"
    assert room.until_ended(first).status == "succeeded"
    time.sleep(5 * room.settings.tick)
    assert room.view(second).status == "cancelled"
    assert room.folder(second).claimed is None
    assert not room.folder(second).log_path.exists()


def test_D2_a_trainer_that_ignores_sigterm_is_killed_after_the_grace(room: ControlRoom) -> None:
    run = room.submit("run", steps=500, delay=0.05, ignore_sigterm=True)
    room.until_step(run, 2)
    trainer = room.process(run)
    client.cancel(room.settings, run, "local")
    view = room.until_ended(run, seconds=10)
    assert view.status == "cancelled"
    assert "was ended" in view.reason
    assert not process.alive(trainer)


def test_D3_cancelling_twice_or_after_the_end_says_so_and_changes_nothing(room: ControlRoom) -> None:
    run = room.submit("run", steps=500, delay=0.05, ignore_sigterm=True)
    room.until_step(run, 1)
    assert client.cancel(room.settings, run, "local").status in ("cancelling", "cancelled")
    with pytest.raises(Refused, match="already"):
        client.cancel(room.settings, run, "local")
    before = room.until_ended(run)
    with pytest.raises(Refused, match=r"already ended \(cancelled\); nothing was changed"):
        client.cancel(room.settings, run, "local")
    assert room.view(run) == before


def test_D4_a_cancel_that_nobody_can_carry_out_yet_waits_and_is_carried_out(
    room: ControlRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the one out of reach is control itself; a remote engine is not built yet (group E)."""
    run = room.submit("run", steps=500, delay=0.05)
    room.until_step(run, 2)
    monkeypatch.setattr(client, "ANSWER_SECONDS", 1.0)
    master = room.control()
    os.kill(master.pid, signal.SIGSTOP)
    with pytest.raises(Unavailable, match="did not answer in time; the request waits"):
        client.cancel(room.settings, run, "local")
    assert room.view(run).status == "running", "nothing is said to have ended that has not"
    monkeypatch.undo()
    os.kill(master.pid, signal.SIGCONT)
    assert room.until_ended(run, seconds=10).status == "cancelled"


def test_D5_the_time_limit_stops_a_run_and_is_named(room: ControlRoom) -> None:
    room.settings = replace(room.settings, grace=0.1)
    run = room.submit("run", steps=500, delay=0.02, minutes=0.01)
    view = room.until_ended(run)
    assert view.status == "cancelled"
    assert view.reason.startswith("the time limit of 0.01 minutes was reached")
    assert view.step and view.step < 500


SHIFTED_CLOCK = """
import os, time
from pathlib import Path
_real, _shift = time.time, Path(os.environ["CLOCK_SHIFT"])
time.time = lambda: _real() + float(_shift.read_text() or 0)
time.gmtime = lambda *given, _gmtime=time.gmtime: _gmtime(*(given or (time.time(),)))
"""


@pytest.mark.parametrize("jump", [86_400, -86_400, 3_600])
def test_D6_a_jump_of_the_clock_ends_nothing_and_times_stay_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    """A day forward, a day back, an hour of daylight saving: the wall clock of control and trainer moves."""
    shift = tmp_path / "shift"
    shift.write_text("0")
    (tmp_path / "sitecustomize.py").write_text(SHIFTED_CLOCK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CLOCK_SHIFT", str(shift))
    room = ControlRoom(quick(tmp_path / "data"))
    try:
        run = room.submit("run", steps=40, delay=0.03, minutes=1)
        room.until_step(run, 5)
        shift.write_text(str(jump))
        later = room.submit("later", steps=1)
        view = room.until_ended(run)
        assert (view.status, view.step, view.note) == ("succeeded", 40, "")
        seconds = [point["seconds"] for point in room.folder(run).metrics()]
        assert seconds == sorted(seconds) and 0 < seconds[-1] < 60
        assert room.until_ended(later).status == "succeeded"
        assert [one.run for one in client.runs(room.settings)] == [later, run], "newest first, whatever the clock said"
    finally:
        room.close()


def test_D7_a_closed_tab_stops_its_answer_at_the_next_word_and_frees_the_place(room: ControlRoom) -> None:
    words = "one two three four five six seven eight nine ten " * 100
    request = Request(EMBEDDED, (Segment(words),), max_new_tokens=1000)
    with Engine.start(room.settings, ("echo",), parallel=1) as engine:
        answer = engine.generate(request, "echo")
        next(answer)
        answer.close()  # type: ignore[attr-defined]
        deadline = time.monotonic() + 5
        while engine.state()["answers"]["active"]:
            assert time.monotonic() < deadline, "the answer goes on with nobody there to read it"
            time.sleep(0.01)
        short = Request(EMBEDDED, (Segment("still there"),))
        assert "".join(chunk.text for chunk in engine.generate(short, "echo")) == "still there"
        assert engine.state()["answers"]["cancelled"] == 1


def test_D8_a_page_that_dies_while_it_shows_a_run_does_not_matter_to_the_run(room: ControlRoom) -> None:
    show = "import json, sys; from pathlib import Path\n"
    show += "from backends.settings import settings; from finetune.runs import client\n"
    show += "run = client.submit(settings(), json.loads(sys.argv[1]), {'train.jsonl': Path(sys.argv[2])})\n"
    show += "print(run, flush=True); client.wait(settings(), run)"
    argv = [sys.executable, "-c", show, json.dumps(job_for("run", steps=40, delay=0.05)), str(room.rows)]
    env = os.environ | room.settings.to_env()
    with subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as page:
        assert page.stdout
        run = page.stdout.readline().strip()
        room.until_step(run, 3)
        trainer = room.process(run)
        page.kill()
    assert room.until_ended(run).status == "succeeded"
    assert room.steps(run) == list(range(1, 41))
    assert room.folder(run).claimed == trainer


def test_D9_ctrl_c_while_following_leaves_the_run_alone(room: ControlRoom) -> None:
    run = room.submit("run", steps=40, delay=0.05)
    env = os.environ | room.settings.to_env()
    follow = "import sys; from backends.settings import settings; from finetune.runs import client\n"
    follow += "print('on', flush=True)"
    argv = [sys.executable, "-c", f"{follow}; client.wait(settings(), sys.argv[1])", run]
    with subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as follower:
        assert follower.stdout and follower.stdout.readline() == b"on\n"
        follower.send_signal(signal.SIGINT)
        assert follower.wait(timeout=10) != 0
    assert room.until_ended(run).status == "succeeded"
