"""Each architecture of the catalog, two random layers of it, through our own trainer and converter."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from backends import adapters
from backends.bases.base_shapes import linear_shapes
from backends.catalog import base_named, bases
from backends.errors import BadInput, Refused
from backends.lora import lora_gguf, lora_weights
from backends.settings import Settings
from finetune.recipes.recipe import Recipe
from finetune.training import answer_loss, checkpoints, model
from finetune.training.batches import Encoded, collate
from finetune.training.precision import Precision
from tests.parts.architectures import ARCHITECTURES, TEXT, Architecture
from tests.training.test_trainer import curve, plan, sentences, trained

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # libraries about each other
    pytest.mark.filterwarnings("ignore::UserWarning:(peft|transformers|torch)"),
]

RECIPE = Recipe(r=4, lora_alpha=8, learning_rate=1e-2, max_steps=3, eval_steps=3, warmup_ratio=0.0)
FP32 = Precision("fp32", "", {})
PICTURES = ("vision", "projector")


@dataclass(frozen=True)
class Subject:
    """An architecture whose two layers lie where a downloaded base would lie."""

    kind: Architecture
    settings: Settings

    @property
    def folder(self) -> Path:
        return self.settings.bases_dir / self.kind.base

    def adapted(self, recipe: Recipe = RECIPE) -> Any:
        return model.adapted(self.folder, base_named(self.kind.base), recipe, FP32)


@pytest.fixture(scope="module", params=ARCHITECTURES, ids=lambda kind: kind.name)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    made = Subject(request.param, Settings(data_dir=tmp_path_factory.mktemp(request.param.name)))
    made.kind.save(made.folder)
    return made


@pytest.fixture(scope="module")
def adapter(subject: Subject) -> Iterator[adapters.Adapter]:
    """What three NF4 steps of the real trainer leave behind."""
    told = plan(subject.settings.runs_dir / "run", RECIPE.change(quantization="nf4"))
    base = subject.adapted(told.recipe)
    before = {name: parameter.detach().clone() for name, parameter in base.named_parameters()}
    trained(told, model=base)
    changed = {name for name, parameter in base.named_parameters() if not torch.equal(parameter, before[name])}
    losses = curve(told.folder)
    assert len(losses) == 3 and all(map(math.isfinite, losses.values()))
    assert curve(told.folder, "eval_loss")[3] < curve(told.folder, "eval_loss")[0]
    assert changed == {name for name, parameter in base.named_parameters() if parameter.requires_grad}
    assert all("lora_" in name for name in changed)
    newest = checkpoints.newest_complete(told.folder.checkpoints_dir)
    assert newest
    yield replace(adapters.read(newest, "given"), base=subject.kind.base)


def with_lora(adapted: Any) -> set[str]:
    """Names of the layers that got a LoRA, as the base calls them."""
    return {name for name, module in adapted.get_base_model().named_modules() if hasattr(module, "lora_A")}


def as_if_trained(adapted: Any) -> Any:
    """LoRA's B starts at zero, and with it half of the gradients."""
    torch.manual_seed(1)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return adapted.eval()


def gradients(adapted: Any, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    learned = {name: parameter for name, parameter in adapted.named_parameters() if parameter.requires_grad}
    return dict(zip(learned, torch.autograd.grad(loss, list(learned.values())), strict=True))


def assert_our_loss_is_the_models_own(adapted: Any, rows: Encoded) -> None:
    batch = collate(rows.examples)
    causal = adapted.get_base_model()
    total, count = answer_loss.answer_loss(causal, batch["input_ids"], batch["labels"])
    mask = (torch.arange(batch["input_ids"].shape[1]) < torch.tensor(rows.lengths)[:, None]).long()
    own = causal(input_ids=batch["input_ids"], attention_mask=mask, labels=batch["labels"], use_cache=False).loss
    assert (total / count).item() == pytest.approx(own.item(), abs=1e-4)
    ours, theirs = gradients(adapted, total / count), gradients(adapted, own)
    for name, gradient in theirs.items():
        assert torch.allclose(ours[name], gradient, atol=1e-4), name
    assert max(gradient.abs().max() for gradient in theirs.values()) > 1e-2  # not all about nothing


def test_the_table_holds_every_architecture_of_the_catalog() -> None:
    known = {kind.name: kind.base for kind in ARCHITECTURES}
    assert set(known) == {base.architecture for base in bases().values()}
    assert all(base_named(base).architecture == name for name, base in known.items())


def test_the_weights_of_the_repository_arrive(subject: Subject) -> None:
    """A name that is not recognised would leave a layer at random, and training would go on."""
    from safetensors.torch import load_file

    def below(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        texts = {name: tensor for name, tensor in tensors.items() if not any(word in name for word in PICTURES)}
        return {name.partition("layers.")[2] or name.rpartition("model.")[2]: texts[name] for name in texts}

    saved = below(load_file(subject.folder / "model.safetensors"))
    arrived = below(AutoModelForCausalLM.from_pretrained(subject.folder).state_dict())
    assert arrived.keys() - saved.keys() <= {"lm_head.weight"}  # Gemma's is its embedding
    assert all(torch.equal(arrived[name], saved[name]) for name in saved)


def test_the_default_recipe_finds_its_layers_and_none_that_see(subject: Subject) -> None:
    found = with_lora(subject.adapted())
    assert {name.partition("layers.")[2].partition(".")[2] for name in found} == set(subject.kind.targets)
    assert not [name for name in found if any(word in name for word in PICTURES)]
    assert {name for name in found if ".layers.0." in name} and {name for name in found if ".layers.1." in name}


def test_loss_and_gradients_of_the_answers_are_the_models_own(subject: Subject) -> None:
    adapted = as_if_trained(subject.adapted())
    assert answer_loss.plain_head(adapted.get_base_model().config)
    assert_our_loss_is_the_models_own(adapted, sentences(6, seed=3))


def test_three_nf4_steps_train_an_adapter_that_passes_our_own_check(
    subject: Subject, adapter: adapters.Adapter
) -> None:
    base = replace(base_named(subject.kind.base), source="hub")  # the embedded one would be read from its .gguf
    shapes = linear_shapes(subject.settings, base)
    assert shapes
    assert lora_weights.problems(adapter.weights, adapter.config, base.name, shapes) == []


def test_the_converted_adapter_has_names_that_llama_cpp_knows_or_is_refused_with_the_reason(
    subject: Subject, adapter: adapters.Adapter
) -> None:
    import gguf

    if subject.kind.name == "llama4":
        with pytest.raises(Refused, match="never compared with transformers for this architecture"):
            lora_gguf.cached(subject.settings, adapter)
        return
    reader = gguf.GGUFReader(lora_gguf.cached(subject.settings, adapter))
    architecture = gguf.MODEL_ARCH[lora_gguf.ARCHITECTURES[subject.kind.name]]
    known = {
        f"{gguf.TENSOR_NAMES[kind].format(bid=layer)}.weight.lora_{part}"
        for kind in gguf.MODEL_TENSORS[architecture]
        for layer in range(2)
        for part in "ab"
    }
    names = {tensor.name for tensor in reader.tensors}
    assert names <= known and len(names) == 2 * 2 * len(subject.kind.targets)


def _cohere() -> Any:
    from transformers import CohereConfig

    return CohereConfig(**TEXT, logit_scale=0.25)


def _capped() -> Any:
    config = ARCHITECTURES[0].config()
    config.final_logit_softcapping = 2.0
    return config


@pytest.mark.parametrize("config", [_cohere, _capped], ids=["scaled logits", "capped logits"])
def test_logits_that_are_more_than_a_projection_are_asked_of_the_model(config: Callable[[], Any]) -> None:
    torch.manual_seed(0)
    adapted = as_if_trained(model.with_lora(AutoModelForCausalLM.from_config(config()), "tiny", RECIPE))
    assert not answer_loss.plain_head(adapted.get_base_model().config)
    assert_our_loss_is_the_models_own(adapted, sentences(6, seed=3))


def test_a_layer_that_the_base_has_not_is_refused_by_name() -> None:
    base = AutoModelForCausalLM.from_config(ARCHITECTURES[0].config())
    with pytest.raises(BadInput, match="this base has no qkv_proj and no fc2; its linear layers are down_proj, "):
        model.with_lora(base, "tiny", RECIPE.change(target_modules=("q_proj", "qkv_proj", "fc2")))


def test_the_saved_configuration_keeps_peft_out_of_the_vision_tower(
    subject: Subject, adapter: adapters.Adapter
) -> None:
    """Elsewhere the adapter is loaded by PEFT alone, which goes by this file."""
    from peft import PeftModel

    saved = json.loads((adapter.path / "adapter_config.json").read_text())
    assert bool(saved["exclude_modules"]) == (subject.kind.name == "gemma3")
    loaded = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(subject.folder), adapter.path)
    assert with_lora(loaded) == with_lora(subject.adapted())
