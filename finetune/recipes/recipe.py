"""Recipe: every knob of one fine-tune, defined once with bounds and help.

The same definition makes the form of the page, the `--set` flags, the JSON in job.json and the table in the docs. Keys
are the Trainer's and PEFT's own.
"""

import json
import math
import tomllib
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from backends.errors import BadInput
from backends.files import read_json

LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
MODULES = (*LINEAR, "qkv_proj", "gate_up_proj", "dense", "fc1", "fc2")


def knob(default: Any, help: str, low: float | None = None, high: float | None = None, choices: tuple = ()) -> Any:
    return field(default=default, metadata={"help": help, "low": low, "high": high, "choices": choices})


@dataclass(frozen=True)
class Recipe:
    """Frozen and always valid: `make` and `change` check, and name the field, what came and what is accepted."""

    r: int = knob(8, "LoRA rank: how many directions each layer may learn", 1, 256)
    lora_alpha: int = knob(16, "LoRA strength; 2 x rank is the usual choice", 1, 1024)
    lora_dropout: float = knob(0.0, "share of LoRA inputs dropped while training", 0.0, 0.5)
    target_modules: tuple[str, ...] = knob(LINEAR, "which linear layers get an adapter", choices=MODULES)
    use_rslora: bool = knob(False, "scale by alpha / sqrt(rank) instead of alpha / rank")
    use_dora: bool = knob(False, "DoRA: learn direction and magnitude apart; slower, transformers engine only")
    quantization: str = knob("none", "weights of the base while training", choices=("none", "int8", "nf4"))
    optim: str = knob(
        "adamw_torch",
        "optimizer",
        choices=("adamw_torch", "paged_adamw_8bit", "paged_adamw_32bit", "adamw_8bit"),
    )
    learning_rate: float = knob(3e-4, "size of each step", 1e-7, 1e-1)
    lr_scheduler_type: str = knob("cosine", "how the step size falls", choices=("cosine", "linear", "constant"))
    warmup_ratio: float = knob(0.05, "share of the steps in which the step size rises", 0.0, 0.5)
    warmup_steps: int = knob(0, "the same as a number of steps; 0 = by the share", 0, 100_000)
    weight_decay: float = knob(0.0, "pull of the weights towards zero", 0.0, 1.0)
    max_grad_norm: float = knob(1.0, "gradients longer than this are cut", 0.01, 100.0)
    num_train_epochs: float = knob(2.0, "passes over the data", 0.01, 100.0)
    max_steps: int = knob(-1, "stop after this many steps; -1 = what the epochs give", -1, 1_000_000)
    per_device_train_batch_size: int = knob(4, "rows computed together", 1, 256)
    gradient_accumulation_steps: int = knob(2, "batches added up before a step", 1, 1024)
    max_length: int = knob(1024, "tokens per row; longer rows are left out, and said", 16, 32_768)
    eval_steps: int = knob(0, "eval loss every so many steps; 0 = about ten times a run", 0, 100_000)
    save_steps: int = knob(0, "checkpoint every so many steps; 0 = with each eval", 0, 100_000)
    early_stopping_patience: int = knob(3, "evals without a better loss before it stops; 0 = never", 0, 100)
    max_minutes: float = knob(0.0, "stop after so many minutes with what was learned; 0 = no limit", 0.0, 24 * 60.0)
    precision: str = knob("auto", "arithmetic; auto times both and takes the faster", choices=("auto", "bf16", "fp32"))
    gradient_checkpointing: bool = knob(False, "less memory, about a third slower")
    seed: int = knob(0, "same seed, same run", 0, 2**31 - 1)

    def __post_init__(self) -> None:
        for f in fields(self):
            _check(f.name, getattr(self, f.name), f.default, f.metadata)
        _contradictions(self)

    def to_json(self) -> dict[str, Any]:
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def change(self, **values: Any) -> "Recipe":
        return replace(self, **_typed(values))


def make(values: dict[str, Any]) -> Recipe:
    """A recipe from JSON, a form or flags; unknown keys and bad values are refused by name."""
    return Recipe(**_typed(values))


def from_flags(base: Recipe, flags: list[str]) -> Recipe:
    """`--set key=value ...` on top of `base`."""
    pairs = {key: value for key, _, value in (flag.partition("=") for flag in flags)}
    return base.change(**pairs)


@lru_cache(maxsize=1)
def recipes() -> dict[str, dict[str, Any]]:
    """The recipes that ship, by name: `{"title", "summary", "values", ...}` from finetune/recipes/.

    The file of a task is two recipes: `<task>`, which the shipped adapter was trained with, and `<task>-cpu`, which
    ends within 15 minutes on two cores; its `cpu` holds what differs, so that equal numbers stand there once.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(Path(__file__).parent.rglob("*.json")):
        entry = read_json(path)
        cpu = entry.pop("cpu", None)
        found[path.stem] = entry
        if cpu:
            same = {} if cpu["values"] else {"same_as": path.stem}
            found[f"{path.stem}-cpu"] = entry | cpu | same | {"values": entry["values"] | cpu["values"]}
    return found


def offered(task: str) -> dict[str, dict[str, Any]]:
    """Recipes for the rows of a task on the base that is at hand: general ones and its own, not those of a seed."""
    here = {name: data for name, data in recipes().items() if "base" not in data and "same_as" not in data}
    return {name: data for name, data in here.items() if data.get("task", task) == task}


def from_file(path: Path) -> Recipe:
    """A recipe from a JSON or TOML file of settings."""
    try:
        text = path.read_text()
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except FileNotFoundError:
        raise BadInput(f"There is no recipe file {path}") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path.name} is not readable: {error}") from None
    if not isinstance(values, dict):
        raise BadInput(f"{path.name}: a recipe is a set of settings, got {type(values).__name__}")
    return make(values.get("values", values))


def named(name: str) -> Recipe:
    if name not in recipes():
        raise BadInput(f"There is no recipe {name!r}; known: {', '.join(recipes())}")
    return make(recipes()[name]["values"])


def default_for(task: str) -> str:
    """The recipe that bears the task's name, else the balanced one."""
    return task if task in recipes() else "balanced"


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    known = {f.name: f for f in fields(Recipe)}
    for key in values:
        if key not in known:
            raise BadInput(f"A recipe has no setting {str(key)[:40]!r}; known: {', '.join(known)}")
    return {key: _convert(key, value, known[key].default) for key, value in values.items()}


def _convert(name: str, value: Any, default: Any) -> Any:
    """Text from a form or a flag becomes the type of the default; anything else is left for the check to refuse."""
    if isinstance(default, tuple):
        parts = value.split(",") if isinstance(value, str) else value
        return (
            tuple(p.strip() if isinstance(p, str) else p for p in parts) if isinstance(parts, list | tuple) else value
        )
    if isinstance(default, bool) and isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), value)
    if isinstance(value, str) and isinstance(default, int | float) and value.isascii():
        try:
            number = float(value)
        except ValueError:
            return value
        return int(number) if isinstance(default, int) and number.is_integer() else number
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(default) is int and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _check(name: str, value: Any, default: Any, rule: Any) -> None:
    if isinstance(default, tuple):
        if not isinstance(value, tuple) or not value or any(v not in rule["choices"] for v in value):
            raise BadInput(f"{name}: got {_shown(value)}, choose from {', '.join(rule['choices'])}")
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            raise BadInput(f"{name}: got {_shown(value)}, accepted are true and false")
    elif rule["choices"]:
        if value not in rule["choices"]:
            raise BadInput(f"{name}: got {_shown(value)}, choose from {', '.join(rule['choices'])}")
    else:
        _check_number(name, value, default, rule)


def _check_number(name: str, value: Any, default: Any, rule: Any) -> None:
    kind, word = (int, "a whole number") if isinstance(default, int) else (float, "a number")
    right_type = isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)
    if not right_type or not rule["low"] <= value <= rule["high"]:
        raise BadInput(f"{name}: got {_shown(value)}, accepted is {word} from {rule['low']:g} to {rule['high']:g}")


def _contradictions(recipe: Recipe) -> None:
    if recipe.quantization != "none" and recipe.use_dora and recipe.quantization == "int8":
        raise BadInput("use_dora and quantization=int8 do not go together: choose quantization none or nf4")
    if recipe.max_steps == 0:
        raise BadInput("max_steps: got 0, accepted is -1 (what the epochs give) or a whole number from 1")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
