"""The transformers engine on a random two-layer base: NF4 and 8-bit, adapters in one batch, memory that ends."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backends import adapters
from backends.base import Chunk, Constraint, Request, Segment
from backends.bases.base_shapes import linear_shapes
from backends.catalog import base_named, bases
from backends.engines import _load_plan, transformers_peft
from backends.engines._load_plan import LoadPlan
from backends.engines._peft_model import MAX_ADAPTERS, PeftBase
from backends.engines.transformers_peft import TransformersPeft
from backends.errors import BadInput, Refused, Unavailable
from backends.settings import Settings, settings
from tests.parts import random_adapter, wide_base
from tests.parts.loras import Tensors, write_lora
from tests.parts.tiny_base import NAME, catalog

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # libraries about each other
    pytest.mark.filterwarnings("ignore::UserWarning:(peft|transformers|torch|bitsandbytes)"),
]
PROMPTS = {None: "Hello", "red": "A longer question than the others", "blue": "No?", "narrow": "What now"}
EXACT = LoadPlan(dtype="float32")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACR_CATALOG", str(catalog(folder / "catalog")))
        forget()
        made = Settings(data_dir=folder / "data", catalog=folder / "catalog")
        wide_base.prepare(made)
        for seed, (name, rank) in enumerate({"red": 4, "blue": 8, "narrow": 2}.items()):
            random_adapter.make(made, name, strength=0.5, seed=seed, rank=rank, on=NAME)
        yield made
    forget()


def forget() -> None:
    settings.cache_clear()
    bases.cache_clear()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Layers this small wait for their threads longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def exact(place: Settings, monkeypatch: pytest.MonkeyPatch) -> TransformersPeft:
    """The engine with the base in fp32, where the order of sums does not decide a token."""
    monkeypatch.setattr(_load_plan, "plans", lambda *_: [EXACT])
    return TransformersPeft(place, parallel=1)


def asked(adapter: str | None, **options: object) -> Request:
    options = {"max_new_tokens": 24} | options
    return Request(NAME, (Segment(PROMPTS.get(adapter, "Hello")),), adapter=adapter, **options)  # type: ignore[arg-type]


def alone(engine: TransformersPeft, request: Request) -> list[Chunk]:
    return list(engine.generate(request, lambda: False))


def together(engine: TransformersPeft, *requests: Request) -> list[list[Chunk]]:
    rows: list[list[Chunk]] = [[] for _ in requests]
    for row, chunk in engine.generate_together(requests, lambda: False):
        rows[row].append(chunk)
    return rows


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def test_a_batch_of_adapters_and_the_base_answers_as_each_does_alone(exact: TransformersPeft) -> None:
    requests = [asked(name) for name in ("red", None, "blue", "narrow", "red")]
    requests[3] = asked("narrow", constraint=Constraint("lark", 'start: "yes" | "no way"'))
    requests[4] = asked("red", max_new_tokens=5, temperature=1.5, seed=3)
    single = [alone(exact, request) for request in requests]
    batch = together(exact, *requests)
    assert [text_of(row) for row in batch] == [text_of(row) for row in single]
    assert len({text_of(row) for row in batch}) == len(requests), "the rows must be told apart by their answers"
    assert [row[-1].receipt for row in batch] == [row[-1].receipt for row in single]
    assert [row[-1].finish for row in batch] == [row[-1].finish for row in single]
    assert text_of(alone(exact, requests[1])) == text_of(single[1]), "the base is the base again afterwards"


def test_a_cancelled_batch_ends_every_row_at_the_next_token(exact: TransformersPeft) -> None:
    gone = iter([False, False, *[True] * 10])
    rows: list[list[Chunk]] = [[], []]
    for row, chunk in exact.generate_together([asked("red"), asked(None)], lambda: next(gone)):
        rows[row].append(chunk)
    assert [row[-1].finish for row in rows] == ["cancelled"] * 2
    assert [row[-1].usage.new_tokens for row in rows if row[-1].usage] == [2, 2]


def test_a_dora_is_refused_in_a_batch_with_the_reason(exact: TransformersPeft, place: Settings, tmp_path: Path) -> None:
    def magnitudes(tensors: Tensors) -> None:
        for key in [key for key in tensors if key.endswith("lora_B.weight")]:
            size = tensors[key].shape[0]
            tensors[key.replace("lora_B.weight", "lora_magnitude_vector")] = np.ones(size, np.float32)

    shapes = linear_shapes(place, base_named(NAME)) or {}
    dora = {"use_dora": True, "base_model_name_or_path": "tests/tiny"}
    folder = write_lora(tmp_path / "dora", shapes, config=dora, card={"name": "dora", "base": NAME}, change=magnitudes)
    adapters.install(place, folder, "dora")
    assert alone(exact, asked("dora"))[-1].receipt
    with pytest.raises(Refused, match="dora is a DoRA: .* cannot differ between the rows"):
        together(exact, asked("dora"), asked(None))


@pytest.mark.parametrize(
    ("requests", "says"),
    [
        ([], "1 to 16 requests"),
        ([asked(None)] * 17, "1 to 16 requests"),
        ([asked(None), Request("gemma-3-270m", (Segment("Hello"),))], "need the same base"),
        ([asked(None, constraint=Constraint("choices", ["a", "b"]))], "ask for it alone"),
    ],
    ids=["none", "too many", "two bases", "a choice"],
)
def test_a_batch_that_cannot_be_is_refused(exact: TransformersPeft, requests: list[Request], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        together(exact, *requests)


def test_at_most_eight_adapters_stay_in_memory(exact: TransformersPeft, place: Settings) -> None:
    for number in range(MAX_ADAPTERS + 1):
        random_adapter.make(place, f"many-{number}", strength=0.5, seed=20 + number, on=NAME)
    told = [text_of(alone(exact, asked(f"many-{number}"))) for number in range(MAX_ADAPTERS + 1)]
    assert exact._model and len(exact._model._loaded) == len(exact._model._peft.peft_config) == MAX_ADAPTERS
    assert text_of(alone(exact, asked("many-0"))) == told[0], "the one that had to leave comes back"
    with pytest.raises(BadInput, match="9 adapters at once"):
        together(exact, *(asked(f"many-{number}") for number in range(MAX_ADAPTERS + 1)))


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_a_quantised_base_answers_with_and_without_an_adapter(place: Settings, quantization: str) -> None:
    from bitsandbytes.nn import Linear4bit, Linear8bitLt

    engine = TransformersPeft(replace(place, quantization=quantization), parallel=1)
    engine.prepare(NAME, lambda what, fraction: None)
    assert engine._model
    kind = Linear4bit if quantization == "nf4" else Linear8bitLt
    layers = [module for module in engine._model.model.modules() if isinstance(module, kind)]
    assert len(layers) == 14, "every linear layer of the two blocks"
    if quantization == "nf4":
        states = [layer.weight.quant_state for layer in layers]
        assert all(state.nested and state.quant_type == "nf4" for state in states), "double quantisation"
    base, red = alone(engine, asked(None)), alone(engine, asked("red"))
    assert text_of(base) != text_of(red) and text_of(alone(engine, asked(None))) == text_of(base)
    assert red[-1].receipt and red[-1].receipt.scale == 1.0
    assert _load_plan.IN_WORDS[quantization] in red[-1].receipt.note


def short_of_memory(*_: object, **__: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_a_base_that_does_not_fit_is_loaded_in_the_next_smaller_form(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small_card(folder: Path, plan: LoadPlan) -> PeftBase:
        return short_of_memory() or PeftBase(folder, plan) if plan.quantization == "none" else PeftBase(folder, plan)

    monkeypatch.setattr(transformers_peft, "PeftBase", small_card)
    engine = TransformersPeft(place, parallel=1)
    assert "4-bit (NF4)" in str(alone(engine, asked("red"))[-1].receipt)


def test_memory_that_ends_before_the_first_word_costs_precision_and_not_the_answer(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = transformers_peft.decode

    def tight(model: PeftBase, *rest: object) -> Iterator[int]:
        if model.plan.quantization == "none":
            short_of_memory()
        yield from real(model, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(transformers_peft, "decode", tight)
    told = alone(TransformersPeft(place, parallel=1), asked("red"))
    assert told[-1].usage and "4-bit (NF4)" in str(told[-1].receipt)


def test_memory_that_ends_in_the_middle_is_told_and_the_next_answer_is_smaller(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = transformers_peft.decode

    def tight(model: PeftBase, *rest: object) -> Iterator[int]:
        for number, token in enumerate(real(model, *rest)):  # type: ignore[arg-type]
            if number == 8 and model.plan.quantization == "none":
                short_of_memory()
            yield token

    monkeypatch.setattr(transformers_peft, "decode", tight)
    engine = TransformersPeft(place, parallel=1)
    with pytest.raises(Unavailable, match="in the middle of the answer"):
        alone(engine, asked("red"))
    assert "4-bit (NF4)" in str(alone(engine, asked("red"))[-1].receipt)


def test_a_base_that_fits_in_no_form_is_told(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformers_peft, "PeftBase", short_of_memory)
    with pytest.raises(Unavailable, match="does not fit into memory"):
        alone(TransformersPeft(place, parallel=1), asked(None))


def test_a_placed_base_stays_beside_the_one_that_is_asked(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TransformersPeft(place, parallel=1)
    engine.place(NAME, lambda what, fraction: None)
    held = engine._placed[NAME]
    assert alone(engine, asked("red"))[-1].receipt and engine._model is None
    assert engine._placed[NAME] is held


def test_a_batch_too_large_for_the_memory_is_told_and_single_answers_go_on(
    exact: TransformersPeft, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformers_peft, "decode_together", short_of_memory)
    with pytest.raises(Unavailable, match="not enough memory for 2 answers at once"):
        together(exact, asked("red"), asked(None))
    assert alone(exact, asked("red"))[-1].receipt
