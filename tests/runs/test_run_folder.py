"""The run folder contract, and metrics that survive kills and resumes."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backends import process
from backends.errors import NotFound
from backends.settings import ROOT
from finetune.runs import log_cap, metrics
from finetune.runs.run_folder import AlreadyClaimed, RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.path.mkdir()
    return made


def test_a_folder_without_a_job_is_no_run(folder: RunFolder) -> None:
    with pytest.raises(NotFound, match=r"job\.json is missing"):
        _ = folder.job
    folder.write_job({"run": "abc"})
    assert folder.job == {"run": "abc"}


def test_only_one_process_can_claim_a_run(folder: RunFolder) -> None:
    folder.claim()
    assert folder.claimed == process.identity(os.getpid())
    assert folder.seconds_since_claim is not None and folder.seconds_since_claim >= 0
    code = "import sys, pathlib; from finetune.runs.run_folder import *; RunFolder(pathlib.Path(sys.argv[1])).claim()"
    other = subprocess.run([sys.executable, "-c", code, str(folder.path)], cwd=ROOT, capture_output=True, text=True)
    assert AlreadyClaimed.__name__ in other.stderr
    assert folder.claimed == process.identity(os.getpid())


def test_a_new_attempt_can_be_claimed_and_keeps_the_traces_of_the_old_one(folder: RunFolder) -> None:
    folder.claim()
    folder.write_exit({"status": "failed", "reason": "x"})
    assert folder.attempt == 1
    for _ in range(2):  # a crash may make control do it again
        folder.next_attempt(1)
    assert folder.attempt == 2
    assert (folder.claimed, folder.exit) == (None, None)
    folder.claim()
    assert json.loads((folder.path / "attempts" / "1" / "exit.json").read_text())["reason"] == "x"


def test_beats_tell_how_long_ago_and_never_make_a_removed_folder_again(folder: RunFolder) -> None:
    assert folder.seconds_since_beat is None
    folder.claim()
    assert 0 <= folder.seconds_since_beat < 60
    (folder.path / "beat").unlink()
    with pytest.raises(FileNotFoundError):
        folder.beat()
    assert not (folder.path / "beat").exists()


def test_a_beat_of_an_earlier_boot_says_nothing(folder: RunFolder) -> None:
    (folder.path / "beat").write_text("another-boot 0000000000000012.000\n")
    assert folder.seconds_since_beat is None


def test_exit_is_not_written_into_a_folder_that_is_gone(folder: RunFolder) -> None:
    folder.path.rmdir()
    with pytest.raises(FileNotFoundError, match="is gone"):
        folder.write_exit({"status": "failed"})
    assert not folder.path.exists()


def test_only_complete_checkpoints_count_and_they_are_ordered_by_step(folder: RunFolder) -> None:
    for name in ("step-9", "step-100", "step-20"):
        (folder.checkpoints_dir / name).mkdir(parents=True)
        (folder.checkpoints_dir / name / "COMPLETE").touch()
    (folder.checkpoints_dir / "step-300").mkdir()
    (folder.checkpoints_dir / "step-x").mkdir()
    assert [path.name for path in folder.checkpoints()] == ["step-9", "step-20", "step-100"]
    assert folder.newest_checkpoint() == folder.checkpoint_dir(100)


def test_train_and_eval_lines_of_one_step_are_one_point(folder: RunFolder) -> None:
    folder.append_metric({"step": 1, "loss": 2.0})
    folder.append_metric({"step": 1, "eval_loss": 2.5})
    assert folder.metrics() == [{"step": 1, "loss": 2.0, "eval_loss": 2.5}]


def test_steps_repeated_by_a_resumed_run_replace_the_old_ones(folder: RunFolder) -> None:
    for step in (1, 2, 3, 4):
        folder.append_metric({"step": step, "loss": 1.0})
    for step in (3, 4, 5):
        folder.append_metric({"step": step, "loss": 2.0})
    assert [(point["step"], point["loss"]) for point in folder.metrics()] == [
        (1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0), (5, 2.0),
    ]  # fmt: skip


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_written_as_null(folder: RunFolder, value: float) -> None:
    folder.append_metric({"step": 1, "loss": value})
    assert folder.metrics_path.read_text() == '{"step": 1, "loss": null}\n'
    assert folder.metrics() == [{"step": 1, "loss": None}]


def test_a_line_after_a_torn_one_is_whole(folder: RunFolder) -> None:
    folder.metrics_path.write_text('{"step": 1, "loss": 1.0}\n{"step": 2, "lo')
    folder.append_metric({"step": 2, "loss": 3.0})
    found = folder.read_metrics()
    assert [point["step"] for point in found.points] == [1, 2]
    assert found.damaged == 1


def test_a_line_longer_than_the_limit_counts_once_and_hides_nothing_behind_it(folder: RunFolder) -> None:
    longest = b'{"step": 1, "text": "' + b"x" * (3 * metrics.MAX_LINE) + b'"}'
    folder.metrics_path.write_bytes(longest + b'\n{"step": 2}\n')
    assert folder.read_metrics() == metrics.Metrics([{"step": 2}], damaged=1)


def test_the_log_is_cut_at_its_front_and_the_writer_goes_on(folder: RunFolder) -> None:
    with folder.log_path.open("ab", buffering=0) as writer:
        writer.write(b"".join(b"line %06d\n" % n for n in range(10_000)))
        log_cap.cap(folder.log_path, limit=20_000)
        writer.write(b"the end\n")
    text = folder.log_path.read_text()
    assert len(text) < 20_000
    assert text.startswith("[earlier lines were dropped")
    assert text.endswith("line 009999\nthe end\n")
    assert folder.log_tail(8) == "the end\n"


def test_the_tail_of_a_log_that_is_not_there_is_empty(folder: RunFolder) -> None:
    assert folder.log_tail() == ""
