import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends import adapters
from backends.bases.base_shapes import linear_shapes
from backends.bases.gguf_meta import Shapes
from backends.catalog import EMBEDDED, base_named
from backends.errors import BadInput, NotFound, Refused
from backends.settings import Settings
from tests.parts.loras import PREFIX, Tensors, write_lora

pytestmark = pytest.mark.model
Q0 = "layers.0.self_attn.q_proj"
Q0_A, Q0_B = f"{PREFIX}{Q0}.lora_A.weight", f"{PREFIX}{Q0}.lora_B.weight"


@pytest.fixture
def shapes(base_settings: Settings) -> Shapes:
    found = linear_shapes(base_settings, base_named(EMBEDDED))
    assert found
    return found


@pytest.fixture
def lora(tmp_path: Path, shapes: Shapes) -> Path:
    return write_lora(tmp_path / "mine", shapes)


def problems(settings: Settings, folder: Path) -> str:
    return "\n".join(adapters.verify(settings, adapters.read(folder, "given")))


def test_a_sound_adapter_has_no_problems_and_is_listed_once_added(base_settings: Settings, lora: Path) -> None:
    assert adapters.verify(base_settings, adapters.read(lora, "given")) == []
    added = adapters.add(base_settings, lora)
    assert (added.name, added.base, added.origin) == ("mine", EMBEDDED, "added")
    assert adapters.find(base_settings, "mine") == added
    assert added.card["weights_sha256"] == added.sha256


def test_a_trained_adapter_keeps_its_card_and_a_taken_name_gets_a_number(base_settings: Settings, lora: Path) -> None:
    (lora / "card.json").write_text(
        json.dumps({"name": "x", "task": "complexity", "base": EMBEDDED, "metrics": {"a": 1}})
    )
    names = [adapters.install(base_settings, lora, name).name for name in ("night", "night", "Night")]
    assert names == ["night", "night-2", "Night-3"]
    found = adapters.find(base_settings, "night-2")
    assert (found.task, found.origin, found.card["metrics"]) == ("complexity", "trained", {"a": 1})


def test_only_the_known_files_are_copied(base_settings: Settings, lora: Path) -> None:
    (lora / "tokenizer_config.json").write_text('{"chat_template": "{{ evil }}", "auto_map": {"AutoModel": "x.py"}}')
    (lora / "x.py").write_text("raise SystemExit")
    (lora / "NOTICE").write_text("Gemma")
    added = adapters.add(base_settings, lora)
    assert sorted(path.name for path in added.path.iterdir()) == sorted(adapters.COPIED)


def test_an_unknown_name_lists_what_there_is(base_settings: Settings, lora: Path) -> None:
    adapters.add(base_settings, lora)
    with pytest.raises(NotFound, match="no adapter '../mine'; known: .*mine"):
        adapters.find(base_settings, "../mine")


def test_a_removed_adapter_is_gone_and_its_name_is_free(base_settings: Settings, lora: Path) -> None:
    adapters.add(base_settings, lora)
    adapters.remove(base_settings, "mine")
    with pytest.raises(NotFound):
        adapters.remove(base_settings, "mine")
    assert adapters.add(base_settings, lora).name == "mine"


@pytest.mark.parametrize("name", ["..", "../bases", "", ".lock"])
def test_nothing_but_an_adapter_can_be_removed(base_settings: Settings, lora: Path, name: str) -> None:
    adapters.add(base_settings, lora)
    with pytest.raises(NotFound):
        adapters.remove(base_settings, name)
    assert (base_settings.bases_dir / EMBEDDED).is_dir()


def test_shipped_adapters_are_sound_and_cannot_be_removed(base_settings: Settings) -> None:
    shipped = [a for a in adapters.adapters(base_settings).values() if a.origin == "shipped"]
    for adapter in shipped:
        assert adapters.verify(base_settings, adapter) == []
        assert adapter.task == adapter.name
        with pytest.raises(Refused, match="came with the program"):
            adapters.remove(base_settings, adapter.name)


def test_a_half_written_folder_is_not_listed(base_settings: Settings, lora: Path) -> None:
    for name, file in (("a", adapters.WEIGHTS), ("b", adapters.CONFIG), (".part-x", "")):
        shutil.copytree(lora, base_settings.adapters_dir / name)
        (base_settings.adapters_dir / name / file).unlink() if file else None
    (base_settings.adapters_dir / "link").symlink_to(lora)
    listed = {a.name for a in adapters.adapters(base_settings).values() if a.origin != "shipped"}
    assert listed == set()


def test_what_is_refused_leaves_nothing_behind(base_settings: Settings, lora: Path) -> None:
    (lora / "adapter_model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(
        Refused, match=r"Adapter mine cannot be used: adapter_model\.safetensors is no safetensors file"
    ):
        adapters.add(base_settings, lora)
    assert [path.name for path in base_settings.adapters_dir.iterdir()] == [".lock"]


def test_a_bad_name_is_refused(base_settings: Settings, lora: Path) -> None:
    with pytest.raises(BadInput, match="The adapter's name cannot be '../x'"):
        adapters.install(base_settings, lora, "../x")


def test_a_link_in_the_folder_is_not_followed(base_settings: Settings, lora: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("{}")
    (lora / "card.json").symlink_to(tmp_path / "secret")
    with pytest.raises(Refused, match=r"'card\.json' leads out of its folder"):
        adapters.add(base_settings, lora)


class Canary:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (os.environ["CANARY"],)


def test_a_pickle_is_refused_and_never_opened(
    base_settings: Settings, lora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", str(tmp_path / "canary"))
    (lora / "adapter_model.safetensors").write_bytes(pickle.dumps(Canary()))
    with pytest.raises(Refused, match="is no safetensors file"):
        adapters.add(base_settings, lora)
    (lora / "adapter_model.safetensors").rename(lora / "adapter_model.bin")
    with pytest.raises(BadInput, match=r"adapter_model\.safetensors is missing; only safetensors are accepted"):
        adapters.add(base_settings, lora)
    assert not (tmp_path / "canary").exists()


def drop(name: str) -> Callable[[Tensors], object]:
    return lambda tensors: tensors.pop(name)


def put(name: str, value: Any) -> Callable[[Tensors], object]:
    return lambda tensors: tensors.update({name: np.asarray(value)})


def poison(value: float) -> Callable[[Tensors], object]:
    return lambda tensors: tensors[Q0_B].__setitem__((3, 1), value)


SPOILED: dict[str, tuple[Callable[[Tensors], object], str]] = {
    "missing A": (drop(Q0_A), f"tensor {Q0}.lora_A.weight is missing"),
    "missing B": (drop(Q0_B), f"tensor {Q0}.lora_B.weight is missing"),
    "missing layer": (lambda t: (t.pop(Q0_A), t.pop(Q0_B)), f"tensor {Q0}.lora_A.weight is missing"),
    "rank": (put(Q0_A, np.ones((5, 640), np.float32)), f"{Q0}.lora_A.weight is 5 x 640, rank 4 on Gemma 3 270M"),
    "shape": (put(Q0_B, np.ones((1000, 4), np.float32)), f"{Q0}.lora_B.weight is 1000 x 4, rank 4 on .* 1024 x 4"),
    "no shape": (put(Q0_B, np.float32(1)), f"{Q0}.lora_B.weight is a single number"),
    "embedding": (put(f"{PREFIX}embed_tokens.weight", np.ones((2, 2), np.float32)), "embed_tokens.weight is not part"),
    "layer 18": (put(f"{PREFIX}layers.18.mlp.up_proj.lora_A.weight", np.ones((4, 640), np.float32)), "has no layer"),
    "magnitude": (put(f"{PREFIX}{Q0}.lora_magnitude_vector", np.ones(1024, np.float32)), "does not belong"),
    "NaN": (poison(float("nan")), f"{Q0_B} holds values that are no numbers"),
    "infinity": (poison(float("-inf")), f"{Q0_B} holds values that are no numbers"),
    "odd dtype": (put(Q0_A, np.ones((4, 640), np.int32)), f"{Q0_A} has type 'I32'"),
}


@pytest.mark.parametrize("change, sentence", SPOILED.values(), ids=SPOILED)
def test_weights_that_do_not_fit_are_named(
    base_settings: Settings, shapes: Shapes, tmp_path: Path, change: Callable[[Tensors], object], sentence: str
) -> None:
    assert re.search(sentence, problems(base_settings, write_lora(tmp_path / "x", shapes, change=change)))


def test_bf16_weights_are_looked_at_too(base_settings: Settings, lora: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    tensors = {name: tensor.bfloat16() for name, tensor in load_file(lora / adapters.WEIGHTS).items()}
    save_file(tensors, lora / adapters.WEIGHTS)
    assert problems(base_settings, lora) == ""
    tensors[Q0_B][0, 0] = torch.nan
    save_file(tensors, lora / adapters.WEIGHTS)
    assert f"{Q0_B} holds values" in problems(base_settings, lora)


CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "another kind": ({"peft_type": "IA3"}, "is for IA3/CAUSAL_LM, accepted is a LORA"),
    "another task": ({"task_type": "SEQ_CLS"}, "is for LORA/SEQ_CLS"),
    "auto mapping": ({"auto_mapping": {"parent_library": "os"}}, "names code to import .auto_mapping="),
    "whole modules": ({"modules_to_save": ["embed_tokens"]}, "carries whole modules of the base .modules_to_save="),
    "bias": ({"bias": "some"}, "bias must be one of none, all, lora_only, got 'some'"),
    "initialiser": ({"init_lora_weights": "pissa"}, "not plain LoRA .init_lora_weights=pissa"),
    "unknown key": ({"exec_on_load": None}, "unknown setting 'exec_on_load'"),
    "pattern for modules": ({"target_modules": "(a+)+$"}, "target_modules must be a list"),
    "pattern in the list": ({"target_modules": ["(a+)+$"]}, "target_modules must be a list of module names"),
    "pattern in ranks": ({"rank_pattern": {"(a+)+$": 4}}, "r: its pattern must map module names"),
    "rank 4096": ({"r": 4096}, "r must be between 1 and 512, got '4096'"),
    "rank true": ({"r": True}, "r must be between"),
    "no alpha": ({"lora_alpha": None}, "lora_alpha must be between"),
    "layers subset": ({"layers_to_transform": [0]}, "layers_to_transform="),
    "other base": ({"base_model_name_or_path": "microsoft/phi-2"}, "Phi-2"),
    "unknown base": ({"base_model_name_or_path": "/root/evil"}, "for the base '/root/evil', which is not known"),
    "no target": ({"target_modules": ["q_proj"]}, "target_modules does not name"),
}


@pytest.mark.parametrize("config, sentence", CONFIGS.values(), ids=CONFIGS)
def test_a_configuration_that_asks_for_more_than_lora_is_refused(
    base_settings: Settings, shapes: Shapes, tmp_path: Path, config: dict[str, Any], sentence: str
) -> None:
    folder = write_lora(tmp_path / "x", shapes, config=config)
    if "phi" in str(config.get("base_model_name_or_path")):  # not downloaded: its sizes are unknown, its card decides
        (folder / "card.json").write_text(json.dumps({"base": EMBEDDED}))
        sentence = "card.json says base gemma-3-270m, adapter_config.json says microsoft/phi-2"
    assert re.search(sentence, problems(base_settings, folder))


@pytest.mark.parametrize("text", ["[]", "{", '{"r": NaN}', "[" * 100_000, '{"x": "' + "y" * (10 << 20) + '"}'])
def test_a_configuration_that_is_no_small_object_is_refused(base_settings: Settings, lora: Path, text: str) -> None:
    (lora / "adapter_config.json").write_text(text)
    with pytest.raises(BadInput, match=r"mine/adapter_config\.json is not a JSON object"):
        adapters.add(base_settings, lora)


def test_an_adapter_of_other_weights_of_the_base_is_refused(base_settings: Settings, lora: Path) -> None:
    (lora / "card.json").write_text(json.dumps({"base": EMBEDDED, "base_sha256": "0" * 64}))
    assert "trained on other weights of Gemma 3 270M" in problems(base_settings, lora)


def test_weights_that_changed_after_the_card_are_refused(base_settings: Settings, lora: Path) -> None:
    added = adapters.add(base_settings, lora)
    adapters.check(base_settings, added)
    data = bytearray(added.weights.read_bytes())
    data[-1] ^= 1
    added.weights.write_bytes(data)
    with pytest.raises(Refused, match="its weights are not those of its card.json"):
        adapters.check(base_settings, adapters.find(base_settings, "mine"))


def test_an_adapter_for_a_larger_base_is_told_by_its_sizes(
    base_settings: Settings, shapes: Shapes, tmp_path: Path
) -> None:
    larger = {name: (2 * out, 2 * into) for name, (out, into) in shapes.items()}
    found = problems(base_settings, write_lora(tmp_path / "x", larger))
    assert "rank 4 on Gemma 3 270M (embedded) needs 4 x 640" in found


def test_dora_needs_its_magnitudes(base_settings: Settings, shapes: Shapes, tmp_path: Path) -> None:
    def magnitudes(tensors: Tensors) -> None:
        for module, (out, _) in shapes.items():
            tensors[f"{PREFIX}{module}.lora_magnitude_vector"] = np.ones(out, np.float32)

    dora = {"use_dora": True}
    assert problems(base_settings, write_lora(tmp_path / "a", shapes, config=dora, change=magnitudes)) == ""
    assert "lora_magnitude_vector is missing" in problems(
        base_settings, write_lora(tmp_path / "b", shapes, config=dora)
    )


def test_ranks_by_pattern_are_checked_layer_by_layer(base_settings: Settings, shapes: Shapes, tmp_path: Path) -> None:
    def ranks(module: str) -> int:
        return 6 if module == Q0 else 2 if module.endswith("up_proj") else 4

    pattern = {"rank_pattern": {Q0: 6, "up_proj": 2}}
    assert problems(base_settings, write_lora(tmp_path / "a", shapes, rank_of=ranks, config=pattern)) == ""
    assert "is 6 x 640, rank 4" in problems(base_settings, write_lora(tmp_path / "b", shapes, rank_of=ranks))


def test_without_the_base_the_sizes_stay_open_but_the_rest_is_checked(
    base_settings: Settings, lora: Path, tmp_path: Path, shapes: Shapes
) -> None:
    nowhere = replace(base_settings, data_dir=tmp_path / "nowhere")
    assert problems(nowhere, lora) == ""
    spoiled = write_lora(tmp_path / "spoiled", shapes, change=drop(Q0_B))
    assert f"{Q0}.lora_B.weight is missing" in problems(nowhere, spoiled)
