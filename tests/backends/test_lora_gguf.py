from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends import adapters
from backends.base import Segment
from backends.bases import embedded, tokenizer
from backends.bases.base_shapes import linear_shapes
from backends.bases.gguf_meta import Shapes, read_metadata
from backends.catalog import EMBEDDED, base_named
from backends.errors import Refused, Unavailable
from backends.lora import lora_config, lora_gguf
from backends.lora.lora_gguf import Heads
from backends.settings import Settings
from tests.parts.f16_gguf import write_f16_base
from tests.parts.loras import PREFIX, Tensors, write_lora

SMALL: Shapes = {
    f"layers.{n}.{module}": shape
    for n in range(2)
    for module, shape in {"self_attn.q_proj": (8, 6), "self_attn.k_proj": (4, 6), "mlp.up_proj": (10, 6)}.items()
}
MODULES = ["q_proj", "k_proj", "up_proj"]


def small(folder: Path, base: str = EMBEDDED, **options: Any) -> adapters.Adapter:
    return replace(adapters.read(write_lora(folder, SMALL, modules=MODULES, **options), "given"), base=base)


def deltas(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """What llama.cpp adds to each matrix: alpha / rank x B A, as its source computes it."""
    from gguf import GGUFReader

    reader = GGUFReader(path)
    alpha = reader.fields["adapter.lora.alpha"].contents()
    tensors = {tensor.name: tensor.data.astype(np.float32) for tensor in reader.tensors}
    names = {name.removesuffix(".lora_a") for name in tensors if name.endswith(".lora_a")}
    assert len(tensors) == 2 * len(names)
    return {
        name: alpha / tensors[f"{name}.lora_a"].shape[0] * tensors[f"{name}.lora_b"] @ tensors[f"{name}.lora_a"]
        for name in names
    }


RECIPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "rslora": {"use_rslora": True},
    "patterns": {"alpha_pattern": {"layers.1.mlp.up_proj": 3}, "rank_pattern": {"k_proj": 2}},
    "patterns and rslora": {"alpha_pattern": {"q_proj": 5.5}, "rank_pattern": {"up_proj": 9}, "use_rslora": True},
}


@pytest.mark.parametrize("config", RECIPES.values(), ids=RECIPES)
def test_each_layer_keeps_its_own_strength(tmp_path: Path, config: dict[str, Any]) -> None:
    from safetensors.numpy import load_file

    full = {"r": 4} | config
    adapter = small(tmp_path / "x", config=config, rank_of=lambda module: lora_config.rank(full, module))
    lora_gguf.convert(adapter, tmp_path / "x.gguf")
    tensors, found = load_file(adapter.weights), deltas(tmp_path / "x.gguf")
    words = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "mlp.up_proj": "ffn_up"}
    assert len(found) == len(SMALL)
    for module in SMALL:
        _, layer, path = module.split(".", 2)
        a, b = (tensors[f"{PREFIX}{module}.lora_{part}.weight"] for part in "AB")
        r = a.shape[0]
        alpha = config.get("alpha_pattern", {}).get(
            module, config.get("alpha_pattern", {}).get(module.split(".")[-1], 8)
        )
        scale = alpha / (r**0.5 if config.get("use_rslora") else r)
        np.testing.assert_allclose(found[f"blk.{layer}.{words[path]}.weight"], scale * b @ a, rtol=5e-3, atol=1e-4)


@pytest.mark.parametrize("base, name", [("qwen3-0.6b", "qwen3"), ("phi-2", "phi2"), ("gemma-3-4b-it", "gemma3")])
def test_the_file_names_its_architecture(tmp_path: Path, base: str, name: str) -> None:
    lora_gguf.convert(small(tmp_path / "x", base), tmp_path / "x.gguf")
    metadata = read_metadata(tmp_path / "x.gguf")
    assert (metadata["general.architecture"], metadata["general.type"]) == (name, "adapter")
    assert (metadata["adapter.type"], metadata["adapter.lora.alpha"]) == ("lora", 8.0)


def test_rotary_halves_of_llama_are_interleaved_in_q_and_k_only(tmp_path: Path) -> None:
    adapter = small(tmp_path / "x", "llama-3.1-8b-instruct")
    lora_gguf.convert(adapter, tmp_path / "llama.gguf", Heads(q_proj=2, k_proj=1))
    lora_gguf.convert(replace(adapter, base="qwen3-0.6b"), tmp_path / "qwen.gguf")
    llama, qwen = deltas(tmp_path / "llama.gguf"), deltas(tmp_path / "qwen.gguf")
    # a head of 4 rows: transformers keeps the halves (0 1 | 2 3), llama.cpp the pairs (0 2)(1 3)
    np.testing.assert_array_equal(llama["blk.1.attn_q.weight"], qwen["blk.1.attn_q.weight"][[0, 2, 1, 3, 4, 6, 5, 7]])
    np.testing.assert_array_equal(llama["blk.1.attn_k.weight"], qwen["blk.1.attn_k.weight"][[0, 2, 1, 3]])
    np.testing.assert_array_equal(llama["blk.1.ffn_up.weight"], qwen["blk.1.ffn_up.weight"])


def refused(adapter: adapters.Adapter, out: Path) -> str:
    with pytest.raises(Refused) as caught:
        lora_gguf.convert(adapter, out)
    assert not out.exists() and list(out.parent.glob(f".{out.name}*")) == []
    return str(caught.value)


def test_what_llama_cpp_cannot_apply_is_refused_with_the_way_out(tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"

    def huge(tensors: Tensors) -> None:
        tensors[f"{PREFIX}layers.0.mlp.up_proj.lora_B.weight"][0, 0] = 1e6

    assert "uses DoRA" in refused(small(tmp_path / "a", config={"use_dora": True}), out)
    assert "merge it into its base first" in refused(small(tmp_path / "b", config={"bias": "lora_only"}), out)
    assert "modules_to_save" in refused(small(tmp_path / "c", config={"modules_to_save": ["lm_head"]}), out)
    assert "llama4" in refused(small(tmp_path / "d", "llama-4-scout-17b-16e-instruct"), out)
    assert "once llama-3.1-8b-instruct has been" in refused(small(tmp_path / "e", "llama-3.1-8b-instruct"), out)
    assert "too large for 16 bits" in refused(small(tmp_path / "f", change=huge), out)


def test_weights_that_were_swapped_after_the_check_are_refused(tmp_path: Path) -> None:
    adapter = small(tmp_path / "x")
    data = bytearray(adapter.weights.read_bytes())
    data[-1] ^= 1
    adapter.weights.write_bytes(data)
    assert "changed while they were read" in refused(adapter, tmp_path / "out.gguf")


def test_a_file_is_converted_once_for_its_weights_and_configuration(settings: Settings, tmp_path: Path) -> None:
    adapter = small(tmp_path / "a")
    path = lora_gguf.cached(settings, adapter)
    written = path.stat().st_mtime_ns
    assert lora_gguf.cached(settings, adapter) == path and path.stat().st_mtime_ns == written
    other = lora_gguf.cached(settings, small(tmp_path / "b", config={"lora_alpha": 16}))
    assert other != path and adapter.sha256 in path.name


def test_a_full_disk_is_said_and_nothing_is_left(settings: Settings, tmp_path: Path) -> None:
    import resource

    adapter = small(tmp_path / "x")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(Unavailable, match="Converting adapter x for llama.cpp stopped: the disk of"):
            lora_gguf.cached(settings, adapter)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((settings.cache_dir / "lora-gguf").iterdir()) == []


PROMPTS = [
    "Rate the complexity of this function from 1 to 10.\n\nCode:\nfunction f(a) {\n  return a + 1;\n}\nScore:\n",
    "The capital of France is",
    "def fibonacci(n):\n    if n < 2:\n",
    "Question: What is 12 * 12?\nAnswer:",
]
STEPS, TOP = 10, 100

Steps = list[tuple[int, dict[int, float]]]  # per step: the chosen token, and the top tokens' log-probabilities


@pytest.fixture
def model(base_settings: Settings) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    folder = embedded.weights_dir(base_settings)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.fixture
def lora(base_settings: Settings, tmp_path: Path) -> adapters.Adapter:
    shapes = linear_shapes(base_settings, base_named(EMBEDDED))
    assert shapes

    def as_strong_as_trained(tensors: Tensors) -> None:
        for name in tensors:
            if "lora_B" in name:
                tensors[name] *= 0.1

    return adapters.add(base_settings, write_lora(tmp_path / "random", shapes, change=as_strong_as_trained))


@pytest.fixture
def engine(base_settings: Settings, lora: adapters.Adapter, tmp_path: Path) -> Iterator[Any]:
    """llama.cpp itself on an F16 file of the same weights, with the converted adapter loaded."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(write_f16_base(base_settings, tmp_path / "f16.gguf"))
    params.n_ctx, params.n_parallel, params.verbosity = 512, 1, -1
    params.hostnames = [str(tmp_path / "engine.sock")]
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(lora_gguf.cached(base_settings, lora)), 1.0)]
    yield xllamacpp.Server(params)
    (tmp_path / "f16.gguf").unlink()


def by_llama_cpp(engine: Any, prompt: list[int], scale: float) -> Steps:
    body = {"prompt": prompt, "max_tokens": STEPS, "temperature": 0, "n_probs": TOP, "cache_prompt": False}
    answer = engine.handle_completions(body | {"ignore_eos": True, "lora": [{"id": 0, "scale": scale}]})
    assert "error" not in answer, answer
    steps = answer["choices"][0]["logprobs"]["content"]
    return [(s["id"], {top["id"]: top["logprob"] for top in s["top_logprobs"]}) for s in steps]


def by_transformers(model: Any, prompt: list[int], steps: Steps) -> Any:
    """Log-probabilities (step, token) along the very tokens that llama.cpp chose."""
    import torch

    ids = torch.tensor([prompt + [token for token, _ in steps[:-1]]])
    with torch.no_grad():
        return model(input_ids=ids).logits[0, len(prompt) - 1 :].log_softmax(-1).numpy()


def compare(engine: Any, model: Any, prompts: list[list[int]], scale: float) -> float:
    """The largest |difference| of log-probabilities; every greedy choice must be the same."""
    worst = 0.0
    for prompt in prompts:
        steps = by_llama_cpp(engine, prompt, scale)
        theirs = by_transformers(model, prompt, steps)
        for (token, top), row in zip(steps, theirs, strict=True):
            assert token == row.argmax()
            worst = max(worst, *(abs(row[i] - logprob) for i, logprob in top.items()))
    return worst


@pytest.mark.model
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # PEFT's own call
def test_base_and_converted_adapter_give_the_logits_of_transformers(
    base_settings: Settings, engine: Any, model: Any, lora: adapters.Adapter
) -> None:
    from peft import PeftModel

    tokens = tokenizer.load(base_settings, base_named(EMBEDDED))
    prompts = [tokens.encode([Segment(text)]) for text in PROMPTS]
    base = compare(engine, model, prompts, scale=0.0)
    plain = by_transformers(model, prompts[0], by_llama_cpp(engine, prompts[0], 1.0))
    adapted = PeftModel.from_pretrained(model, lora.path)
    with_adapter = compare(engine, adapted, prompts, scale=1.0)
    tuned = by_transformers(adapted, prompts[0], by_llama_cpp(engine, prompts[0], 1.0))
    print(f"max |log-prob difference|: base {base:.3f}, adapter {with_adapter:.3f}")
    assert base < 0.1 and with_adapter < 0.1
    # the adapter is no small matter: without it, or at half its strength, the figures above would be far off
    assert np.abs(plain - tuned).max() > 1.0
