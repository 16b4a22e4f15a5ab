"""The router's plan carried out: each step by its agent with a receipt, every fault said, at the wire of the engine."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from backends.base import AnswerReceipt, Chunk, Request, Usage, Waiting
from backends.catalog import EMBEDDED
from backends.engine_client import Engine
from backends.errors import BadInput, Unavailable
from backends.settings import Settings
from finetune import all_tasks, chain, formats
from finetune.chain import Agent, Chain, Done, Event, Failed, Planned, Started, Writing
from finetune.outputs import router_plan
from finetune.outputs.router_plan import Step

QUERY = "Look up the population of Peru, work out 12% of 400, then write a Python script that plots both."
PLAN = router_plan.written(
    ("look up", "work out", "write"),
    (
        Step("/general-search", "population of Peru"),
        Step("/math", "12% of 400"),
        Step("/code", "Python script that plots both"),
    ),
)
CODE = "def f(x):\n    return x"


def math_answer() -> str:
    """Some answer that the task of that name takes."""
    from finetune import examples
    from finetune.rows.data import read_jsonl

    task = all_tasks()["math"]
    return task.answer_of(read_jsonl(examples.path_of("math", "test"))[0])


class Wire:
    """Stands where the engine does: answers by who is asked, with the receipt that a sound engine would give."""

    def __init__(self, settings: Settings, answers: dict[str | None, str | Exception]) -> None:
        self.settings, self.answers = settings, answers
        self.asked: list[Request] = []
        self.cut: str | None = None  # whose answer a limit ends

    def generate(self, request: Request, backend: str = "llama_cpp") -> Iterator[Chunk]:
        from backends import adapters

        self.asked.append(request)
        answer = self.answers[request.adapter]
        if isinstance(answer, Exception):
            raise answer
        found = adapters.find(self.settings, request.adapter) if request.adapter else None
        receipt = AnswerReceipt(backend, request.base, request.adapter, found and found.sha256, 1.0 if found else 0.0)
        yield Chunk(waiting=Waiting(1, 1, None))
        yield Chunk(answer[:5])
        finish = "length" if request.adapter and request.adapter == self.cut else "stop"
        yield Chunk(answer[5:], finish, Usage(9, 9, 0, 0.1, 0.2), receipt)

    def texts(self) -> list[str]:
        return ["".join(segment.text for segment in request.prompt) for request in self.asked]


def install(settings: Settings, name: str, task: str) -> None:
    """An adapter folder of that task; its weights are never loaded here."""
    folder = settings.adapters_dir / name
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(name.encode())
    (folder / "adapter_config.json").write_text("{}")
    stamp = formats.stamp(all_tasks()[task], formats.Plain())
    (folder / "card.json").write_text(json.dumps({"name": name, "base": EMBEDDED, "task": task, "format": stamp}))


@pytest.fixture
def place(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A place without shipped adapters that has one of one's own for the router, for math and for code."""
    monkeypatch.setattr("backends.adapters.SHIPPED_DIR", settings.data_dir / "none")
    for task in ("router", "math", "code"):
        install(settings, f"my-{task}", task)
    return settings


def sound() -> dict[str | None, str | Exception]:
    return {"my-router": PLAN, "my-math": math_answer(), "my-code": CODE, None: "About 34 million."}


def run(settings: Settings, answers: dict[str | None, str | Exception], query: str = QUERY) -> tuple[list[Event], Wire]:
    wire = Wire(settings, answers)
    return list(chain.run(wire, settings, query, "my-router")), wire


def of(kind: type, events: list[Event]) -> list:
    return [event for event in events if isinstance(event, kind)]


# The whole way.


def test_each_step_is_answered_by_its_agent_with_a_receipt_of_its_own(place: Settings) -> None:
    events, _ = run(place, sound())
    (planned,) = of(Planned, events)
    assert planned.plan and planned.answer.receipt.adapter == "my-router"
    assert [done.agent.label for done in of(Done, events)] == [
        "base model, no web search",
        "adapter my-math",
        "adapter my-code",
    ]
    assert [done.answer.receipt.adapter for done in of(Done, events)] == [None, "my-math", "my-code"]
    assert of(Done, events)[0].value == "About 34 million." and not of(Failed, events)


def test_the_events_of_a_step_come_in_their_order_and_steps_one_after_the_other(place: Settings) -> None:
    events, _ = run(place, sound())
    told = [(type(event).__name__, getattr(event, "number", 0)) for event in events]
    assert list(dict.fromkeys(told)) == [
        *(("Writing", 0), ("Planned", 0)),
        *((name, number) for number in (1, 2, 3) for name in ("Started", "Writing", "Done")),
    ]
    assert [event.text for event in of(Writing, events) if event.number == 1] == ["", "About", "About 34 million."]
    assert of(Writing, events)[0].waiting


def test_a_step_is_asked_in_the_querys_own_words_and_never_sees_another_answer(place: Settings) -> None:
    events, wire = run(place, sound())
    assert [event.question for event in of(Started, events)] == [
        "Look up the population of Peru",
        "Work out 12% of 400",
        "Write a Python script that plots both",
    ]
    assert [start.question in text for start, text in zip(of(Started, events), wire.texts()[1:], strict=True)] == [
        True
    ] * 3
    assert not any("34 million" in text for text in wire.texts())


def test_only_the_router_and_the_agents_are_held_to_a_form_and_the_base_to_one_line(place: Settings) -> None:
    _, wire = run(place, sound())
    router, base, math, _ = wire.asked
    assert router.constraint and math.constraint and base.constraint is None
    assert base.stop == ("\n",) and base.max_new_tokens == chain.MAX_NEW_TOKENS


@pytest.mark.parametrize(
    ("outline", "route", "questions"),
    [
        (["what is"], ["/math(348 plus 921)"], ["What is 348 plus 921?"]),
        (["1. add them"], ["/math(348 plus 921)"], ["348 plus 921"]),
        (["what is", "add"], ["/math(348 plus 921)"], ["348 plus 921"]),
        (["what is"], ["/math(the sum)"], ["The sum"]),
        (["what is"], ["/math"], ["Hi. What is 348 plus 921?"]),
    ],
)
def test_what_a_step_is_asked(outline: list[str], route: list[str], questions: list[str]) -> None:
    plan = json.loads(PLAN) | {"thinking_outline": outline, "route_plan": route}
    assert [question for _, question in chain.questions_of("Hi. What is 348 plus 921?", plan)] == questions


# The owner's adapter for /general-search.


def test_the_owner_can_assign_an_adapter_to_general_search(place: Settings) -> None:
    install(place, "my-facts", "environment")
    events, wire = run(replace(place, chain_general="my-facts"), sound() | {"my-facts": "Nothing is said about Peru."})
    assert wire.asked[1].adapter == "my-facts"
    agents = [start.agent.label for start in of(Started, events) if start.number == 1]
    assert agents[0] == "adapter my-facts, no web search"


def test_an_assigned_adapter_that_is_not_here_is_said_and_the_base_answers(place: Settings) -> None:
    events, _ = run(replace(place, chain_general="gone"), sound())
    (failed,) = of(Failed, events)
    assert "'gone'" in failed.note and not failed.last
    assert of(Done, events)[0].agent.label == "base model, no web search"


# What goes wrong.


@pytest.mark.parametrize(
    ("answers", "note"),
    [
        ({"my-math": Unavailable("The engine stopped while answering")}, "The engine stopped"),
        ({"my-math": "no steps at all"}, "Its answer could not be used"),
        ({"my-math": BadInput("too long")}, "too long"),
    ],
)
def test_a_failing_step_is_said_and_answered_by_the_base_and_the_others_go_on(
    place: Settings, answers: dict[str | None, str | Exception], note: str
) -> None:
    events, _ = run(place, sound() | answers)
    (failed,) = of(Failed, events)
    assert (failed.number, failed.agent.label, failed.last) == (2, "adapter my-math", False) and note in failed.note
    done = {event.number: event for event in of(Done, events)}
    assert done[2].agent == Agent("base model") and done[2].answer.receipt.adapter is None
    assert done[3].agent.adapter == "my-code"


def test_an_answer_that_a_limit_cut_is_not_used(place: Settings) -> None:
    wire = Wire(place, sound())
    wire.cut = "my-math"
    events = list(chain.run(wire, place, QUERY, "my-router"))
    (failed,) = of(Failed, events)
    assert failed.number == 2 and "cut at 9 tokens" in failed.note


def test_a_question_that_the_agent_does_not_take_is_said(place: Settings) -> None:
    plan = router_plan.written(("find",), (Step("/math", "the meaning of life"),))
    events, wire = run(place, sound() | {"my-router": plan}, "Find the meaning of life")
    (failed,) = of(Failed, events)
    assert "no number" in failed.note and [request.adapter for request in wire.asked] == ["my-router", None]


def test_a_missing_task_and_a_missing_adapter_are_said(place: Settings) -> None:
    without = {name: task for name, task in all_tasks().items() if name != "math"}
    events = list(Chain(Wire(place, sound()), place, without).run(QUERY, "my-router"))
    assert [failed.note for failed in of(Failed, events)] == ["There is no task math here"]
    (place.adapters_dir / "my-code" / "card.json").unlink()
    events, _ = run(place, sound())
    (failed,) = of(Failed, events)
    assert "no adapter for the task code" in failed.note and failed.number == 3


def test_when_the_base_fails_too_the_step_has_no_answer_and_says_so(place: Settings) -> None:
    events, _ = run(place, sound() | {None: Unavailable("The engine is gone"), "my-code": "((("})
    assert [(failed.number, failed.last) for failed in of(Failed, events)] == [(1, True), (3, False), (3, True)]
    assert [done.number for done in of(Done, events)] == [2]
    events, _ = run(place, sound() | {None: "  "})
    assert [failed.note for failed in of(Failed, events)] == ["It answered with nothing"]


@pytest.mark.parametrize("answer", ["I cannot plan this", PLAN.replace("/math", "/physics"), PLAN[:-9]])
def test_without_a_plan_the_base_answers_the_whole_query_and_it_is_said(place: Settings, answer: str) -> None:
    events, _ = run(place, sound() | {"my-router": answer})
    (planned,), (started,) = of(Planned, events), of(Started, events)
    assert planned.plan is None and "the base answers the whole query" in planned.note
    assert (started.tool, started.question, started.agent.label) == (None, QUERY, "base model")


@pytest.mark.parametrize("query", ["", "?!", "a" * 2_000])
def test_what_is_no_query_is_refused_before_anyone_is_asked(place: Settings, query: str) -> None:
    wire = Wire(place, sound())
    with pytest.raises(BadInput):
        list(chain.run(wire, place, query, "my-router"))
    assert not wire.asked


def test_a_router_that_fails_is_no_plan_but_an_error(place: Settings) -> None:
    with pytest.raises(Unavailable, match="gone"):
        run(place, sound() | {"my-router": Unavailable("The engine is gone")})


def test_text_of_another_adapter_is_never_shown_as_a_steps_answer(place: Settings) -> None:
    class Mixed(Wire):
        def generate(self, request: Request, backend: str = "llama_cpp") -> Iterator[Chunk]:
            for chunk in super().generate(request, backend):
                wrong = chunk.receipt and request.adapter == "my-math"
                yield replace(chunk, receipt=replace(chunk.receipt, adapter="my-code")) if wrong else chunk

    events = list(chain.run(Mixed(place, sound()), place, QUERY, "my-router"))
    (failed,) = of(Failed, events)
    assert failed.number == 2 and "my-code answered" in failed.note


def test_leaving_early_hangs_up_on_the_engine(place: Settings) -> None:
    closed = []

    class Heard(Wire):
        def generate(self, request: Request, backend: str = "llama_cpp") -> Iterator[Chunk]:
            try:
                yield from super().generate(request, backend)
            finally:
                closed.append(request.adapter)

    events = chain.run(Heard(place, sound()), place, QUERY, "my-router")
    assert isinstance(next(events), Writing) and not closed
    events.close()
    assert closed == ["my-router"]


def test_the_echo_engine_carries_a_plan_out(place: Settings) -> None:
    with Engine.start(place, ("echo",)) as engine:
        events = list(Chain(engine, place, all_tasks(), backend="echo").run(QUERY, "my-router"))
    (planned,) = of(Planned, events)
    assert planned.plan, planned.note
    ended = {event.number for event in events if isinstance(event, Done) or (isinstance(event, Failed) and event.last)}
    assert ended == set(range(1, len(planned.plan["route_plan"]) + 1))
    assert all(done.answer.receipt.engine == "echo" for done in of(Done, events))


@pytest.mark.model
def test_the_shipped_adapters_carry_a_plan_of_three_agents_out(base_settings: Settings) -> None:
    """A plain query in the training rows' own words; whether plans of hard ones are right is what reports measure."""
    query = "Find out who invented the telescope, then calculate 348 + 921, then write a function that reverses a list."
    with Engine.start(base_settings, ("llama_cpp",), parallel=1) as engine:
        engine.wait_ready(lambda what, fraction: None)
        events = list(Chain(engine, base_settings, all_tasks()).run(query, "router"))
    (planned,) = of(Planned, events)
    assert planned.answer.receipt.adapter == "router" and planned.answer.receipt.scale == 1.0
    assert planned.plan and [step.partition("(")[0] for step in planned.plan["route_plan"]] == [
        "/general-search",
        "/math",
        "/code",
    ]
    done = {event.number: event for event in of(Done, events)}
    assert done[1].agent.label == "base model, no web search"
    for number, adapter in ((2, "math"), (3, "code")):
        first = next(event for event in of(Started, events) if event.number == number)
        assert first.agent.adapter == adapter
        assert done[number].answer.receipt.adapter == adapter
