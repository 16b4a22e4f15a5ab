"""Memory that is short: batches are split and the curve stays the same; what is free is read, also in a container."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from backends.errors import AppError
from backends.files import read_json
from backends.settings import ROOT
from finetune.training import checkpoints, memory
from tests.training.test_trainer import RECIPE, curve, plan, tiny_model, trained

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning")]
BATCHES = RECIPE.change(per_device_train_batch_size=8, gradient_accumulation_steps=2, lora_dropout=0.0, max_steps=6)


def small_machine(rows: int, recipe: Any = BATCHES) -> Any:
    """A model that fits `rows` rows at once; with more the real error of torch comes in the middle of the work."""
    subject = tiny_model(recipe)

    def check(module: Any, args: Any, kwargs: Any) -> None:
        if len(kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]) > rows:
            torch.empty(1 << 62, dtype=torch.uint8)

    subject.get_base_model().model.layers[1].register_forward_pre_hook(check, with_kwargs=True)
    return subject


def test_batches_that_do_not_fit_are_split_and_the_curve_is_the_same(tmp_path: Path) -> None:
    whole = plan(tmp_path / "whole", BATCHES)
    trained(whole)
    said: list[str] = []
    split = plan(tmp_path / "split", BATCHES, say=said.append)
    trained(split, model=small_machine(2))
    for key in ("loss", "eval_loss", "learning_rate"):
        assert curve(split.folder, key) == pytest.approx(curve(whole.folder, key), abs=1e-4)
    newest = split.folder.checkpoints()[-1]
    assert read_json(newest / "card.json")["memory"] == {
        "parts": 8, "per_device_train_batch_size": 1, "gradient_accumulation_steps": 16, "from_step": 1
    }  # fmt: skip
    assert [point["rows_at_once"] for point in split.folder.metrics() if "rows_at_once" in point] == [1]
    assert sum("memory was short" in line for line in said) == 3


def test_a_failure_in_the_middle_of_a_step_leaves_no_half_gradient(tmp_path: Path) -> None:
    """The second batch of a step is the first that does not fit: the gradient of the first must be kept, once."""
    whole = plan(tmp_path / "whole", BATCHES)
    trained(whole)
    split = plan(tmp_path / "split", BATCHES)
    subject, calls = tiny_model(BATCHES), []

    def fail_once(module: Any, args: Any) -> None:
        calls.append(1)
        if len(calls) == 12:
            torch.empty(1 << 62, dtype=torch.uint8)

    subject.get_base_model().model.norm.register_forward_pre_hook(fail_once)
    trained(split, model=subject)
    assert curve(split.folder) == pytest.approx(curve(whole.folder), abs=1e-4)
    assert [point["step"] for point in split.folder.metrics() if "rows_at_once" in point]


def test_a_resumed_run_knows_how_much_fits(tmp_path: Path) -> None:
    first = plan(tmp_path / "run", BATCHES.change(max_steps=5))
    first.folder.append_metric = lambda point, keep=first.folder.append_metric: (  # type: ignore[method-assign]
        first.stop.set() if point["step"] == 3 else None, keep(point)
    )  # fmt: skip
    trained(first, model=small_machine(2))
    said: list[str] = []
    second = plan(tmp_path / "run", BATCHES.change(max_steps=5), say=said.append)
    newest = checkpoints.newest_complete(second.folder.checkpoints_dir)
    trained(second, resume=newest, model=small_machine(2))
    assert not any("memory was short" in line for line in said)
    assert sorted(curve(second.folder)) == [1, 2, 3, 4, 5]


def test_when_not_even_one_row_fits_the_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="not enough memory for a single row: lower max_length"):
        trained(plan(tmp_path / "run", BATCHES), model=small_machine(0))


def test_an_error_that_is_not_about_memory_is_not_hidden(tmp_path: Path) -> None:
    subject = tiny_model(BATCHES)
    subject.get_base_model().model.norm.register_forward_pre_hook(lambda module, args: args[0].no_such_thing)
    with pytest.raises(AttributeError, match="no_such_thing"):
        trained(plan(tmp_path / "run", BATCHES), model=subject)


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError(28, "No space left on device"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_is_out_of_memory(error: Exception, is_it: bool) -> None:
    assert memory.out_of_memory(error) is is_it


def test_a_container_with_less_memory_than_its_machine_is_believed(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000000\n")
    (tmp_path / "memory.current").write_text("900000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 5000\nactive_file 300\n")
    assert memory.available(tmp_path) == 100_005_300
    (tmp_path / "memory.max").write_text("max")
    assert memory.available(tmp_path) == pytest.approx(memory.available(tmp_path / "none"), rel=0.2)


def test_a_process_cannot_take_the_last_memory() -> None:
    program = (
        "from finetune.training import memory\nmemory.limit_to_what_is_free()\nimport resource, torch\n"
        "print(resource.getrlimit(resource.RLIMIT_DATA)[0] > 0)\n"
        "try:\n    torch.empty(memory.available() - memory.RESERVE // 4, dtype=torch.uint8)\n"
        "except RuntimeError as error:\n    print(memory.out_of_memory(error))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.stdout.split() == ["True", "True"], done.stderr
