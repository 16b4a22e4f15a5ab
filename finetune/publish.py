"""From the best checkpoint of a run to a listed adapter. Files only, no torch: so it works in any state."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends import adapters
from backends.catalog import base_named
from backends.files import publish as rename
from backends.files import read_json, sha256_of, write_bytes, write_json
from backends.settings import Settings
from finetune import card as cards
from finetune.runs.run_folder import RunFolder
from finetune.training import checkpoints

WEIGHTS, CONFIG, CARD = "adapter_model.safetensors", "adapter_config.json", "card.json"
LAST_STEPS = 10  # averaged for the train loss: single steps jump


@dataclass(frozen=True)
class Published:
    """A listed adapter and what its training came to."""

    name: str
    metrics: dict[str, Any]

    def __str__(self) -> str:
        kept = f"kept the adapter of step {self.metrics['step']} as {self.name}"
        if self.metrics["eval_loss"] is None:
            return kept
        before = self.metrics["baseline_eval_loss"]
        compared = f" ({before:.3f} before)" if before else ""
        return f"{kept}, eval loss {self.metrics['eval_loss']:.3f}{compared}"


def publish(folder: RunFolder, settings: Settings) -> Published | None:
    """Write RUN_DIR/adapter from the best checkpoint and list it; None when no checkpoint is complete."""
    newest = checkpoints.newest_complete(folder.checkpoints_dir)
    if newest is None:
        return None
    best = checkpoints.best_of(newest)
    card = _write(folder, best)
    listed = _listed_before(settings, card) or adapters.install(settings, folder.adapter_dir, card["name"])
    return Published(listed.name, card["metrics"])


def _listed_before(settings: Settings, card: dict[str, Any]) -> adapters.Adapter | None:
    """The very same adapter, when an attempt was killed between listing it and saying so."""
    made = (adapter for adapter in adapters.adapters(settings).values() if adapter.card.get("run") == card["run"])
    return next((adapter for adapter in made if adapter.sha256 == card["weights_sha256"]), None)


def _write(folder: RunFolder, checkpoint: Path) -> dict[str, Any]:
    aside = folder.path / ".adapter.partial"
    for old in (aside, folder.adapter_dir):
        shutil.rmtree(old, ignore_errors=True)
    aside.mkdir()
    _half(checkpoint / WEIGHTS, aside / WEIGHTS)
    config = read_json(checkpoint / CONFIG)
    write_json(aside / CONFIG, config | {"inference_mode": True, "target_modules": sorted(config["target_modules"])})
    metrics = _results(folder, checkpoints.step_of(checkpoint))
    card = read_json(checkpoint / CARD) | {
        "metrics": metrics,
        "seconds": metrics["seconds"],
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "weights_sha256": sha256_of(aside / WEIGHTS),
    }
    write_json(aside / CARD, card)
    if text := cards.notice(base_named(card["base"]), card):
        write_bytes(aside / "NOTICE", text.encode())
    rename(aside, folder.adapter_dir)
    return card


def _half(source: Path, target: Path) -> None:
    """LoRA weights in fp16: half the size, and what the engines load anyway."""
    import numpy
    from safetensors.numpy import load_file, save_file

    tensors = {name: tensor.astype(numpy.float16) for name, tensor in load_file(source).items()}
    save_file(tensors, target, metadata={"format": "pt"})


def _results(folder: RunFolder, step: int) -> dict[str, Any]:
    """The curve in a few numbers; `step` is the one whose weights are published."""
    points = folder.metrics()
    losses = [p["loss"] for p in points if p.get("loss") is not None and p["step"] <= step][-LAST_STEPS:]
    evals = {p["step"]: p["eval_loss"] for p in points if "eval_loss" in p}
    return {
        "step": step,
        "steps": points[-1]["steps"],
        "train_loss": round(sum(losses) / len(losses), 4) if losses else None,
        "eval_loss": evals.get(step),
        "baseline_eval_loss": evals.get(0),
        "seconds": points[-1]["seconds"],
    }
