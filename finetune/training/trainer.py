"""The training loop: transformers' Trainer with our loss, data order, checkpoints and stops.

Three things make it quick on a small machine: the vocabulary projection (262k rows in Gemma) runs only where
there is an answer to learn, rows of a batch are about equally long, and causal attention over rows that are
padded on the right needs no mask.
"""

import time
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl
from transformers.trainer_utils import TrainOutput

from backends.errors import Refused
from backends.files import read_json, write_json
from finetune.training import checkpoints
from finetune.training.answer_loss import answer_loss
from finetune.training.batches import BucketSampler, by_length, collate, eval_every
from finetune.training.memory import ROWS, Splitter, gradients_kept, in_parts
from finetune.training.plan import Plan, arguments
from finetune.training.random_state import random_state, set_random_state
from finetune.training.stability import Gradients, Losses

WEIGHTS = "adapter_model.safetensors"  # PEFT's own name
PROGRESS = "progress"


class AdapterTrainer(Trainer):
    """Trains the LoRA of a PeftModel. `ended` says why it ended before its last step, or None."""

    control: TrainerControl

    def __init__(self, model: Any, plan: Plan, resume: Path | None = None) -> None:
        self.plan, self.resume = plan, resume
        self.ended: str | None = None
        self._clock = time.monotonic()
        self._tokens, self._tokens_from = 0, self._clock
        self.losses, self.gradients = Losses(plan.say), Gradients()
        self.random: dict[str, Any] = {}  # as of the last whole step
        known = (read_json(resume / checkpoints.CARD) or {}).get("memory") if resume else None
        self.splitter = Splitter(known["parts"] if known else 1, self._tell_split)
        plan.card.update({"memory": known} if known else {})
        super().__init__(
            model=model,
            args=arguments(plan, score_first=self._unscored()),
            data_collator=collate,
            train_dataset=plan.train.examples,
            eval_dataset=plan.val.examples or None,
            callbacks=[Brakes(self)],
        )
        self.model_accepts_loss_kwargs = True  # our loss is divided by the labels of the whole step
        self.remove_callback(PrinterCallback)

    def run(self) -> TrainOutput:
        return self.train(resume_from_checkpoint=str(self.resume) if self.resume else None)

    @property
    def seconds(self) -> float:
        """Of training, over all attempts."""
        return time.monotonic() - self._clock

    def _unscored(self) -> bool:
        """Must the model be scored before its first step? The bare base, or where a stop cut an eval short."""
        if self.resume is None:
            return True
        step = checkpoints.step_of(self.resume)
        scored = {point["step"] for point in self.plan.folder.metrics() if "eval_loss" in point}
        return step % eval_every(self.plan.steps, self.plan.recipe) == 0 and step not in scored

    def _evaluate(self, trial: Any, ignore_keys_for_eval: Any, skip_scheduler: bool = False) -> dict[str, float]:
        metrics = super()._evaluate(trial, ignore_keys_for_eval, skip_scheduler)
        if skip_scheduler and self.resume:  # the eval that a stop cut short counts for the best, as it would have then
            self._determine_best_metric(metrics, trial)
        return metrics

    def _get_train_sampler(self, train_dataset: Any = None) -> BucketSampler:
        return BucketSampler(self.plan.train.lengths, self.args.train_batch_size, self.args.seed)

    def _sum_of_losses(self, inputs: dict[str, Any]) -> tuple[torch.Tensor, int]:
        """Cross-entropy over the answer's tokens of a batch, and how many there are."""
        causal = self.accelerator.unwrap_model(self.model).get_base_model()
        with torch.autocast(self.args.device.type, torch.bfloat16, enabled=self.plan.mixed):
            return answer_loss(causal, inputs["input_ids"], inputs["labels"])

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        total, count = self._sum_of_losses(inputs)
        self._tokens += inputs["tokens"]
        return total / (count if num_items_in_batch is None else num_items_in_batch)

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """One batch, in pieces if memory asks for it: the gradient is the sum, so it is the same."""
        step = super().training_step

        def work(pieces: list[dict[str, Any]]) -> torch.Tensor:
            return torch.stack([step(model, piece, num_items_in_batch) for piece in pieces]).sum()

        return self.splitter.run(inputs, work, undo=gradients_kept(model))

    def _tell_split(self, parts: int) -> None:
        now, sentence = in_parts(self.plan.recipe, parts, self.state.global_step + 1)
        self.plan.card["memory"] = now
        self.plan.folder.append_metric({"step": self.state.global_step, "rows_at_once": now[ROWS]})
        self.plan.say(sentence)

    def _sum_without_gradient(self, batch: list[Any]) -> tuple[float, int]:
        def work(pieces: list[dict[str, Any]]) -> tuple[float, int]:
            with torch.no_grad():
                sums = [self._sum_of_losses(self._prepare_inputs(piece)) for piece in pieces]
            return sum(loss.item() for loss, _ in sums), sum(count for _, count in sums)

        return self.splitter.run(collate(batch), work)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Mean loss per answer token over the validation rows; empty when a stop cut it short."""
        began = time.monotonic()
        self.model.eval()
        total, count = 0.0, 0
        for batch in by_length(self.plan.val.examples, 2 * self.plan.recipe.per_device_train_batch_size):
            if self.plan.stop.is_set():
                return {}
            loss, learned = self._sum_without_gradient(batch)
            total, count = total + loss, count + learned
        metrics = {"eval_loss": total / count}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        self._tokens_from += time.monotonic() - began  # not time spent training
        return metrics

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        return 0  # nothing reads it, and counting walks the whole model at every batch

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """One line of metrics.jsonl per step and per eval."""
        super().log(logs, start_time)
        self.state.log_history.clear()  # the curve lives in metrics.jsonl, not again in every checkpoint
        step, now = self.state.global_step, time.monotonic()
        point = {"step": step, "steps": self.state.max_steps, "epoch": round(self.state.epoch or 0.0, 4)}
        point["seconds"] = round(self.seconds, 2)
        if "eval_loss" in logs:
            self.plan.say(f"Step {step} of {self.state.max_steps}: eval loss {logs['eval_loss']:.4f}")
            self.plan.folder.append_metric({**point, "eval_loss": logs["eval_loss"]})
        elif "loss" in logs:
            speed = self._tokens / max(now - self._tokens_from, 1e-6)
            self._tokens, self._tokens_from = 0, now
            self.plan.folder.append_metric(
                {
                    **point,
                    "loss": logs["loss"],
                    "learning_rate": logs["learning_rate"],
                    "tokens_per_second": round(speed, 1),
                }
            )
            self.losses.check(step, logs["loss"])

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        if why := self.gradients.refuse(float(norm)):
            self.plan.say(f"Step {self.state.global_step + 1} changes nothing: {why}")
            model.zero_grad()  # a step without gradients does nothing; else every weight becomes not a number
        return norm

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Keep a checkpoint of each new best; end when `patience` evals brought none."""
        if "eval_loss" not in metrics:
            return False
        better = super()._determine_best_metric(metrics, trial)
        idle = (self.state.global_step - (self.state.best_global_step or 0)) // self.args.eval_steps
        if 0 < self.plan.recipe.early_stopping_patience <= idle and not self.control.should_training_stop:
            self.ended = f"the eval loss did not improve in {idle} evals (early stop)"
            self.control.should_training_stop = True
        self.control.should_save |= better or self.control.should_training_stop
        return better

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        step, folder = self.state.global_step, self.plan.folder.checkpoints_dir
        progress = {
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.lr_scheduler.state_dict(),
            "random": self.random,
            "seconds": self.seconds,
            "gradient_norms": list(self.gradients.norms),
        }
        with checkpoints.writing(folder, step) as part:
            weights = get_peft_model_state_dict(self.model, save_embedding_layers=False)  # "auto" asks the Hub
            save_file(weights, part / WEIGHTS, metadata={"format": "pt"})
            self.model.peft_config["default"].save_pretrained(part)
            checkpoints.save_tree(progress, part / PROGRESS)
            write_json(part / checkpoints.CARD, self.plan.card)
            self.state.save_to_json(str(part / checkpoints.STATE))
        checkpoints.prune(folder, keep={self.state.best_global_step or step})

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        checkpoint = Path(resume_from_checkpoint)
        loaded = set_peft_model_state_dict(self.model, load_file(checkpoint / WEIGHTS))
        if loaded.unexpected_keys or any("lora_" in key for key in loaded.missing_keys):
            raise Refused(f"{checkpoint.name} does not fit this base and recipe: start a new run")

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint:
            progress = checkpoints.load_tree(Path(checkpoint) / PROGRESS)
            self.optimizer.load_state_dict(progress["optimizer"])
            self.lr_scheduler.load_state_dict(progress["scheduler"])
            self._clock = time.monotonic() - progress["seconds"]
            self.gradients.norms.extend(progress["gradient_norms"])

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint:
            self.random = checkpoints.load_tree(Path(checkpoint) / PROGRESS)["random"]
            set_random_state(self.random)

    def _load_scaler(self, checkpoint: str | None) -> None:
        """There is none: bf16 needs no loss scaling. The Trainer's own would read a pickle."""


class Brakes(TrainerCallback):
    """Stops at the next batch when asked to, at the time limit with a last eval."""

    def __init__(self, trainer: AdapterTrainer) -> None:
        self.trainer = trainer

    def on_substep_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.trainer.plan.stop.is_set():
            control.should_training_stop = True
            control.should_save = state.global_step > 0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.trainer.random = random_state()  # a stop between two batches of the next step goes back to here
        if self.trainer.plan.stop.is_set():
            control.should_training_stop = control.should_save = True
            control.should_evaluate = False
        elif state.global_step < state.max_steps and self.trainer.seconds >= self.trainer.plan.minutes * 60:
            self.trainer.ended = f"the time limit of {self.trainer.plan.minutes:g} minutes was reached"
            control.should_training_stop = control.should_save = True
            control.should_evaluate = bool(self.trainer.plan.val.examples)
