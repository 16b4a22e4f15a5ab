"""The llama.cpp engine on the real embedded base, through the engine process as the app uses it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends import adapters
from backends.base import AnswerReceipt, Chunk, Constraint, Request, Segment
from backends.catalog import EMBEDDED
from backends.engine_client import Engine
from backends.engines import llama_cpp
from backends.errors import BadInput, NotFound, Refused
from backends.settings import Settings
from finetune import ask, task_named
from tests.backends.test_engine import until
from tests.parts.random_adapter import make

pytestmark = pytest.mark.model
CUE = "The capital of France is"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, prepared_bases: Path) -> Settings:
    place = Settings(data_dir=tmp_path_factory.mktemp("llama"))
    place.bases_dir.symlink_to(prepared_bases)
    make(place, "strong", strength=0.1)
    make(place, "idle", strength=0.0)
    return place


@pytest.fixture(scope="module")
def engine(place: Settings) -> Iterator[Engine]:
    with Engine.start(place, ("llama_cpp",), parallel=2) as running:
        running.prepare()
        yield running


def chunks(engine: Engine, text: str = CUE, **options: object) -> list[Chunk]:
    options = {"max_new_tokens": 16} | options
    return list(engine.generate(Request(EMBEDDED, (Segment(text),), **options)))  # type: ignore[arg-type]


def text_of(parts: list[Chunk]) -> str:
    return "".join(part.text for part in parts)


def receipt_of(parts: list[Chunk]) -> AnswerReceipt:
    assert parts[-1].receipt
    return parts[-1].receipt


def test_the_base_answers_with_usage_and_a_receipt_that_names_no_adapter(engine: Engine) -> None:
    parts = chunks(engine)
    assert len(text_of(parts)) > 20
    assert receipt_of(parts) == AnswerReceipt("llama_cpp", EMBEDDED, None, None, 0.0)
    usage = parts[-1].usage
    assert usage and (usage.prompt_tokens, usage.new_tokens) == (6, 16)
    assert 0 < usage.first_token_seconds <= usage.seconds
    assert parts[-1].finish == "length"


def test_an_adapter_answers_under_its_name_and_leaves_no_trace_in_the_base(engine: Engine, place: Settings) -> None:
    before = text_of(chunks(engine))
    tuned = chunks(engine, adapter="strong")
    assert text_of(tuned) != before
    strong = adapters.find(place, "strong")
    assert receipt_of(tuned) == AnswerReceipt("llama_cpp", EMBEDDED, "strong", strong.sha256, 1.0)
    assert text_of(chunks(engine)) == before
    assert text_of(chunks(engine, adapter="strong")) == text_of(tuned)


def test_a_probe_tells_an_adapter_that_changes_nothing(engine: Engine) -> None:
    assert engine.probe(EMBEDDED, "idle").effect == 0.0
    assert engine.probe(EMBEDDED, "strong").effect > 0.1


def test_an_adapter_trained_again_under_its_name_is_another_one(engine: Engine, place: Settings) -> None:
    make(place, "again", strength=0.1, seed=1)
    first = chunks(engine, adapter="again")
    adapters.remove(place, "again")
    second_adapter = make(place, "again", strength=0.1, seed=2)
    second = chunks(engine, adapter="again")
    assert receipt_of(second).sha256 == second_adapter.sha256 != receipt_of(first).sha256
    assert text_of(second) != text_of(first)


def test_a_new_adapter_does_not_disturb_an_answer_in_progress(engine: Engine, place: Settings) -> None:
    whole = text_of(chunks(engine, adapter="strong", max_new_tokens=60))
    request = Request(EMBEDDED, (Segment(CUE),), adapter="strong", max_new_tokens=60)
    answer = engine.generate(request)
    begin = next(answer)
    make(place, "newcomer", strength=0.1, seed=3)
    assert receipt_of(chunks(engine, adapter="newcomer")).adapter == "newcomer"
    rest = list(answer)
    assert begin.text + text_of(rest) == whole and receipt_of(rest).adapter == "strong"


def test_eight_are_kept_and_the_right_one_answers_beyond_that(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_cpp, "MAX_ADAPTERS", 2)
    names = ["strong", "idle", "third"]
    make(place, "third", strength=0.1, seed=4)
    engine = llama_cpp.LlamaCpp(place, 1)
    engine.prepare(EMBEDDED, lambda what, fraction: None)
    for name in [*names, *names]:
        request = Request(EMBEDDED, (Segment(CUE),), adapter=name, max_new_tokens=2)
        assert receipt_of(list(engine.generate(request, lambda: False))).adapter == name
        assert len(engine._servers[EMBEDDED].files) <= 2


def test_the_same_seed_gives_the_same_answer_and_another_seed_another(engine: Engine) -> None:
    first, again, other = (text_of(chunks(engine, temperature=1.2, seed=seed)) for seed in (7, 7, 8))
    assert first == again != other


def test_a_stop_string_ends_the_answer_and_is_not_shown(engine: Engine) -> None:
    free = text_of(chunks(engine))
    word = free.split()[2]
    stopped = chunks(engine, stop=(word,))
    assert stopped[-1].finish == "stop"
    assert text_of(stopped) == free[: free.index(word)]


@pytest.mark.parametrize(
    ("constraint", "accepted"),
    [
        (Constraint("choices", [" Rome", " Oslo"]), lambda text: text in (" Rome", " Oslo")),
        (Constraint("json_schema", {"type": "integer", "minimum": 3, "maximum": 4}), lambda text: text in ("3", "4")),
        (Constraint("lark", 'start: " " /[0-9]{3}/ "."'), lambda text: text[1:4].isdigit() and len(text) == 5),
    ],
    ids=["choices", "json_schema", "lark"],
)
def test_a_constraint_is_kept(engine: Engine, constraint: Constraint, accepted) -> None:  # type: ignore[no-untyped-def]
    parts = chunks(engine, constraint=constraint, adapter="strong")
    assert accepted(text_of(parts)) and parts[-1].finish == "stop"


def test_wrong_requests_are_told_in_a_sentence(engine: Engine) -> None:
    with pytest.raises(BadInput, match="constraint cannot be used"):
        chunks(engine, constraint=Constraint("lark", "start: /[/"))
    with pytest.raises(BadInput, match=r"3,002 tokens; .* at most 2,032"):
        chunks(engine, "word " * 3000)
    with pytest.raises(NotFound, match="no adapter 'nobody'"):
        chunks(engine, adapter="nobody")
    with pytest.raises(BadInput, match="cannot be asked on llama.cpp"):
        list(engine.generate(Request("phi-2", (Segment("a"),))))


def test_special_tokens_in_a_visitors_text_are_only_text(engine: Engine) -> None:
    usage = chunks(engine, "<end_of_turn>", max_new_tokens=1)[-1].usage
    assert usage and usage.prompt_tokens > 5  # one BOS and the letters, not one special token


def test_a_dropped_stream_frees_its_slot(engine: Engine) -> None:
    cancelled = engine.state()["answers"]["cancelled"]
    for _ in range(3):  # one more than there are slots
        answer = engine.generate(Request(EMBEDDED, (Segment("Once upon a time"),), max_new_tokens=1000))
        next(answer)
        answer.close()  # type: ignore[attr-defined]
    assert text_of(chunks(engine))
    until(lambda: engine.state()["answers"]["active"] == 0)
    assert engine.state()["answers"]["cancelled"] == cancelled + 3


def test_text_is_not_passed_off_as_an_adapters_when_the_engine_reports_other_scales() -> None:
    event = {"generation_settings": {"lora": [{"id": 0, "scale": 0.0}]}}
    with pytest.raises(Refused, match="scales"):
        llama_cpp.check_scales(event, [{"id": 0, "scale": 1.0}])


def test_a_constrained_answer_ends_where_the_free_one_ends(engine: Engine, place: Settings) -> None:
    """The form lets a query go on, so only the end token that the adapter learned can end it."""
    task = task_named("sourcegraph")
    for row in task.samples:
        form, free = (
            ask.collect(ask.stream(engine, place, task, row, "sourcegraph", constrained=constrained))
            for constrained in (True, False)
        )
        assert (form.finish, form.text) == ("stop", free.text)
