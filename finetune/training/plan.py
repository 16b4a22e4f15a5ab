"""What one training is told: its rows, recipe and limits, and the same as the Trainer's own arguments."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from finetune.recipes.recipe import Recipe
from finetune.runs.run_folder import RunFolder
from finetune.training import sinks
from finetune.training.batches import Encoded, eval_every, total_steps


@dataclass(frozen=True)
class Plan:
    """All that a training needs besides the model."""

    folder: RunFolder
    recipe: Recipe
    train: Encoded
    val: Encoded
    mixed: bool  # bf16 arithmetic around fp32 LoRA weights
    card: dict[str, Any]  # what the finished adapter will say about itself; kept with each checkpoint
    minutes: float
    report_to: tuple[str, ...] = ()
    stop: Event = field(default_factory=Event)
    say: Callable[[str], None] = print

    @property
    def steps(self) -> int:
        return total_steps(len(self.train.examples), self.recipe)

    @property
    def checked(self) -> bool:
        """Are there rows for an eval loss?"""
        return bool(self.val.examples)


def origin(card: dict[str, Any]) -> dict[str, Any]:
    """What must be the same when a run goes on, by the names that a person knows."""
    same = {key: card[key] for key in ("task", "base", "base_sha256", "trained_on")}
    same["format"] = card["format"]["sha256"]
    same["training rows"], same["validation rows"] = card["data"]["sha256"], card["data"]["val_sha256"]
    return same | {f"recipe.{key}": value for key, value in card["recipe"].items()}


def arguments(plan: Plan, score_first: bool) -> Any:
    """`score_first`: an eval before the first step."""
    import torch
    from transformers import TrainingArguments

    recipe, every = plan.recipe, eval_every(plan.steps, plan.recipe)
    return TrainingArguments(
        output_dir=str(plan.folder.checkpoints_dir),
        max_steps=plan.steps,
        per_device_train_batch_size=recipe.per_device_train_batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.lr_scheduler_type,
        warmup_steps=recipe.warmup_steps or recipe.warmup_ratio,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        optim=recipe.optim,
        seed=recipe.seed,
        activation_checkpointing=recipe.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False} if recipe.gradient_checkpointing else None,
        logging_steps=1,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if plan.checked else "no",
        eval_steps=every,
        eval_on_start=plan.checked and score_first,
        metric_for_best_model="eval_loss" if plan.checked else None,
        greater_is_better=False if plan.checked else None,
        save_strategy="steps",
        save_steps=recipe.save_steps or every,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        use_cpu=not torch.cuda.is_available(),
        **sinks.arguments(plan.report_to, plan.card.get("name", ""), plan.folder.path),
        disable_tqdm=True,
        log_level="error",
    )
