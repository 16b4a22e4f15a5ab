"""Training speed: our loop against the usual one (vocabulary projection at every token, rows in random order)."""

import shutil
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from backends.catalog import EMBEDDED, base_named
from backends.settings import Settings
from finetune import examples, task_named
from finetune.recipes.recipe import Recipe
from finetune.rows import data

ROWS, STEPS, TASK = 96, 12, "complexity"


def tokens_per_second(settings: Settings, usual: bool) -> float:
    """Trained tokens a second over STEPS steps."""
    import torch

    from backends.bases import tokenizer
    from finetune import card, formats
    from finetune.runs.run_folder import RunFolder
    from finetune.training import batches, model, precision
    from finetune.training.plan import Plan
    from finetune.training.trainer import AdapterTrainer

    torch.set_num_threads(settings.threads)
    task, base = task_named(TASK), base_named(EMBEDDED)
    recipe = Recipe(max_steps=STEPS, gradient_accumulation_steps=1, early_stopping_patience=0)
    fmt, weights = formats.format_for(base, settings), model.weights(settings, base, lambda what, fraction: None)
    rows = data.read_rows(examples.path_of(TASK, "train"), task, settings)[:ROWS]
    encode = partial(batches.encode, task=task, fmt=fmt, tokens=tokenizer.load(settings, base), max_length=1024)
    train, none = encode(rows), encode([])
    chosen = precision.choose("auto", *model.shape(weights))
    used = card.rows_used(train, none, {"sha256": "", "val_sha256": ""})
    job = {"run": "bench", "name": "bench", "task": TASK, "base": EMBEDDED, "format": formats.stamp(task, fmt)}
    draft = card.draft(job, base, recipe, chosen, "bench", used, settings)
    folder = RunFolder(Path(tempfile.mkdtemp()))
    plan = Plan(folder, recipe, train, none, chosen.name == "bf16", draft, 60, say=lambda text: None)

    class Usual(AdapterTrainer):
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return torch.utils.data.RandomSampler(train_dataset)

        def _sum_of_losses(self, inputs: dict[str, Any]) -> tuple[torch.Tensor, int]:
            targets = inputs["labels"][:, 1:]
            with torch.autocast("cpu", torch.bfloat16, enabled=self.plan.mixed):
                logits = self.model(input_ids=inputs["input_ids"], use_cache=False).logits[:, :-1].float()
            flat = logits.reshape(-1, logits.shape[-1])
            loss = torch.nn.functional.cross_entropy(flat, targets.reshape(-1), reduction="sum", ignore_index=-100)
            return loss, int((targets != -100).sum())

    try:
        trainer = (Usual if usual else AdapterTrainer)(model.adapted(weights, base, recipe, chosen), plan)
        trainer.run()
        return median(p["tokens_per_second"] for p in folder.metrics() if "tokens_per_second" in p)
    finally:
        shutil.rmtree(folder.path)


def measure(settings: Settings) -> str:
    ours, usual = (tokens_per_second(settings, usual) for usual in (False, True))
    return (
        f"Median of {STEPS} steps, batch 4, rank 8, rows of `{TASK}`: {ours:.0f} tokens/s, the usual loop "
        f"{usual:.0f} tokens/s: {ours / usual:.1f} times as fast."
    )
