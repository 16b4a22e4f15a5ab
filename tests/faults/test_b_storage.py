"""Group B of the fault matrix, what is stored: submits, the list of runs, metrics, folders, logs."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backends.errors import Refused
from backends.settings import ROOT
from finetune.runs import client, log_cap
from finetune.runs.store import MIGRATIONS, Store
from tests.faults.at_a_call import needs_root, on_a_small_disk
from tests.parts.control_room import ControlRoom

pytestmark = pytest.mark.faults

FULL_DISK = """
import os, sys
from pathlib import Path
from backends.errors import Unavailable
from finetune.runs import client
from tests.parts.control_room import ControlRoom, quick

disk = Path(sys.argv[1])
room = ControlRoom(quick(disk / "data"))
try:
    first = room.submit("first", steps=2)
    assert room.until_ended(first).status == "succeeded"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as out:
        try:
            while out.write(b"x" * 4096):
                pass
        except OSError:
            pass
    try:
        room.submit("second", steps=2)
    except Unavailable as error:
        print("said:", error)
    assert [view.run for view in client.runs(room.settings)] == [first]
    assert len(list(room.settings.runs_dir.iterdir())) == 1
    assert [path.name for path in room.settings.inbox_dir.iterdir()] == []
    filler.unlink()
    print("then:", room.until_ended(room.submit("second", steps=2)).status)
finally:
    room.close()
"""


@pytest.mark.root
@needs_root
def test_B1_on_a_full_disk_nothing_is_submitted_and_it_works_again_with_space(tmp_path: Path) -> None:
    done = on_a_small_disk(tmp_path / "disk", "512k", FULL_DISK)
    assert done.returncode == 0, done.stderr
    assert "said: disk full, nothing was submitted" in done.stdout
    assert "then: succeeded" in done.stdout


def _two_runs_and_no_control(room: ControlRoom) -> list[str]:
    made = [room.submit("first", steps=3), room.submit("second", steps=3)]
    for run in made:
        room.until_ended(run)
    room.kill_control()
    return made


@pytest.mark.parametrize("damage", ["truncated", "random", "empty"])
def test_B7_a_damaged_store_is_put_aside_and_made_again_from_the_folders(room: ControlRoom, damage: str) -> None:
    first, second = _two_runs_and_no_control(room)
    before = client.run(room.settings, first), client.run(room.settings, second)
    path, whole = room.settings.store_path, room.settings.store_path.read_bytes()
    path.write_bytes(
        {"truncated": whole[: len(whole) // 2 + 100], "random": os.urandom(len(whole)), "empty": b""}[damage]
    )
    assert (client.run(room.settings, first), client.run(room.settings, second)) == before
    assert len(list(room.settings.data_dir.glob("runs.db.bad-*"))) == 1
    assert "was damaged and was made again" in client.notices(room.settings)[0]


def test_B7_a_store_damaged_under_a_working_control_is_made_again_and_the_run_goes_on(room: ControlRoom) -> None:
    run = room.submit("run", steps=60, delay=0.03)
    room.until_step(run, 2)
    trainer = room.process(run)
    room.settings.store_path.write_bytes(os.urandom(8192))
    assert room.until_ended(run).status == "succeeded"
    assert room.steps(run) == list(range(1, 61))
    assert room.folder(run).claimed == trainer


def test_B8_a_store_of_a_newer_version_is_left_alone_and_named(room: ControlRoom) -> None:
    first, _ = _two_runs_and_no_control(room)
    with sqlite3.connect(room.settings.store_path) as db:
        db.execute("pragma user_version=999")
    db.close()
    before = room.settings.store_path.read_bytes()
    for attempt in (lambda: client.run(room.settings, first), lambda: room.submit("third", steps=1)):
        with pytest.raises(Refused, match=f"its version 999, ours {len(MIGRATIONS)}"):
            attempt()
    assert room.settings.store_path.read_bytes() == before


def test_B9_two_starts_at_once_migrate_once(tmp_path: Path) -> None:
    code = "import sys, pathlib; from finetune.runs.store import Store; Store(pathlib.Path(sys.argv[1])).prepare()"
    for turn in range(20):
        path = tmp_path / f"{turn}.db"
        both = [subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT) for _ in range(2)]
        assert [one.wait(timeout=20) for one in both] == [0, 0]
        assert Store(path).newest() == []


def test_B10_damaged_metric_lines_are_counted_and_the_good_ones_drawn(room: ControlRoom) -> None:
    run = room.submit("run", steps=3)
    room.until_ended(run)
    path = room.folder(run).metrics_path
    junk = b"\0" * 100 + b"\n" + b"[1]\n" + b"x" * 1_000_000 + b"\n" + os.urandom(64).replace(b"\n", b"") + b"\n"
    path.write_bytes(path.read_bytes() + junk + b'{"step": 4, "loss": 1.5}\n{"step": 5, "lo')
    found = room.folder(run).read_metrics()
    assert [point["step"] for point in found.points] == [1, 2, 3, 4]
    assert found.damaged == 5


def test_B11_a_removed_run_folder_ends_the_run_and_is_not_made_again(room: ControlRoom) -> None:
    run = room.submit("run", steps=500, delay=0.05)
    room.until_step(run, 2)
    trainer = room.process(run)
    shutil.rmtree(room.folder(run).path)
    view = room.until_ended(run)
    assert (view.status, view.reason) == ("failed", "the run folder is gone")
    room.until(run, lambda _: room.trainers(run) == [])
    assert trainer.pid not in room.trainers(run)
    assert not room.folder(run).path.exists()


def test_B14_a_flood_of_output_is_cut_while_it_flows(room: ControlRoom) -> None:
    run = room.submit("run", steps=20, delay=0.05, print_mb=50)
    assert room.until_ended(run).status == "succeeded"
    deadline = time.monotonic() + 5
    while room.folder(run).log_path.stat().st_size > log_cap.LIMIT:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert 0 < len(client.log_tail(room.settings, run)) <= 64 * 1024


def test_B15_a_fork_while_the_store_is_in_use_harms_nobody(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.db")
    store.prepare()
    pid = os.fork()
    if pid == 0:
        store.newest()
        os._exit(0)
    os.waitpid(pid, 0)
    store.prepare()
    assert store.newest() == []
