"""A model as a judge, at a loopback server: both orders, strict answers, nothing paid twice, agreement with people."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from backends.errors import Unavailable
from backends.settings import Settings
from finetune import cli, examples
from finetune.compare.votes import judge, tally
from finetune.compare.votes.ballots import BOTH_BAD, TIE, Ballot
from tests.compare.test_votes import BASE, MINE, comparison, poll_of, vote_all
from tests.parts.openai_peer import KEY, MODEL, Answer, Connection, Peer, breaks_off, peer

pytestmark = pytest.mark.slow

NAMES = (MINE, BASE)


def judging(says: Callable[[str, str], str]) -> Answer:
    """A judge that is given the first and the second answer, and replies with one word or any other text."""

    def answer(at: Connection) -> None:
        asked = at.asked["messages"][0]["content"]
        first, second = (asked.split(f"===== {which} answer\n")[1].split("\n=====")[0] for which in ("first", "second"))
        said = says(first, second)
        at.begin()
        at.event(said if said.startswith("{") or " " in said else json.dumps({"reason": "so", "better": said}))
        at.event(finish="stop")
        at.raw(b"data: [DONE]\n\n")

    return answer


def prefers(name: str) -> Callable[[str, str], str]:
    return lambda first, second: "first" if first.startswith(name) else "second"


def at(settings: Settings, server: Peer) -> Settings:
    return replace(settings, openai_url=server.url, openai_key=KEY)


def judged(settings: Settings, says: Callable[[str, str], str], count: int = 4, **answers: str) -> dict[str, Any]:
    with peer(judging(says)) as server:
        judge.judge(at(settings, server), comparison(count, **answers), MODEL, lambda n, total: None)
    (found,) = judge.summary(settings, "test-1", {})
    return found | {"asked": len(server.bodies), "bodies": server.bodies}


def test_a_judge_that_looks_at_the_text_has_a_verdict_in_both_orders(settings: Settings) -> None:
    found = judged(settings, prefers("a"))
    assert found["asked"] == 8 and found["items"] == 4 and found["no_verdict"] == 0
    assert found["preferred"] == {MINE: 4}


@pytest.mark.parametrize("place", ["first", "second"])
def test_a_judge_that_looks_at_the_place_has_no_verdict(settings: Settings, place: str) -> None:
    found = judged(settings, lambda first, second: place)
    assert found["no_verdict"] == 4 and found["preferred"] == {} and found["unreadable"] == 0


@pytest.mark.parametrize("choice", [TIE, BOTH_BAD])
def test_a_tie_and_both_bad_are_verdicts(settings: Settings, choice: str) -> None:
    assert judged(settings, lambda first, second: choice)["preferred"] == {choice: 4}


@pytest.mark.parametrize(
    "text",
    [
        "The first answer is better.",
        '```json {"reason": "so", "better": "first"} ```',
        '{"better": "first"}',
        '{"reason": "so", "better": "First"}',
        '{"reason": "so", "better": "first", "sure": true}',
        '{"reason": 1, "better": "first"}',
        '{"reason": "so", "better": ["first"]}',
    ],
)
def test_anything_but_the_object_that_was_asked_for_is_no_judgement(settings: Settings, text: str) -> None:
    assert "problem" in judge.read(text, NAMES)
    found = judged(settings, lambda first, second: text, count=1)
    assert (found["unreadable"], found["no_verdict"]) == (1, 1)


def test_the_judge_is_told_no_names_and_sees_no_answer_that_gives_one_away(settings: Settings) -> None:
    told = json.dumps(judged(settings, prefers("a"))["bodies"])
    assert MINE not in told and "adapter" not in told and "Gemma" not in told
    with peer(judging(prefers("a"))) as server:
        named = replace(comparison(3, base="b, says Gemma"), id="test-2")
        judge.judge(at(settings, server), named, MODEL, lambda n, total: None)
    assert server.bodies == [] and judge.summary(settings, "test-2", {}) == []


def test_a_judge_that_breaks_off_goes_on_where_it_was_and_is_asked_nothing_twice(settings: Settings) -> None:
    well = judging(prefers("b"))
    with peer(well, well, well, breaks_off, well) as server:
        with pytest.raises(Unavailable, match="interrupted"):
            judge.judge(at(settings, server), comparison(3), MODEL, lambda n, total: None)
        assert judge.summary(settings, "test-1", {})[0]["items"] == 1
        judge.judge(at(settings, server), comparison(3), MODEL, lambda n, total: None)
        assert len(server.bodies) == 4 + 4
        judge.judge(at(settings, server), comparison(3), MODEL, lambda n, total: None)
        assert len(server.bodies) == 8
    assert judge.summary(settings, "test-1", {})[0]["preferred"] == {BASE: 3}


def test_agreement_with_people_is_kappa_over_the_questions_that_both_settled(settings: Settings) -> None:
    vote_all(Ballot(settings, comparison(8), "ann"), [MINE, MINE, BASE])
    people = tally.settled(poll_of(settings))
    with peer(judging(prefers("a"))) as server:
        judge.judge(at(settings, server), comparison(8), MODEL, lambda n, total: None, sample=6)
    (found,) = judge.summary(settings, "test-1", people)
    same = sum(people[str(item)] == MINE for item in range(6))
    assert found["agreement"]["n"] == 6
    assert found["agreement"]["value"] == pytest.approx(same / 6)
    assert found["agreement"]["kappa"] == 0.0, "a judge that always says the same agrees by chance only"


def test_without_a_server_the_judge_says_what_to_set(settings: Settings) -> None:
    with pytest.raises(Unavailable, match="ACR_OPENAI_URL"):
        judge.judge(settings, comparison(2), MODEL, lambda n, total: None)


def test_the_command_judges_the_pairs_of_a_report(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = str(examples.report_path("complexity"))
    with peer(judging(lambda first, second: TIE)) as server:
        monkeypatch.setattr("finetune.cli.votes.settings", lambda: at(settings, server))
        assert cli.main(["votes", "judge", report, "--model", MODEL, "--sample", "2", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["model"] == MODEL and found["preferred"] == {TIE: 2} and found["agreement"]["n"] == 0
    assert {body["model"] for body in server.bodies} == {MODEL}
