"""The training loop on a random two-layer Gemma: its loss, its stops, and that a resumed run is the unbroken one."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from backends.catalog import base_named
from backends.errors import AppError
from finetune.recipes.recipe import Recipe
from finetune.runs.run_folder import RunFolder
from finetune.training import checkpoints, model
from finetune.training.batches import Encoded, Example, collate
from finetune.training.plan import Plan
from finetune.training.precision import Precision

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # libraries about each other
    pytest.mark.filterwarnings("ignore:Paged optimizers are not supported on CPU"),
]

VOCABULARY = 64
#: dropout makes every step depend on the random state, so a resume that forgets it shows
RECIPE = Recipe(r=4, lora_alpha=8, lora_dropout=0.1, learning_rate=1e-2, max_steps=14, eval_steps=5)


def tiny_base(width: int = 32) -> Any:
    """Gemma 3 with two layers, of which one looks back only eight tokens."""
    from transformers import AutoModelForCausalLM, Gemma3TextConfig

    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=width // 2,
        sliding_window=8,
        layer_types=["sliding_attention", "full_attention"],
    )
    return AutoModelForCausalLM.from_config(config)


def tiny_model(recipe: Recipe) -> Any:
    return model.with_lora(tiny_base(), "tiny", recipe)


def sentences(rows: int, seed: int, answer: int | None = None) -> Encoded:
    """Rows of 6 to 24 tokens; the answer repeats the first token, so that there is something to learn."""
    chance = random.Random(seed)
    made = []
    for _ in range(rows):
        prompt = [chance.randrange(3, VOCABULARY) for _ in range(chance.randint(4, 20))]
        made.append(Example([*prompt, answer or prompt[0], 1], len(prompt)))
    return Encoded(made, left_out=0)


def card(recipe: Recipe) -> dict[str, Any]:
    return {
        "task": "copy",
        "base": "tiny",
        "base_sha256": None,
        "trained_on": "bf16",
        "format": {"id": "plain/copy", "sha256": "f"},
        "data": {"sha256": "d", "val_sha256": "v"},
        "recipe": recipe.to_json(),
    }


def plan(path: Path, recipe: Recipe = RECIPE, **changes: Any) -> Plan:
    path.mkdir(parents=True, exist_ok=True)
    made = Plan(
        folder=RunFolder(path),
        recipe=recipe,
        train=sentences(40, seed=1),
        val=sentences(10, seed=2),
        mixed=False,
        card=card(recipe),
        minutes=60,
        say=lambda text: None,
    )
    return replace(made, **changes)


def trained(plan: Plan, resume: Path | None = None, **options: Any) -> Any:
    from finetune.training.trainer import AdapterTrainer

    trainer = AdapterTrainer(options.get("model") or tiny_model(plan.recipe), plan, resume)
    trainer.run()
    return trainer


def curve(folder: RunFolder, key: str = "loss") -> dict[int, float]:
    return {point["step"]: point[key] for point in folder.metrics() if key in point}


def stop_at(step: int, plan: Plan) -> Callable[[str], None]:
    """Ask for a stop as soon as the curve has this step, as SIGTERM does from outside."""
    original = plan.folder.append_metric

    def append(point: dict[str, Any]) -> None:
        original(point)
        if point["step"] == step:
            plan.stop.set()

    return append


# -- the loss ---------------------------------------------------------------------------------------------------------


def test_the_loss_is_the_plain_one_of_the_model_with_mask_and_padding(tmp_path: Path) -> None:
    from finetune.training.trainer import AdapterTrainer

    rows = sentences(6, seed=3)
    told = plan(tmp_path / "run", RECIPE.change(lora_dropout=0.0), val=rows)
    trainer = AdapterTrainer(tiny_model(told.recipe), told)
    batch = collate(rows.examples)
    lengths = torch.tensor(rows.lengths)[:, None]
    mask = (torch.arange(batch["input_ids"].shape[1]) < lengths).long()
    causal = trainer.model.get_base_model()
    plain = causal(input_ids=batch["input_ids"], attention_mask=mask, labels=batch["labels"], use_cache=False).loss
    assert trainer.evaluate()["eval_loss"] == pytest.approx(plain.item(), abs=1e-5)


def test_accumulated_batches_weigh_as_one_large_batch(tmp_path: Path) -> None:
    rows = sentences(8, seed=4)
    weights = []
    for batch, accumulation in ((8, 1), (2, 4)):
        recipe = RECIPE.change(
            lora_dropout=0.0, max_steps=1, per_device_train_batch_size=batch, gradient_accumulation_steps=accumulation
        )
        trainer = trained(plan(tmp_path / str(batch), recipe.change(warmup_ratio=0.0), train=rows))
        weights.append({n: p.detach() for n, p in trainer.model.named_parameters() if p.requires_grad})
    for name, together in weights[0].items():
        assert torch.allclose(together, weights[1][name], atol=1e-4), name


def test_training_lowers_the_eval_loss_and_changes_only_lora_weights(tmp_path: Path) -> None:
    told = plan(tmp_path / "run", RECIPE.change(max_steps=60, eval_steps=20, lora_dropout=0.0))
    subject = tiny_model(told.recipe)
    before = {name: p.detach().clone() for name, p in subject.named_parameters()}
    trained(told, model=subject)
    losses = curve(told.folder, "eval_loss")
    assert losses[60] < losses[0] - 0.2
    changed = {name for name, p in subject.named_parameters() if not torch.equal(p, before[name])}
    assert changed and all("lora_" in name for name in changed)


def test_every_step_has_its_own_loss_rate_and_speed(tmp_path: Path) -> None:
    told = plan(tmp_path / "run")
    trained(told)
    points = told.folder.metrics()
    assert [p["step"] for p in points] == list(range(15))
    assert [p["step"] for p in points if "eval_loss" in p] == [0, 5, 10, 14]
    for point in points[1:]:
        assert point["steps"] == 14 and point["tokens_per_second"] > 0 and math.isfinite(point["loss"])
    assert points[-1]["learning_rate"] < max(p["learning_rate"] for p in points[1:])
    assert sorted(p["seconds"] for p in points) == [p["seconds"] for p in points]


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_evals_between_the_steps_do_not_disturb_quantised_training(tmp_path: Path, quantization: str) -> None:
    """bitsandbytes repacks 4-bit weights in an eval on some CPUs, for a kernel through which no gradient flows."""
    base, weights = base_named("gemma-3-270m"), tmp_path / "base"
    tiny_base(width=64).save_pretrained(weights)
    curves = []
    for every in (1, 100):
        recipe = RECIPE.change(quantization=quantization, lora_dropout=0.0, max_steps=8, eval_steps=every)
        told = plan(tmp_path / str(every), recipe)
        trained(told, model=model.adapted(weights, base, recipe, Precision("fp32", "", {})))
        curves.append(curve(told.folder))
    assert curves[0] == pytest.approx(curves[1], abs=1e-5)


# -- resume -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optim", "stopped_at"),
    [("adamw_torch", 3), ("adamw_torch", 5), ("adamw_torch", 12), ("paged_adamw_8bit", 7), ("adamw_8bit", 7)],
)
def test_a_resumed_curve_is_the_unbroken_one(tmp_path: Path, optim: str, stopped_at: int) -> None:
    """Five steps are an epoch: the stops are inside the first, at its end, and inside the third."""
    recipe = RECIPE.change(optim=optim, early_stopping_patience=0)
    unbroken = plan(tmp_path / "unbroken", recipe)
    trained(unbroken)
    first = plan(tmp_path / "broken", recipe)
    first.folder.append_metric = stop_at(stopped_at, first)  # type: ignore[method-assign]
    trained(first)
    newest = checkpoints.newest_complete(first.folder.checkpoints_dir)
    assert newest is not None and checkpoints.step_of(newest) == stopped_at
    second = plan(tmp_path / "broken", recipe)
    trained(second, resume=newest)
    for key in ("loss", "eval_loss", "learning_rate"):
        whole, pieced = curve(unbroken.folder, key), curve(second.folder, key)
        assert pieced.keys() == whole.keys()
        for step, value in whole.items():
            assert pieced[step] == pytest.approx(value, abs=1e-4), (key, step)


def test_only_the_newest_two_and_the_best_checkpoint_are_kept(tmp_path: Path) -> None:
    told = plan(tmp_path / "run", RECIPE.change(max_steps=12, eval_steps=2, early_stopping_patience=0))
    trained(told)
    evals = {step: loss for step, loss in curve(told.folder, "eval_loss").items() if step}
    best = min(evals, key=lambda step: evals[step])
    kept = {checkpoints.step_of(path) for path in told.folder.checkpoints()}
    assert kept == {best, 10, 12}
    newest = checkpoints.newest_complete(told.folder.checkpoints_dir)
    assert newest is not None and checkpoints.step_of(checkpoints.best_of(newest)) == best


# -- stops ------------------------------------------------------------------------------------------------------------


def test_a_stop_ends_at_the_next_step_with_a_checkpoint(tmp_path: Path) -> None:
    told = plan(tmp_path / "run", RECIPE.change(max_steps=1000, eval_steps=500))
    told.folder.append_metric = stop_at(7, told)  # type: ignore[method-assign]
    trainer = trained(told)
    assert trainer.state.global_step == 7
    assert [path.name for path in told.folder.checkpoints()] == ["step-7"]


def test_the_time_limit_lands_on_an_eval_and_a_checkpoint(tmp_path: Path) -> None:
    told = plan(tmp_path / "run", RECIPE.change(max_steps=1000, eval_steps=500), minutes=1e-6)
    trainer = trained(told)
    assert trainer.ended is not None and "time limit" in trainer.ended
    assert list(curve(told.folder, "eval_loss")) == [0, 1]
    assert [path.name for path in told.folder.checkpoints()] == ["step-1"]


def test_it_stops_early_when_the_eval_loss_only_rises(tmp_path: Path) -> None:
    recipe = RECIPE.change(max_steps=200, eval_steps=5, early_stopping_patience=2)
    told = plan(tmp_path / "run", recipe, train=sentences(40, 1, answer=5), val=sentences(10, 2, answer=9))
    trainer = trained(told)
    assert trainer.ended == "the eval loss did not improve in 2 evals (early stop)"
    assert trainer.state.global_step < 200
    losses = {step: loss for step, loss in curve(told.folder, "eval_loss").items() if step}
    assert trainer.state.best_global_step == min(losses, key=lambda step: losses[step])


def test_a_loss_that_is_no_number_is_a_gap_and_ends_the_run_after_three(tmp_path: Path) -> None:
    told = plan(tmp_path / "run", RECIPE.change(eval_steps=100))
    subject = tiny_model(told.recipe)
    before = {name: p.detach().clone() for name, p in subject.named_parameters() if p.requires_grad}
    subject.get_base_model().model.norm.weight.data[0] = math.nan
    with pytest.raises(AppError, match="not a number for 3 steps in a row, up to step 3: .* lower learning_rate"):
        trained(told, model=subject)
    assert curve(told.folder) == {1: None, 2: None, 3: None}
    for name, parameter in subject.named_parameters():
        if parameter.requires_grad:
            assert torch.equal(parameter, before[name]), "a step without a loss must change nothing"


def test_it_trains_without_validation_rows(tmp_path: Path) -> None:
    told = plan(tmp_path / "run", RECIPE.change(max_steps=3), val=Encoded([], 0))
    trained(told)
    assert curve(told.folder, "eval_loss") == {}
    assert [path.name for path in told.folder.checkpoints()] == ["step-3"]
