"""Group B of the fault matrix, the disk: full, limited, read-only, shared, forgetful, crowded."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backends.errors import Unavailable
from backends.files import dump_json
from backends.settings import ROOT, from_env
from finetune.runs import client
from finetune.runs.notices import notices
from finetune.runs.run_folder import RunFolder
from finetune.training import checkpoints
from tests.faults.at_a_call import inject, needs_root, needs_strace, on_a_small_disk, staged, train
from tests.parts.control_room import ControlRoom, job_for, quick

pytestmark = pytest.mark.faults


CHECKPOINT_ON_A_FULL_DISK = """
import sys
from pathlib import Path
from finetune.runs import client
from finetune.training import checkpoints
from tests.parts.control_room import ControlRoom, quick

room = ControlRoom(quick(Path(sys.argv[1]) / "data"))
try:
    run = room.submit("run", steps=9, save_steps=3, save_kb=900, delay=0.02)
    view = room.until_ended(run)
    folder = room.folder(run)
    print("ended:", view.status, view.reason)
    print("kept:", [path.name for path in folder.checkpoints()])
    assert all(checkpoints.problem(path) is None for path in folder.checkpoints())
    assert not folder.adapter_dir.exists()
    (folder.checkpoints_dir / ".step-9.partial").mkdir()  # as a kill in the same moment would leave it
    client.resume(room.settings, run, "local")
    room.until_ended(run)
    assert not (folder.checkpoints_dir / ".step-9.partial").exists()
finally:
    room.close()
"""


@pytest.mark.root
@needs_root
def test_B2_a_disk_that_is_full_at_a_checkpoint_fails_the_run_and_keeps_the_one_before(tmp_path: Path) -> None:
    done = on_a_small_disk(tmp_path / "disk", "2m", CHECKPOINT_ON_A_FULL_DISK)
    assert done.returncode == 0, done.stderr
    assert "ended: failed The disk of" in done.stdout
    assert "is full: free some space and resume the run" in done.stdout
    assert "kept: ['step-3', 'step-6']" in done.stdout


METRICS_ON_A_FULL_DISK = """
import sys
from pathlib import Path
from tests.parts.control_room import ControlRoom, quick

disk = Path(sys.argv[1])
room = ControlRoom(quick(disk / "data"))
try:
    run = room.submit("run", steps=400, save_steps=500, delay=0.02)
    room.until_step(run, 5)
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as out:
        for size in (65536, 4096, 1):
            try:
                while out.write(b"x" * size):
                    pass
            except OSError:
                pass
    room.until(run, lambda view: view.ended or "process is gone" in view.note)
    found = room.folder(run).read_metrics()
    steps = [point["step"] for point in found.points]
    assert steps == list(range(1, len(steps) + 1)), steps
    print("damaged lines:", found.damaged)
    filler.unlink()
    view = room.until_ended(run)
    print("ended:", view.status, view.reason)
finally:
    room.close()
"""


@pytest.mark.root
@needs_root
def test_B3_a_disk_that_is_full_at_a_metric_ends_the_run_clearly_and_makes_no_false_point(tmp_path: Path) -> None:
    done = on_a_small_disk(tmp_path / "disk", "512k", METRICS_ON_A_FULL_DISK)
    assert done.returncode == 0, done.stderr
    assert "damaged lines: 0" in done.stdout or "damaged lines: 1" in done.stdout
    assert "ended: failed" in done.stdout and "full: free some space and resume the run" in done.stdout


@needs_strace
@pytest.mark.parametrize("call", ["fsync:error=EIO", "rename:error=ENOSPC"])
def test_B4_what_could_not_be_flushed_or_renamed_is_not_announced(room: ControlRoom, call: str) -> None:
    for n in (1, 3, 5, 8):
        folder = staged(room.settings, f"{call.split(':')[0]}-{n}", steps=4, save_steps=2, delay=0.0)
        assert train(folder, *inject(f"{call}:when={n}+")) != 0
        assert not folder.adapter_dir.exists()
        assert (folder.exit or {"status": "none"})["status"] != "succeeded"
        assert all(checkpoints.problem(path) is None for path in folder.checkpoints())


def test_B5_a_limit_on_the_size_of_files_is_told_like_a_full_disk(room: ControlRoom) -> None:
    folder = staged(room.settings, "run", steps=4, save_steps=2, save_kb=200, delay=0.0)
    assert train(folder, "prlimit", "--fsize=100000") == 1
    assert folder.exit and folder.exit["status"] == "failed"
    assert "is full: free some space and resume the run" in folder.exit["reason"]
    assert folder.checkpoints() == [] and list(folder.checkpoints_dir.iterdir()) == []


READ_ONLY = """
import sys
from pathlib import Path
from backends.base import Request, Segment
from backends.engine_client import Engine
from backends.errors import Unavailable
from finetune.runs import client
from tests.parts.control_room import ControlRoom, job_for, quick

data, rows = Path(sys.argv[1]), Path(sys.argv[2])
settings = quick(data)
print("runs:", [view.status for view in client.runs(settings)])
print("notice:", client.notices(settings))
with Engine.start(settings, ("echo",)) as engine:
    asked = Request("gemma-3-270m", (Segment("good morning"),))
    print("answer:", "".join(chunk.text for chunk in engine.generate(asked, "echo")))
try:
    client.submit(settings, job_for("second"), {"train.jsonl": rows})
except Unavailable as error:
    print("said:", error)
import ui
from ui.room import Room
print("page:", type(ui.build(Room(settings))).__name__)
"""


@pytest.mark.root
@needs_root
def test_B6_with_a_read_only_data_folder_one_can_look_and_ask_and_is_told_why_not_more(room: ControlRoom) -> None:
    room.until_ended(room.submit("first", steps=1))
    room.kill_control()
    data = str(room.settings.data_dir)
    mount = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$2" -c "$3" "$1" "$4"'
    argv = ["unshare", "-m", "sh", "-c", mount, "sh", data, sys.executable, READ_ONLY, str(room.rows)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "runs: ['succeeded']" in done.stdout
    assert "is read-only: you can look and ask, but no run can be started" in done.stdout
    assert "answer: good morning" in done.stdout
    assert "said:" in done.stdout and "Read-only file system" in done.stdout and "nothing was submitted" in done.stdout
    assert "page: Blocks" in done.stdout


@pytest.mark.parametrize("kind", ["nfs4", "fuse.gcsfuse", "cifs"])
def test_B12_a_shared_disk_is_warned_about_and_the_journal_needs_no_shared_memory(
    room: ControlRoom, tmp_path: Path, kind: str
) -> None:
    room.until_ended(room.submit("run", steps=1))
    with sqlite3.connect(room.settings.store_path) as db:
        assert db.execute("pragma journal_mode").fetchone() == ("delete",)
    db.close()
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n40 22 0:40 / {room.settings.data_dir} rw - {kind} server:/x rw\n"
    )
    assert f"shared disk ({kind})" in notices(room.settings, mounts)[0]
    mounts.write_text(f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n40 22 0:40 / {tmp_path}/other rw - {kind} s:/x rw\n")
    assert notices(room.settings, mounts) == []


def test_B13_a_space_without_a_bucket_says_that_it_forgets(tmp_path: Path) -> None:
    forgets = from_env({"SPACE_ID": "someone/room", "ACR_DATA_DIR": str(tmp_path)})
    assert "forgets its runs and adapters" in notices(forgets)[0]
    keeps = from_env({"SPACE_ID": "a/b", "ACR_DATA_DIR": str(tmp_path), "ACR_KEEP_DIR": str(tmp_path / "bucket")})
    assert notices(keeps) == []
    assert notices(from_env({"ACR_DATA_DIR": str(tmp_path)})) == []


def test_B16_two_thousand_runs_are_listed_by_the_page_at_once(room: ControlRoom) -> None:
    """The time is measured in tests/bench; here, that a page of the list reads no run folder."""
    for n in range(2000):
        folder = RunFolder(room.settings.runs_dir / f"{n:032x}")
        folder.path.mkdir(parents=True)
        created = f"2026-01-01T{n // 60:02d}:{n % 60:02d}:00Z"
        job = job_for(f"run-{n}") | {"run": folder.path.name, "digest": "d", "created": created}
        (folder.path / "job.json").write_text(dump_json(job))
        (folder.path / "exit.json").write_text('{"status": "failed", "reason": "made up", "seconds": 1}')
    client.start_control(room.settings)
    while not client.runs(room.settings, limit=1):
        time.sleep(0.05)
    began = time.monotonic()
    pages = [client.runs(room.settings, limit=50, skip=skip) for skip in (0, 50, 1950)]
    print(f"three pages of 50 of 2,000 runs in {time.monotonic() - began:.3f} s")
    assert [len(page) for page in pages] == [50, 50, 50]
    assert [pages[0][0].name, pages[1][0].name, pages[2][-1].name] == ["run-1999", "run-1949", "run-0"]
    assert len(client.runs(room.settings, limit=5000)) == 2000


def test_B17_a_run_is_refused_when_the_disk_is_nearly_full_with_both_numbers(tmp_path: Path) -> None:
    room = ControlRoom(quick(tmp_path / "data", min_free=1 << 60))
    try:
        with pytest.raises(Unavailable, match=r"needs 1,099,511,627,776 MB of free disk and [\d,]+ MB are free"):
            room.submit("run", steps=1)
        assert client.runs(room.settings) == []
    finally:
        room.close()
