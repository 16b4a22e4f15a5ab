"""One answer of a few: how likely each is as a whole, on both engines, against a reckoning of its own."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends import adapters
from backends.base import Chunk, Constraint, Request, Segment
from backends.bases import tokenizer
from backends.catalog import EMBEDDED, base_named
from backends.engine_client import Engine
from backends.engines import _decoding, transformers_peft
from backends.engines._choice import choose
from backends.errors import BadInput
from backends.files import write_json
from backends.settings import Settings
from finetune import ask, formats
from finetune.scoring import calibration
from finetune.tasks.observer_utility import LABELS, TASK
from tests.parts.random_adapter import make

#: of different lengths; two begin alike, and one is the beginning of another
CITIES = (" Paris", " Paris, of course", " Oslo", " the city of Paris")
CUE = "The capital of France is"


def asked(choices: tuple[str, ...] = CITIES, text: str = CUE, **options: object) -> Request:
    return Request(EMBEDDED, (Segment(text),), constraint=Constraint("choices", list(choices)), **options)  # type: ignore[arg-type]


def whole(chunks: list[Chunk]) -> tuple[str, dict[str, float]]:
    """The answer with its probabilities, which are in the last chunk alone."""
    assert not any(chunk.probabilities for chunk in chunks[:-1])
    assert chunks[-1].probabilities and chunks[-1].finish == "stop" and chunks[-1].receipt
    return "".join(chunk.text for chunk in chunks), chunks[-1].probabilities


# The choice.


def test_probabilities_are_shares_of_what_the_choices_have_together():
    answer, shares = choose(asked(("a", "b")), {"a": math.log(0.02), "b": math.log(0.06)})
    assert answer == "b" and shares == pytest.approx({"a": 0.25, "b": 0.75})


def test_choices_that_are_all_most_unlikely_are_told_apart():
    assert choose(asked(("a", "b")), {"a": -2000.0, "b": -2001.0})[1]["a"] == pytest.approx(1 / (1 + math.exp(-1)))


def test_above_temperature_zero_one_is_drawn_with_the_seed_and_the_probabilities_stay():
    scores = {"a": math.log(0.3), "b": math.log(0.7)}
    drawn = [choose(asked(("a", "b"), temperature=1.0, seed=seed), scores) for seed in range(300)]
    assert 60 < [answer for answer, _ in drawn].count("a") < 120
    assert all(shares == drawn[0][1] for _, shares in drawn)
    assert drawn[7] == choose(asked(("a", "b"), temperature=1.0, seed=7), scores)


def test_only_a_request_with_choices_has_some():
    assert asked().choices == CITIES
    assert Request(EMBEDDED, (Segment(CUE),), constraint=Constraint("lark", 'start: "a"')).choices == ()
    assert Request(EMBEDDED, (Segment(CUE),)).choices == ()


def test_probabilities_travel_over_the_wire():
    told = Chunk(finish="stop", probabilities={"a": 0.25, "b": 0.75})
    assert Chunk.from_wire(told.to_wire()) == told


# The engines.


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, prepared_bases: Path) -> Settings:
    place = Settings(data_dir=tmp_path_factory.mktemp("choice"))
    place.bases_dir.symlink_to(prepared_bases)
    make(place, "odd", strength=0.1)
    return place


@pytest.fixture(scope="module")
def engine(place: Settings) -> Iterator[Engine]:
    with Engine.start(place, ("llama_cpp", "transformers"), parallel=1) as running:
        running.prepare()
        yield running


@pytest.mark.model
def test_transformers_tells_what_each_answer_with_its_end_has_in_a_pass_of_its_own(place: Settings) -> None:
    """Reckoned the long way: every choice alone behind the prompt, token by token from the full logits."""
    import torch

    engine = transformers_peft.TransformersPeft(place, 1)
    engine.prepare(EMBEDDED, lambda what, fraction: None)
    tokens = tokenizer.load(place, base_named(EMBEDDED))
    model = engine._model
    assert model
    prompt, ends = tokens.encode((Segment(CUE),)), list(_decoding.ends(model, tokens))
    scores = {}
    for city in CITIES:
        ids = tokens.encode_text(city)
        with torch.inference_mode():
            logits = model.model(input_ids=torch.tensor([prompt + ids])).logits[0].float().log_softmax(-1)
        steps = [float(logits[len(prompt) - 1 + at, token]) for at, token in enumerate(ids)]
        scores[city] = sum(steps) + float(logits[-1, ends].logsumexp(0))
    answer, shares = whole(list(engine.generate(asked(), lambda: False)))
    expected = choose(asked(), scores)
    assert answer == expected[0] and shares == pytest.approx(expected[1], abs=0.05)  # bf16


@pytest.mark.model
@pytest.mark.parametrize("backend", ["llama_cpp", "transformers"])
@pytest.mark.parametrize("adapter", [None, "odd"])
def test_the_likeliest_whole_label_is_the_answer_and_shares_sum_to_one(engine, place, backend, adapter):
    row = TASK.samples[0]
    request = asked(LABELS, f"{row['user_message']}\n{row['assistant_message']}\nUtility:", adapter=adapter)
    answer, shares = whole(list(engine.generate(request, backend)))
    assert list(shares) == list(LABELS) and sum(shares.values()) == pytest.approx(1.0)
    assert answer == max(shares, key=shares.__getitem__)
    again = whole(list(engine.generate(request, backend)))
    assert again[0] == answer and again[1] == pytest.approx(shares, abs=0.02)  # llama.cpp: by where its cache stands


@pytest.mark.model
def test_both_engines_agree_about_the_base(engine, place):
    """llama.cpp rounds what flows between the layers, which moves a log-probability by about 0.7."""
    for row in TASK.samples:
        told = [
            whole(list(ask.stream(engine, place, TASK, row, None, backend=backend)))
            for backend in ("llama_cpp", "transformers")
        ]
        for label in LABELS:
            assert told[0][1][label] == pytest.approx(told[1][1][label], abs=0.2), row


@pytest.mark.model
@pytest.mark.parametrize("choices", [CITIES, ("A", "B", "7"), ("no-go", "/math", "A, B")], ids=str)
def test_choices_that_begin_alike_or_hold_single_letters_are_weighed_by_llama_cpp_too(engine, choices):
    both = (list(engine.generate(asked(choices), backend)) for backend in ("llama_cpp", "transformers"))
    (first, one), (second, other) = map(whole, both)
    assert first == second and one == pytest.approx(other, abs=0.2)


@pytest.mark.model
def test_the_card_of_an_adapter_calibrates_what_its_answers_tell(place, engine):
    base = base_named(EMBEDDED)
    stamp = formats.stamp(TASK, formats.format_for(base, place))
    card = {"name": "tuned", "base": EMBEDDED, "base_sha256": base.sha256, "format": stamp}
    make(place, "tuned", strength=0.02, seed=5)
    write_json(adapters.find(place, "tuned").path / "card.json", card | {"calibration": {"temperature": 4.0}})
    raw = whole(list(engine.generate(ask.request(place, TASK, TASK.samples[0], "tuned"))))
    answer = ask.collect(ask.stream(engine, place, TASK, TASK.samples[0], "tuned"))
    assert answer.text == raw[0]
    assert answer.probabilities == pytest.approx(calibration.heated(raw[1], 4.0), abs=0.02)
    assert answer.probabilities != pytest.approx(raw[1], abs=0.1)


@pytest.mark.parametrize("backend", ["llama_cpp", "transformers"])
@pytest.mark.model
def test_no_choices_at_all_are_refused(engine, backend):
    with pytest.raises(BadInput, match="at least one answer"):
        list(engine.generate(asked(()), backend))
