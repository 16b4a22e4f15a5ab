"""The transformers engine on the real embedded base: exact where it can be, and itself again after every adapter."""

import threading
from pathlib import Path

import pytest

from backends import adapters, zero_gpu
from backends.base import AnswerReceipt, Chunk, Constraint, Request, Segment
from backends.bases import embedded, tokenizer
from backends.catalog import EMBEDDED, base_named
from backends.engines import _peft_model
from backends.engines._text import Decoder
from backends.engines.transformers_peft import TransformersPeft
from backends.errors import BadInput
from backends.settings import Settings
from tests.parts.random_adapter import make

pytestmark = pytest.mark.model
CUE = "The capital of France is"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, prepared_bases: Path) -> Settings:
    place = Settings(data_dir=tmp_path_factory.mktemp("transformers"))
    place.bases_dir.symlink_to(prepared_bases)
    make(place, "strong", strength=0.1)
    make(place, "other", strength=0.1, seed=1, rank=8)
    make(place, "idle", strength=0.0)
    return place


@pytest.fixture(scope="module")
def engine(place: Settings) -> TransformersPeft:
    engine = TransformersPeft(place, parallel=1)
    engine.prepare(EMBEDDED, lambda what, fraction: None)
    return engine


def chunks(engine: TransformersPeft, text: str = CUE, **options: object) -> list[Chunk]:
    options = {"max_new_tokens": 12} | options
    request = Request(EMBEDDED, (Segment(text),), **options)  # type: ignore[arg-type]
    return list(engine.generate(request, lambda: False))


def text_of(parts: list[Chunk]) -> str:
    return "".join(part.text for part in parts)


def receipt_of(parts: list[Chunk]) -> AnswerReceipt:
    assert parts[-1].receipt
    return parts[-1].receipt


def test_greedy_answers_equal_those_of_transformers_own_generate(engine: TransformersPeft, place: Settings) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    tokens = tokenizer.load(place, base_named(EMBEDDED))
    model = AutoModelForCausalLM.from_pretrained(embedded.weights_dir(place), dtype=torch.bfloat16)
    for text in (CUE, "def add(a, b):\n    return", "Q: 2+2?\nA:"):
        ids = torch.tensor([tokens.encode([Segment(text)])])
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
        assert text_of(chunks(engine, text)) == tokens.decode(out[0, ids.shape[1] :].tolist())


def test_each_answer_has_its_own_adapter_and_the_base_stays_the_base(engine: TransformersPeft, place: Settings) -> None:
    base = text_of(chunks(engine))
    told = {name: chunks(engine, adapter=name) for name in ("strong", "other", "idle")}
    assert len({base, text_of(told["strong"]), text_of(told["other"])}) == 3
    assert text_of(told["idle"]) == base
    for name, parts in told.items():
        sha256 = adapters.find(place, name).sha256
        assert receipt_of(parts) == AnswerReceipt("transformers", EMBEDDED, name, sha256, 1.0)
    back = chunks(engine)
    assert text_of(back) == base
    assert receipt_of(back) == AnswerReceipt("transformers", EMBEDDED, None, None, 0.0)


def test_questions_at_the_same_time_keep_their_adapters(engine: TransformersPeft) -> None:
    alone = {name: text_of(chunks(engine, adapter=name)) for name in (None, "strong", "other")}
    together: dict[str | None, str] = {}
    threads = [
        threading.Thread(target=lambda name=name: together.update({name: text_of(chunks(engine, adapter=name))}))
        for name in alone
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_a_probe_is_exact(engine: TransformersPeft) -> None:
    assert engine.probe(EMBEDDED, "idle").effect == 0.0
    assert engine.probe(EMBEDDED, "strong").effect > 0.1


def test_an_adapter_that_had_to_leave_comes_back(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_peft_model, "MAX_ADAPTERS", 1)
    engine = TransformersPeft(place, parallel=1)
    engine.prepare(EMBEDDED, lambda what, fraction: None)
    first = text_of(chunks(engine, adapter="strong"))
    assert text_of(chunks(engine, adapter="other")) != first
    assert text_of(chunks(engine, adapter="strong")) == first


def test_the_same_seed_gives_the_same_answer_and_another_seed_another(engine: TransformersPeft) -> None:
    first, again, other = (text_of(chunks(engine, temperature=1.2, seed=seed)) for seed in (7, 7, 8))
    assert first == again != other


def test_a_stop_string_ends_the_answer_and_is_not_shown(engine: TransformersPeft) -> None:
    free = text_of(chunks(engine))
    word = free.split()[2]
    stopped = chunks(engine, stop=(word,))
    assert stopped[-1].finish == "stop"
    assert text_of(stopped) == free[: free.index(word)]


@pytest.mark.parametrize(
    ("constraint", "accepted"),
    [
        (Constraint("choices", [" Rome", " Oslo"]), (" Rome", " Oslo")),
        (Constraint("json_schema", {"type": "integer", "minimum": 3, "maximum": 4}), ("3", "4")),
    ],
    ids=["choices", "json_schema"],
)
def test_a_constraint_is_kept(engine: TransformersPeft, constraint: Constraint, accepted: tuple[str, ...]) -> None:
    for temperature in (0.0, 2.0):
        parts = chunks(engine, constraint=constraint, adapter="strong", temperature=temperature)
        assert text_of(parts) in accepted and parts[-1].finish == "stop"


def test_cancelling_stops_at_the_next_token(engine: TransformersPeft) -> None:
    asked = Request(EMBEDDED, (Segment("Once upon a time"),), max_new_tokens=500)
    stop = threading.Event()
    answer = engine.generate(asked, stop.is_set)
    next(answer)
    stop.set()
    rest = list(answer)
    assert len(rest) == 1 and rest[0].finish == "cancelled"
    assert text_of(chunks(engine))  # the turn was given back


def test_a_prompt_beyond_the_limit_is_refused_with_both_numbers(engine: TransformersPeft) -> None:
    with pytest.raises(BadInput, match=r"5,002 tokens; .* at most 4,084"):
        chunks(engine, "word " * 5000)


def test_characters_are_whole_and_a_cut_one_is_dropped(base_settings: Settings) -> None:
    tokens = tokenizer.load(base_settings, base_named(EMBEDDED))
    text = "héllo 👩🏽‍🚀 ⼦꧁ end"
    ids = tokens.encode_text(text)
    whole = Decoder(tokens)
    pieces = [whole.feed(token) for token in ids]
    assert "".join(pieces) + whole.rest() == text
    assert not any("\ufffd" in piece for piece in pieces)
    cut = Decoder(tokens)
    told = "".join(cut.feed(token) for token in ids[: len(ids) // 2]) + cut.rest()
    assert text.startswith(told) and told


def test_the_zero_gpu_door_speaks_the_same_operations(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import gradio

    monkeypatch.setattr(zero_gpu, "settings", lambda: place)
    for kept in (zero_gpu._operations, zero_gpu._engine):
        kept.cache_clear()
    request = Request(EMBEDDED, (Segment(CUE),), adapter="strong", max_new_tokens=3)
    lines = list(zero_gpu.gpu_call("generate", {"backend": "transformers", "request": request.to_wire()}))
    assert lines.pop()["spent"] > 0
    assert receipt_of([Chunk.from_wire(line) for line in lines]).adapter == "strong"
    with pytest.raises(gradio.Error, match="no operation 'dance'"):
        list(zero_gpu.gpu_call("dance", {}))
    for kept in (zero_gpu._operations, zero_gpu._engine):
        kept.cache_clear()
