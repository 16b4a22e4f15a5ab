"""The start receipt: what grows with what, what is said, and that two real steps are measured and leave nothing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends import adapters
from backends.catalog import EMBEDDED, Base, base_named
from backends.errors import AppError, BadInput
from backends.settings import MB, Settings
from finetune import examples, receipt, task_named
from finetune.receipt import duration, smoke, trial
from finetune.receipt.footprint import Range, footprint
from finetune.receipt.job import COUNTED, LONGEST, Job, job_of, sample
from finetune.receipt.load import Load
from finetune.receipt.machine import Machine
from finetune.receipt.shape import Shape, shape_of
from finetune.receipt.start_receipt import fits
from finetune.recipes.recipe import Recipe
from finetune.rows import data
from finetune.runs.run_folder import RunFolder
from tests.parts import tiny_base
from tests.test_cli import finetune

pytestmark = pytest.mark.slow

TASK = task_named("complexity")
TINY = Base(name=tiny_base.NAME, **tiny_base.CATALOG_ENTRY)
ROWS: list[dict[str, Any]] = [
    {"code": f"function f{n}() {{ return {'a + ' * n}1 }}", "score": 1.0 + n / 10} for n in range(40)
]
QUICK = Recipe(per_device_train_batch_size=4, max_length=512)
SPEED = {"bf16": 1.5, "fp32": 6.0}
USUAL = Load(4096, 64)


@pytest.fixture
def tiny(settings: Settings, tmp_path: Path) -> Settings:
    """A data folder in which the base of two random layers lies ready."""
    places = replace(settings, catalog=tiny_base.catalog(tmp_path / "catalog"))
    tiny_base.prepare(places)
    return places


@pytest.fixture
def made(tiny: Settings) -> Job:
    return replace(job_of(tiny, TASK, ROWS, QUICK, TINY, ROWS[:4]), machine=Machine(SPEED))


def of_eight_billion() -> Shape:
    base = base_named("llama-3.1-8b-instruct")
    return shape_of(Settings(data_dir=Path("/nowhere")), base, 128_256)


# -- memory ------------------------------------------------------------------------------------------------------------


def high(changes: dict[str, Any] | None = None, load: Load = USUAL) -> float:
    return footprint(of_eight_billion(), Recipe().change(**changes or {}), "bf16", [load], [], gpu=True).high


def test_a_range_of_memory_is_narrow_enough_to_be_of_use() -> None:
    low, most = footprint(of_eight_billion(), Recipe(), "bf16", [Load(4096, 64)], [], gpu=True)
    assert 0 < low < most <= 1.6 * low


@pytest.mark.parametrize(
    "change",
    [{"quantization": "nf4"}, {"quantization": "int8"}, {"gradient_checkpointing": True}, {"optim": "adamw_8bit"}],
)
def test_what_saves_memory_is_counted(change: dict[str, Any]) -> None:
    assert high(change) < high()


def test_what_takes_memory_is_counted() -> None:
    assert high() < high({"r": 64})
    assert high() < high(load=Load(8192, 64))
    assert high() == high(load=Load(4096, 512)), "the loss never holds the logits of all answers"


def test_an_eval_batch_can_be_the_greatest() -> None:
    shape, train, val = of_eight_billion(), [Load(16, 2)], [Load(8000, 40)]
    with_val, without = (footprint(shape, Recipe(), "bf16", train, some, gpu=True).high for some in (val, []))
    assert with_val > 2 * (with_val - without) > 0


def test_a_base_that_is_not_here_yet_is_sized_by_its_number_of_weights() -> None:
    shape = of_eight_billion()
    assert 3000 < shape.hidden < 6000
    assert 0.9 < shape.inside / shape.parameters < 1.1


def test_a_run_fits_may_fit_or_does_not() -> None:
    assert [fits(Range(4, 6), free) for free in (7, 5, 3)] == ["yes", "tight", "no"]


def test_the_advice_is_the_first_change_that_fits(made: Job) -> None:
    whole, single = (made.memory(made.recipe.change(per_device_train_batch_size=n)).high for n in (4, 1))
    between = Machine(SPEED, gpu="a small one", gpu_bytes=int((whole + single) / 2))
    told = replace(made, machine=between, recipe=QUICK).advice(int((whole + single) / 2))
    assert told == "With per_device_train_batch_size=1, gradient_accumulation_steps=8 it fits."
    assert "smaller base" in made.advice(1000)


def test_a_gpu_that_is_too_small_is_said_before_the_start(made: Job) -> None:
    small = replace(made, machine=Machine(SPEED, gpu="a small one", gpu_bytes=100 * MB))
    told = small.receipt(small.memory(QUICK), duration.Speed(Range(1e9, 2e9), "a test"))
    assert told.fits == "no"
    assert told.sentences[0].startswith("It does not fit") and told.sentences[-1] == told.advice


# -- time --------------------------------------------------------------------------------------------------------------


def test_minutes_grow_with_the_rows_and_end_at_the_limit(tiny: Settings) -> None:
    few, many = (receipt.receipt(tiny, TASK, ROWS[:n], QUICK, TINY) for n in (8, 40))
    assert few.seconds.low < few.seconds.high < many.seconds.high
    assert (few.steps, many.steps) == (2, 10)
    capped = receipt.receipt(tiny, TASK, ROWS, QUICK.change(max_minutes=0.1), TINY)
    assert capped.seconds.high == pytest.approx(6.0)
    assert "at 0.1 minutes it ends with what it has learned" in capped.sentences[1]


def test_rows_that_are_left_out_are_not_counted(tiny: Settings) -> None:
    short = receipt.receipt(tiny, TASK, ROWS, QUICK.change(max_length=220), TINY)
    assert short.left_out > 0 and short.rows + short.left_out == 40
    with pytest.raises(BadInput, match="max_length"):
        receipt.receipt(tiny, TASK, ROWS, QUICK.change(max_length=16), TINY)


def test_the_speed_is_that_of_the_newest_finished_run_of_this_kind(tiny: Settings, made: Job) -> None:
    folder = RunFolder(tiny.runs_dir / "one")
    data.write_rows(folder.data_dir / "train.jsonl", ROWS)
    whole = trial.job_of_trial(tiny, TASK, {"train": ROWS, "val": ROWS[:4]}, QUICK, TINY)
    folder.write_job(whole)
    for step, speed in enumerate((90.0, 100.0, 110.0, 120.0)):
        folder.append_metric({"step": step, "steps": 4, "tokens_per_second": speed})
    by_product = duration.speed(tiny, TINY, made.shape, QUICK, made.machine)
    folder.write_exit({"status": "succeeded", "reason": "", "seconds": 9.0})
    by_run = duration.speed(tiny, TINY, made.shape, QUICK, made.machine)
    other = duration.speed(tiny, TINY, made.shape, QUICK.change(quantization="nf4"), made.machine)
    assert "product" in by_product.why and "product" in other.why
    assert "newest run" in by_run.why
    per_token = by_run.range.low / 96
    assert 90 * per_token <= by_run.range.low < by_run.range.high <= 120 * per_token


def test_of_a_large_file_some_rows_are_counted_and_the_longest() -> None:
    many = [{"code": "x" * (n % 7), "score": 1.0} for n in range(3 * COUNTED)] + [{"code": "y" * 5000, "score": 1.0}]
    some = sample(many, TASK)
    assert len(some) <= COUNTED + LONGEST + 1
    assert many[-1] in some


# -- two real steps ----------------------------------------------------------------------------------------------------


def test_a_smoke_run_measures_the_longest_batch_and_leaves_nothing(made: Job) -> None:
    greatest = smoke.greatest_batch(made)
    assert max(made.train.lengths) == max(made.train.lengths[i] for i in greatest)
    told = smoke.narrowed(made)
    assert 100 * MB < told.memory.low < told.memory.high <= 1.6 * told.memory.low
    assert told.speed == "two steps of a smoke run" and told.steps == 10
    assert not made.settings.runs_dir.exists() and not adapters.adapters(made.settings).get("trial")


def test_a_smoke_run_that_cannot_learn_says_why(made: Job) -> None:
    wrong = replace(made, recipe=QUICK.change(target_modules="fc1"))
    with pytest.raises(AppError, match="this base has no fc1"):
        smoke.narrowed(wrong)


@pytest.mark.model
def test_the_command_prints_three_sentences_or_one_document(base_settings: Settings) -> None:
    rows = str(examples.path_of("complexity", "train"))
    done = finetune(base_settings, "estimate", rows, "--task", "complexity", "--set", "max_steps=5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("It fits: it takes") and "5 steps" in done.stdout
    document = finetune(base_settings, "estimate", rows, "--task", "complexity", "--json").stdout
    told = json.loads(document)
    assert told["base"] == EMBEDDED and told["fits"] == "yes" and told["cost"] == {"low": 0, "high": 0}
    assert 1.2 < told["memory"]["high"] / told["memory"]["low"] <= 1.6
    assert told["minutes"]["low"] <= told["minutes"]["high"] <= 15


def test_a_base_that_needs_a_gpu_is_refused_before_a_download(settings: Settings, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    data.write_rows(rows, ROWS)
    done = finetune(settings, "estimate", str(rows), "--task", "complexity", "--base", "llama-3.1-8b-instruct")
    assert done.returncode == 1
    assert "needs a CUDA GPU" in done.stderr
