"""`finetune.train` as a process: its folder, its claim, kills, signals and limits, on the embedded base."""

import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from backends import adapters
from backends.catalog import base_named
from backends.files import write_json
from backends.settings import ROOT, Settings
from finetune import formats, task_named
from finetune.recipes import recipe as recipes
from finetune.recipes.recipe import Recipe
from finetune.rows import data
from finetune.runs.run_folder import RunFolder

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # libraries about each other
    pytest.mark.filterwarnings("ignore:Paged optimizers are not supported on CPU"),
]


def run_folder(
    settings: Settings, name: str, recipe: Recipe, rows: int = 24, changes: dict[str, Any] | None = None
) -> RunFolder:
    """A run as control would stage it: rows of the complexity task and a job.json."""
    task, base = task_named("complexity"), base_named("gemma-3-270m")
    folder = RunFolder(settings.runs_dir / name)
    folder.data_dir.mkdir(parents=True)
    made = [
        {"code": f"function f{i}(a) {{ " + "if (a) { a--; } " * (i % 5) + "return a; }", "score": 1.0 + i % 5}
        for i in range(rows + 4)
    ]
    data.write_rows(folder.data_dir / "train.jsonl", made[:rows])
    data.write_rows(folder.data_dir / "val.jsonl", made[rows:])
    job = {
        "run": name,
        "kind": "train",
        "task": task.name,
        "base": base.name,
        "name": name,
        "recipe": recipe.to_json(),
        "data": {"train": "train.jsonl", "val": "val.jsonl", "sha256": data.digest(made[:rows])},
        "engine": "local",
        "format": formats.stamp(task, formats.format_for(base, settings)),
        "limits": {"minutes": 30},
    }
    write_json(folder.path / "job.json", job | (changes or {}))
    return folder


def start(folder: RunFolder, settings: Settings, **env: str) -> "subprocess.Popen[str]":
    import os

    places = {"ACR_DATA_DIR": str(settings.data_dir), "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "finetune.train", str(folder.path)],
        cwd=ROOT,
        env=os.environ | places | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(process: "subprocess.Popen[str]", seconds: float = 300) -> tuple[int, str]:
    printed, _ = process.communicate(timeout=seconds)
    return process.returncode, printed


def wait_for_step(folder: RunFolder, step: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        points = folder.metrics()
        if points and points[-1]["step"] >= step:
            return
        time.sleep(0.05)
    pytest.fail(f"step {step} was not reached:\n{process.communicate()[0]}")


def test_a_job_that_cannot_work_fails_at_once_with_a_sentence(settings: Settings) -> None:
    cases: dict[str, tuple[dict[str, Any], str]] = {
        "base": ({"base": "gpt-9"}, "There is no base 'gpt-9'"),
        "task": ({"task": "poems"}, "There is no task 'poems'"),
        "recipe": ({"recipe": {"r": 0}}, "r: got 0, accepted is a whole number from 1 to 256"),
        "format": ({"format": {"id": "plain/complexity", "sha256": "0"}}, "The prompt of task complexity changed"),
        "data": (
            {"data": {"train": "train.jsonl", "val": "val.jsonl", "sha256": "0"}},
            "The training rows are not those that were submitted",
        ),
    }
    for name, (changes, words) in cases.items():
        folder = run_folder(settings, name, Recipe(), changes=changes)
        code, printed = finished(start(folder, settings))
        assert code == 1 and folder.exit is not None
        assert folder.exit["status"] == "failed" and words in folder.exit["reason"], name
        assert "Traceback" not in printed and not folder.adapter_dir.exists()


def test_a_run_that_another_process_has_is_left_alone(settings: Settings) -> None:
    folder = run_folder(settings, "taken", Recipe())
    folder.claim()
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    code, _ = finished(start(folder, settings))
    assert code == 75
    assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == before


@pytest.mark.model
def test_rows_that_are_all_too_long_are_refused_before_training(base_settings: Settings) -> None:
    folder = run_folder(base_settings, "long", recipes.make({"max_length": 16}))
    code, _ = finished(start(folder, base_settings))
    assert code == 1 and folder.exit is not None
    assert "All 24 training rows are longer than max_length (16 tokens)" in folder.exit["reason"]


@pytest.mark.model
def test_twenty_nf4_steps_are_killed_resumed_and_end_in_a_sound_adapter(base_settings: Settings) -> None:
    recipe = Recipe(
        quantization="nf4",
        optim="paged_adamw_8bit",
        max_steps=20,
        eval_steps=10,
        save_steps=5,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=1,
    )
    folder = run_folder(base_settings, "nf4", recipe)
    first = start(folder, base_settings)
    wait_for_step(folder, 12, first)
    first.send_signal(signal.SIGKILL)
    finished(first)
    assert folder.exit is None and folder.checkpoints()
    folder.next_attempt(1)
    code, printed = finished(start(folder, base_settings))
    assert code == 0, printed
    assert "Going on from step-10" in printed
    assert [point["step"] for point in folder.metrics()] == list(range(21))
    assert folder.exit is not None and folder.exit["status"] == "succeeded"
    made = adapters.find(base_settings, folder.exit["adapter"])
    assert adapters.verify(base_settings, made) == []
    assert made.card["trained_on"] == "nf4" and made.card["data"]["rows"] == 24
    assert made.card["metrics"]["eval_loss"] < made.card["metrics"]["baseline_eval_loss"]
    assert "Gemma Terms of Use" in (made.path / "NOTICE").read_text()


@pytest.mark.model
def test_sigterm_keeps_the_best_adapter_so_far_and_says_which(base_settings: Settings) -> None:
    recipe = Recipe(max_steps=500, eval_steps=4, per_device_train_batch_size=2, gradient_accumulation_steps=1)
    folder = run_folder(base_settings, "stopped", recipe)
    process = start(folder, base_settings)
    wait_for_step(folder, 6, process)
    process.send_signal(signal.SIGTERM)
    code, printed = finished(process, 30)
    assert code == 1 and folder.exit is not None, printed
    assert folder.exit["status"] == "cancelled"
    assert "kept the adapter of step" in folder.exit["reason"]
    made = adapters.find(base_settings, folder.exit["adapter"])
    assert adapters.verify(base_settings, made) == []


@pytest.mark.model
def test_a_batch_that_takes_too_long_is_not_waited_for(base_settings: Settings) -> None:
    """One batch of 64 rows takes many times the second that is left here until the kill."""
    recipe = Recipe(max_steps=500, eval_steps=1, per_device_train_batch_size=64, gradient_accumulation_steps=1)
    folder = run_folder(base_settings, "slow", recipe, rows=64)
    process = start(folder, base_settings, ACR_GRACE="0.5")
    wait_for_step(folder, 1, process)
    while not folder.checkpoints():
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    finished(process, 30)
    assert folder.exit is not None and folder.exit["status"] == "cancelled"
    assert folder.exit["reason"].startswith("Stopped: kept the adapter of step 1 as slow")
    assert adapters.verify(base_settings, adapters.find(base_settings, folder.exit["adapter"])) == []


@pytest.mark.model
def test_sigterm_before_anything_was_learned_keeps_nothing(base_settings: Settings) -> None:
    folder = run_folder(base_settings, "early", Recipe())
    process = start(folder, base_settings)
    while folder.claimed is None:
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    finished(process, 30)
    assert folder.exit is not None and folder.exit["status"] == "cancelled"
    assert "nothing is kept" in folder.exit["reason"] and "adapter" not in folder.exit
