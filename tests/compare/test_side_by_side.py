"""Panes side by side: who is offered, answers that come together, faults of one alone, differences, hidden names."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from backends.base import AnswerReceipt, Chunk, Request, Segment, Usage
from backends.catalog import EMBEDDED
from backends.engine_client import Engine
from backends.errors import BadInput, NotFound, Refused
from backends.settings import Settings
from finetune import ask, task_named
from finetune.compare import side_by_side
from finetune.compare.differences import differences
from finetune.compare.side_by_side import Pane, State, together
from finetune.compare.votes import ballots
from finetune.compare.votes.ballots import BOTH_BAD, TIE
from tests.parts.openai_peer import KEY, MODEL, peer
from ui.compare import panes_view, rounds
from ui.compare.rounds import Round
from ui.room import Room

TASK = task_named("complexity")
ROW = {"code": "function f(a) { return a ? 1 : 2; }"}
ADAPTER, BASE = Pane(EMBEDDED, "llama_cpp", "complexity"), Pane(EMBEDDED, "llama_cpp")


# -- who, and what differs ---------------------------------------------------------------------------------------------


def test_every_adapter_and_base_is_offered_on_both_engines_and_the_server_when_one_is_set(settings: Settings) -> None:
    known = side_by_side.offered(settings, TASK)
    assert {ADAPTER, BASE, Pane(EMBEDDED, "transformers"), Pane(EMBEDDED, "transformers", "complexity")} <= {
        *known.values()
    }
    assert all(name == pane.name for name, pane in known.items())
    assert not any(pane.engine == "openai_http" or "llama-3" in pane.base for pane in known.values())
    served = replace(settings, openai_url="https://api.example.com/v1", openai_model="gpt-4o-mini")
    assert "openai_http:gpt-4o-mini on openai_http" in side_by_side.offered(served, TASK)


def marked(*texts: str) -> list[str]:
    return ["".join(f"[{piece}]" if differs else piece for piece, differs in text) for text in differences(texts)]


def test_the_words_that_differ_are_marked_on_both_sides() -> None:
    assert marked("repo:a lang:go foo", "repo:a lang:py foo bar") == [
        "repo:a lang:[go] foo",
        "repo:a lang:[py] foo [bar]",
    ]
    assert marked("4.2", "4.2") == ["4.2", "4.2"]
    assert marked("", "a b") == ["", "[a] [b]"]
    assert marked("a b c", "a c", "b c") == ["[a] [b] c", "a c", "b c"]
    assert marked("3.3", "1.0, 3") == ["[3.3]", "[1.0,] [3]"]
    assert marked("same") == ["same"]


def test_no_character_of_an_answer_is_lost_or_changed() -> None:
    texts = ["a  b\n\tç <b>&</b> 日本", "a b ç <i>&</i>\n", ""]
    assert ["".join(piece for piece, _ in text) for text in differences(texts)] == texts


# -- together ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def echo(base_settings: Settings) -> Iterator[Engine]:
    with Engine.start(base_settings, backends=("echo",)) as engine:
        yield engine


def request(text: str = "one two three", **options: Any) -> Request:
    return Request(EMBEDDED, (Segment(text),), **options)


def last(states: Iterator[list[State]]) -> list[State]:
    *_, end = states
    return end


@pytest.mark.model
def test_answers_come_together_and_a_pane_that_fails_leaves_the_others_alone(echo: Engine) -> None:
    asked = [
        ("echo", request("first")),
        ("echo", Refused("not this one")),
        ("nothing", request()),
        ("echo", request("last", adapter="nobody")),
    ]
    one, two, three, four = last(together(echo, echo.settings, asked))
    assert one.answer and one.answer.text and one.answer.receipt.engine == "echo"
    assert [str(state.error) for state in (two, three)] == [
        "not this one", "There is no engine 'nothing' here; running: echo"
    ]  # fmt: skip
    assert isinstance(four.error, NotFound)
    assert all(state.ended for state in (one, two, three, four))


@pytest.mark.model
def test_whoever_leaves_hangs_up_on_every_pane(echo: Engine) -> None:
    slow = request("word " * 400, max_new_tokens=1024)
    states = together(echo, echo.settings, [("echo", slow), ("echo", slow)])
    next(states)
    states.close()
    deadline = time.monotonic() + 30
    while echo.state()["answers"]["active"] or any(t.name.startswith("pane ") for t in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.model
def test_adapter_base_and_a_server_answer_one_prompt_each_with_its_own_receipt(
    base_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with peer() as server:
        for name, value in (("URL", server.url), ("KEY", KEY), ("MODEL", MODEL)):
            monkeypatch.setenv(f"ACR_OPENAI_{name}", value)
        room = Room(replace(base_settings, openai_url=server.url, openai_key=KEY, openai_model=MODEL))
        try:
            list(room.until_ready())
            names = [ADAPTER.name, BASE.name, f"openai_http:{MODEL} on openai_http"]
            one = rounds.drawn(room.settings, TASK, ROW, names, hidden=False)
            *_, done = rounds.answers(room, "ann", one, {"seed": 3, "temperature": 0.0})
        finally:
            room.close()
    receipts = [state.answer.receipt for state in done.states if state.answer]
    assert [(r.engine, r.adapter) for r in receipts] == [
        ("llama_cpp", "complexity"), ("llama_cpp", None), ("openai_http", None)
    ]  # fmt: skip
    assert receipts[0].sha256 and receipts[0].scale == 1.0
    assert server.bodies[0]["seed"] == 3
    shown = panes_view.view(TASK, done.panes, done.states, hidden=False)
    assert shown.count("Answered by") == 3 and "Tokens a second" in shown and "<mark>" in shown
    assert panes_view.title(ADAPTER) in shown


def test_an_input_that_nobody_can_answer_is_said_once(settings: Settings) -> None:
    one = rounds.drawn(settings, TASK, {"code": " "}, [ADAPTER.name, BASE.name], hidden=False)
    with pytest.raises(BadInput, match="is empty"):
        next(rounds.answers(Room(settings), "ann", one, {}))


def test_a_pane_that_is_not_offered_is_refused(settings: Settings) -> None:
    with pytest.raises(NotFound, match="../etc cannot answer"):
        rounds.drawn(settings, TASK, ROW, ["../etc"], hidden=False)


# -- hidden names ------------------------------------------------------------------------------------------------------


def answered(pane: Pane, text: str) -> State:
    receipt = AnswerReceipt(pane.engine, pane.base, pane.adapter, "0" * 64 if pane.adapter else None, 0.0)
    chunks = [Chunk(text), Chunk("", "stop", Usage(9, 3, 0, 0.1, 7.77), receipt)]
    return State(chunks, ask.collect(chunks))


def round_of(*texts: str) -> Round:
    panes = [ADAPTER, BASE, Pane(EMBEDDED, "transformers")][: len(texts)]
    states = [answered(pane, text) for pane, text in zip(panes, texts, strict=True)]
    return Round(TASK, ROW, tuple(panes), True, states)


def test_hidden_panes_tell_neither_name_nor_time_nor_who_is_first() -> None:
    one = round_of("4.2", "5.0")
    shown = panes_view.view(TASK, one.panes, one.states, hidden=True)
    assert "4.2" in shown and "Answer 1" in shown
    for told in ("complexity,", "Gemma", "llama.cpp", "7.77", "Answered by", "Seconds"):
        assert told not in shown, told
    writing = [one.states[0], State([Chunk("half an ans")])]
    assert "half" not in panes_view.view(TASK, one.panes, writing, hidden=True)
    failed = [one.states[0], State(error=Refused("adapter complexity says no"))]
    assert "says no" not in panes_view.view(TASK, one.panes, failed, hidden=True)


def test_hidden_panes_stand_in_an_order_that_is_drawn(settings: Settings) -> None:
    names = [ADAPTER.name, BASE.name]
    firsts = {rounds.drawn(settings, TASK, ROW, names, hidden=True).panes[0] for _ in range(40)}
    assert firsts == {ADAPTER, BASE}
    assert rounds.drawn(settings, TASK, ROW, names, hidden=False).panes == (ADAPTER, BASE)


def test_a_vote_for_one_of_three_is_a_vote_against_each_other(settings: Settings) -> None:
    one = round_of("4.2", "5.0", "6.0")
    assert rounds.keep(settings, one, "ann", 1) == "Kept, as 2 preferences between two panes each."
    polls = [ballots.poll(settings, folder.name) for folder in ballots.folder(settings).iterdir()]
    preferred = sorted((poll.votes["ann"][0]["preferred"], poll.votes["ann"][0]["choice"]) for poll in polls)
    assert preferred == [(BASE.name, "left"), (BASE.name, "right")]


@pytest.mark.parametrize("choice", [0, 1, TIE, BOTH_BAD])
def test_a_vote_on_two_panes_says_how_they_stand(settings: Settings, choice: int | str) -> None:
    said = rounds.keep(settings, round_of("4.2", "5.0"), "ann", choice)
    assert said.startswith("Kept. You preferred")
    assert ("neither" in said) == (choice in (TIE, BOTH_BAD))


def test_equal_answers_and_answers_that_name_their_author_decide_nothing(settings: Settings) -> None:
    assert "nothing to keep" in rounds.keep(settings, round_of("4.2", "4.2 "), "ann", 0)
    assert "void" in rounds.keep(settings, round_of("I am Gemma", "5.0"), "ann", 0)
    with pytest.raises(BadInput, match="no answer in this pane"):
        rounds.keep(settings, round_of("4.2", "5.0"), "ann", 3)
