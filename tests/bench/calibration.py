"""The start receipt against real runs: memory and minutes as they were predicted, and as they were."""

from typing import Any

from backends.catalog import EMBEDDED, base_named
from backends.settings import MB, Settings
from finetune import examples, task_named
from finetune.receipt import duration, load, trial
from finetune.receipt.footprint import Range
from finetune.receipt.job import Job, job_of
from finetune.receipt.trial import Trial
from finetune.recipes.recipe import Recipe, make
from finetune.rows import data

#: task, rows, longest rows of the file?, what differs in the recipe
RUNS: tuple[tuple[str, int, bool, dict[str, Any]], ...] = (
    ("complexity", 12, False, {"per_device_train_batch_size": 4}),
    ("sourcegraph", 24, False, {"per_device_train_batch_size": 8}),
    ("complexity", 6, False, {"per_device_train_batch_size": 2, "quantization": "nf4"}),
    ("complexity", 8, True, {"per_device_train_batch_size": 4}),
    ("complexity", 8, True, {"per_device_train_batch_size": 4, "gradient_checkpointing": True}),
    ("complexity", 6, False, {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 2, "r": 64}),
    ("sourcegraph", 16, False, {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4, "r": 32}),
    ("observer_utility", 16, False, {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}),
    ("observer_utility", 8, True, {"per_device_train_batch_size": 4, "use_dora": True}),
    ("sourcegraph", 6, False, {"per_device_train_batch_size": 2, "precision": "fp32"}),
)
VAL = 4
SHORT = {"num_train_epochs": 1.0, "eval_steps": 1000, "save_steps": 1000, "early_stopping_patience": 0}
COLUMNS = ("run", "memory, predicted", "measured", "inside", "minutes, predicted", "measured", "inside")


def recipe_of(changes: dict[str, Any]) -> Recipe:
    return make({"gradient_accumulation_steps": 1} | SHORT | changes)


def sized(settings: Settings, task_name: str, count: int, longest: bool, recipe: Recipe) -> Job:
    task = task_named(task_name)
    rows = data.read_rows(examples.path_of(task_name, "train"), task, settings)
    if longest:
        rows.sort(key=lambda row: -sum(len(str(row[column])) for column in task.columns))
    val = data.read_rows(examples.path_of(task_name, "val"), task, settings)[:VAL]
    return job_of(settings, task, rows[:count], recipe, base_named(EMBEDDED), val)


def minutes(job: Job, took: Trial) -> tuple[Range, float]:
    """For a whole epoch, by the speed of the same process (others share the machine), and as its steps took."""
    asked = load.of_rows(job.train.examples)
    per = duration.per_token(job.shape, job.recipe, asked)
    speed = duration.of_points(took.points, per, "the same process")
    scored = load.of_rows(job.val.examples).times(2)
    predicted = duration.seconds(job.shape, job.recipe, asked, scored, speed, 3600.0)
    return Range(predicted.low / 60, predicted.high / 60), took.seconds / 60


def calibrated(settings: Settings, task: str, count: int, longest: bool, changes: dict[str, Any]) -> tuple[str, bool]:
    """A line of the table, and whether memory and time were both inside."""
    job = sized(settings, task, count, longest, recipe_of(changes))
    took = trial.run(settings, job.task, job.rows, job.val_rows, job.recipe, job.base)
    memory, (predicted, measured) = job.memory(job.recipe), minutes(job, took)
    fits, in_time = memory.low <= took.peak <= memory.high, predicted.low <= measured <= predicted.high
    what = ", ".join([task, f"{count} {'longest ' if longest else ''}rows", *(f"{k} {v}" for k, v in changes.items())])
    cells = (
        *(what, f"{memory.low / MB:,.0f} to {memory.high / MB:,.0f} MB", f"{took.peak / MB:,.0f} MB", _word(fits)),
        *(f"{predicted.low:.2f} to {predicted.high:.2f}", f"{measured:.2f}", _word(in_time)),
    )
    return f"| {' | '.join(cells)} |", fits and in_time


def measure(settings: Settings) -> str:
    found = [calibrated(settings, *run) for run in RUNS]
    inside = sum(good for _, good in found)
    head = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    return "\n".join([*head, *(line for line, _ in found), "", f"Both inside in {inside} of {len(found)} runs."])


def _word(inside: bool) -> str:
    return "yes" if inside else "**no**"
