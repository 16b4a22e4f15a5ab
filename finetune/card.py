"""The card of an adapter: what it was made of, where and how, so that anyone can judge or repeat it."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from backends.catalog import Base
from backends.settings import Settings
from finetune.recipes.recipe import Recipe
from finetune.training.batches import Encoded
from finetune.training.precision import Precision

LIBRARIES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes", "safetensors")


def draft(
    job: dict[str, Any],
    base: Base,
    recipe: Recipe,
    precision: Precision,
    trained_on: str,
    data: dict[str, Any],
    settings: Settings,
) -> dict[str, Any]:
    """All that is known before the first step; results, digest and date are added when it is published."""
    versions = {name: metadata.version(name) for name in LIBRARIES}
    return (
        {"name": job["name"]}
        | made_of(job, base, recipe, trained_on, data)
        | {
            "precision": precision.to_json(),
            "hardware": hardware(settings),
            "versions": {"python": platform.python_version()} | versions,
            "run": job["run"],
        }
    )


def made_of(job: dict[str, Any], base: Base, recipe: Recipe, trained_on: str, data: dict[str, Any]) -> dict[str, Any]:
    """What is known of an adapter before anything is loaded; a run that goes on must be made of the same."""
    return {
        "task": job["task"],
        "base": base.name,
        "base_sha256": base.sha256,
        "trained_on": trained_on,
        "format": job["format"],
        "data": data,
        "recipe": recipe.to_json(),
    }


def rows_used(train: Encoded, val: Encoded, digests: dict[str, str]) -> dict[str, Any]:
    """The card's words on the data: digests of the rows, by their names here, and how many of them were used."""
    return {
        "sha256": digests["sha256"],
        "rows": len(train.examples),
        "left_out": train.left_out,
        "val_sha256": digests["val_sha256"],
        "val_rows": len(val.examples),
        "val_left_out": val.left_out,
    }


def hardware(settings: Settings) -> dict[str, Any]:
    import torch

    found = {"cpu": _cpu(), "threads": settings.threads, "cores": os.cpu_count()}
    return found | ({"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {})


def notice(base: Base, card: dict[str, Any]) -> str | None:
    """Text that some bases' licences want beside everything derived from them."""
    if not base.notice:
        return None
    return (
        f"{base.notice}\n\n"
        f"Modified by training: LoRA adapter {card['name']} on {base.title}, task {card['task']}, "
        f"{card['data']['rows']} rows, {card['created']}.\n"
    )


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
