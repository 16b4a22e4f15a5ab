"""Runs of the real trainer through control: on the tiny base, or on the embedded one."""

from pathlib import Path
from typing import Any

from backends.catalog import base_named
from finetune import formats, task_named
from finetune.recipes.recipe import Recipe
from finetune.rows import data
from finetune.runs import client
from tests.parts import tiny_base
from tests.parts.control_room import ControlRoom

#: many checkpoints and evals in few steps, and dropout, so that a random state that is not restored would show
RECIPE = Recipe(
    r=4,
    lora_alpha=8,
    lora_dropout=0.1,
    learning_rate=1e-2,
    max_steps=40,
    eval_steps=10,
    save_steps=4,
    per_device_train_batch_size=2,
    gradient_accumulation_steps=2,
    early_stopping_patience=0,
    precision="fp32",
)


def rows(number: int) -> list[dict[str, Any]]:
    made = [
        {"code": f"function f{n}(a) {{ " + "if (a) { a--; } " * (n % 5) + "return a; }", "score": 1.0 + n % 5}
        for n in range(number)
    ]
    return made


def job(room: ControlRoom, key: str, recipe: Recipe = RECIPE, base: str = tiny_base.NAME) -> dict[str, Any]:
    task = task_named("complexity")
    return {
        "kind": "train",
        "task": task.name,
        "base": base,
        "name": key,
        "recipe": recipe.to_json(),
        "data": {"train": "train.jsonl", "val": "val.jsonl", "sha256": data.digest(rows(24))},
        "engine": "local",
        "format": formats.stamp(task, formats.format_for(base_named(base), room.settings)),
        "owner": "local",
        "submit_key": key,
        "limits": {"minutes": 30},
    }


def files(room: ControlRoom) -> dict[str, Path]:
    some = {"train.jsonl": rows(24), "val.jsonl": rows(30)[24:]}
    folder = Path(room.settings.data_dir.parent)
    for name in some:
        data.write_rows(folder / name, some[name])
    return {name: folder / name for name in some}


def submit(room: ControlRoom, key: str, recipe: Recipe = RECIPE, base: str = tiny_base.NAME) -> str:
    return client.submit(room.settings, job(room, key, recipe, base), files(room))


def curve(room: ControlRoom, run: str) -> dict[int, dict[str, float]]:
    """What every step of a run measured; without times, which differ."""
    wanted = ("loss", "eval_loss", "learning_rate")
    return {p["step"]: {key: p[key] for key in wanted if key in p} for p in room.folder(run).metrics()}


def differences(
    one: dict[int, dict[str, float]], other: dict[int, dict[str, float]], within: float = 1e-4
) -> list[int]:
    """Steps that are missing in one of two curves, or that differ."""
    return [
        step
        for step in sorted({*one, *other})
        if one.get(step, {}).keys() != other.get(step, {}).keys()
        or any(abs(value - other[step][key]) > within for key, value in one[step].items())
    ]
