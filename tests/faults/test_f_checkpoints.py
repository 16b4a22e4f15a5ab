"""Group F of the fault matrix: checkpoints that were cut, damaged, changed, planted or pruned."""

import shutil
from pathlib import Path

import pytest

from finetune.runs import client
from finetune.runs.run_folder import RunFolder
from finetune.training import checkpoints
from tests.faults.at_a_call import CHANGES, calls, inject, needs_strace, staged, train
from tests.parts.control_room import ControlRoom, kill

pytestmark = pytest.mark.faults


def sound(folder: RunFolder) -> list[int]:
    """Steps of the checkpoints that can be trusted."""
    found = folder.checkpoints_dir.glob("step-*")
    return sorted(checkpoints.step_of(path) for path in found if checkpoints.problem(path) is None)


@needs_strace
def test_F1_a_kill_at_any_call_of_a_save_leaves_the_one_before(room: ControlRoom, tmp_path: Path) -> None:
    options = {"steps": 4, "save_steps": 2, "delay": 0.0}
    whole = staged(room.settings, "whole", **options)
    train(whole, "strace", "-qq", "-f", "-o", str(tmp_path / "trace"), "-e", f"trace={CHANGES}")
    seen: set[tuple[int, ...]] = set()
    moments = [(call, n) for call, count in calls(tmp_path / "trace").items() for n in range(1, count + 1)]
    for call, n in moments[::5]:
        folder = staged(room.settings, f"{call}-{n}", **options)
        assert train(folder, *inject(f"{call}:signal=KILL:when={n}")) == -9
        newest = checkpoints.newest_complete(folder.checkpoints_dir)
        assert newest is None or checkpoints.step_of(newest) == sound(folder)[-1]
        assert [checkpoints.step_of(path) for path in folder.checkpoints()] == sound(folder), "one looks complete only"
        seen.add(tuple(sound(folder)))
        folder.next_attempt(1)
        assert train(folder) == 0
        assert [point["step"] for point in folder.metrics()] == [1, 2, 3, 4]
        assert sound(folder) == [2, 4]
    assert {(), (2,)} <= seen, "the loop did not reach into both saves"


def two_checkpoints_of_a_killed_run(room: ControlRoom) -> str:
    run = room.submit("run", steps=40, delay=0.03, save_steps=4)
    room.until_step(run, 10)
    kill(room.process(run))
    room.until_ended(run)
    assert [path.name for path in room.folder(run).checkpoints()][-1] == "step-8"
    return run


@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_F2_a_damaged_checkpoint_is_skipped_said_and_the_one_before_is_used(room: ControlRoom, damage: str) -> None:
    run = two_checkpoints_of_a_killed_run(room)
    weights = room.folder(run).checkpoint_dir(8) / "weights"
    whole = weights.read_bytes()
    weights.write_bytes(b"y" + whole[1:] if damage == "flipped" else whole[:-1])
    client.resume(room.settings, run, "local")
    assert room.until_ended(run).status == "succeeded"
    log = client.log_tail(room.settings, run)
    assert "Checkpoint step-8 is skipped: weights changed since it was written" in log
    assert "Going on from step-4" in log
    assert room.steps(run) == list(range(1, 41))


def test_F3_when_all_are_damaged_it_does_not_start_over_in_silence(room: ControlRoom) -> None:
    run = two_checkpoints_of_a_killed_run(room)
    for checkpoint in room.folder(run).checkpoints():
        (checkpoint / "weights").write_bytes(b"")
    before = room.folder(run).metrics()
    client.resume(room.settings, run, "local")
    view = room.until_ended(run)
    assert view.status == "failed"
    assert view.reason == "No checkpoint of this run can be trusted any more: start a new run"
    assert room.folder(run).metrics() == before
    again = client.duplicate(room.settings, run, "local", {})
    assert room.until_ended(again).status == "succeeded", "a new run is one request away"


def test_F6_a_pickle_planted_in_a_checkpoint_is_never_read(room: ControlRoom, tmp_path: Path) -> None:
    run = two_checkpoints_of_a_killed_run(room)
    canary = tmp_path / "canary"
    payload = b"cposix\nsystem\n(S'touch " + str(canary).encode() + b"'\ntR."
    for name in ("optimizer.pt", "rng_state.pth", "pytorch_model.bin"):
        (room.folder(run).checkpoint_dir(8) / name).write_bytes(payload)
    client.resume(room.settings, run, "local")
    assert room.until_ended(run).status == "succeeded"
    assert "step-8 is skipped: files are missing or were added" in client.log_tail(room.settings, run)
    assert not canary.exists()


@needs_strace
def test_F7_a_crash_while_old_ones_are_removed_leaves_the_newest(room: ControlRoom, tmp_path: Path) -> None:
    options = {"steps": 4, "save_steps": 1, "delay": 0.0}
    whole = staged(room.settings, "whole", **options)
    train(whole, "strace", "-qq", "-f", "-o", str(tmp_path / "trace"), "-e", "trace=unlink,unlinkat,rmdir")
    counts = calls(tmp_path / "trace")
    assert sound(whole) == [3, 4]
    for call, count in counts.items():
        for n in range(1, count + 1, 2):
            folder = staged(room.settings, f"{call}-{n}", **options)
            train(folder, *inject(f"{call}:signal=KILL:when={n}"))
            saved = [point["step"] for point in folder.metrics() if "eval_loss" in point]
            assert len(saved) < 3 or sound(folder)[-1] >= saved[-1] - 1, (call, n)
            folder.next_attempt(1)
            assert train(folder) == 0
            assert not list(folder.checkpoints_dir.glob(".*")), "leftovers are swept"


def test_F8_a_checkpoint_that_is_a_link_to_elsewhere_is_refused(room: ControlRoom, tmp_path: Path) -> None:
    run = two_checkpoints_of_a_killed_run(room)
    newest = room.folder(run).checkpoint_dir(8)
    shutil.move(newest, tmp_path / "elsewhere")
    newest.symlink_to(tmp_path / "elsewhere")
    client.resume(room.settings, run, "local")
    assert room.until_ended(run).status == "succeeded"
    assert "step-8 is skipped: it is or holds a link to another place" in client.log_tail(room.settings, run)
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir())[0] == "COMPLETE", "it was left alone"


def test_F9_the_last_step_is_saved_though_it_is_no_multiple(room: ControlRoom) -> None:
    run = room.submit("run", steps=7, save_steps=5, delay=0.0)
    assert room.until_ended(run).status == "succeeded"
    assert [path.name for path in room.folder(run).checkpoints()] == ["step-5", "step-7"]
    assert room.folder(run).adapter_dir.is_dir()
