"""Blind votes: hidden sides, repeats, void votes, files that survive a kill, export for DPO."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from backends.catalog import EMBEDDED
from backends.errors import BadInput, NotFound, Refused
from backends.files import read_json, read_json_lines
from backends.settings import ROOT, Settings
from finetune import ask, cli, examples, task_named
from finetune.compare.votes import ballots, pairs, preferences, tally
from finetune.compare.votes.ballots import CHOICES, ENOUGH, LEFT, RIGHT, TIE, Ballot, Poll
from finetune.compare.votes.pairs import Comparison, Contestant, Pair

MINE, BASE = "mine", "base"
WHO = (Contestant(MINE, "adapter mine", EMBEDDED, MINE), Contestant(BASE, "base, no examples", EMBEDDED))


def comparison(count: int, **answers: str) -> Comparison:
    """`count` pairs whose answers differ."""
    made = [Pair(str(i), {"question": f"q{i}"}, {MINE: f"a{i}", BASE: f"b{i}"} | answers) for i in range(count)]
    return Comparison("test-1", "complexity", WHO, tuple(made))


def side_of(ballot: Ballot, name: str) -> str:
    """Where the answers of `name` stand just now: only a test can know, because it knows the texts."""
    question = ballot.question()
    assert question
    return LEFT if question.left.startswith({MINE: "a", BASE: "b"}[name]) else RIGHT


def vote_all(ballot: Ballot, choices: Sequence[str] = (), confidence: int = 2) -> None:
    """Vote for a contestant's name, or any other choice as it is; `choices` go round."""
    while ballot.question():
        number = len(ballot.votes)
        choice = choices[number % len(choices)] if choices else MINE
        ballot.cast(number, side_of(ballot, choice) if choice in (MINE, BASE) else choice, confidence)


def poll_of(settings: Settings) -> Poll:
    return ballots.poll(settings, "test-1")


# -- what is asked -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7, 20, 200])
def test_every_pair_comes_once_and_about_15_percent_of_them_again_with_the_sides_swapped(count: int) -> None:
    for seed in map(str, range(20)):
        showings = ballots.plan(count, seed)
        first: dict[int, tuple[int, bool]] = {}
        repeats = 0
        for place, showing in enumerate(showings):
            if showing.pair in first:
                repeats += 1
                before, side = first[showing.pair]
                assert showing.swapped != side
                assert place - before > ballots.GAP or place >= count
            else:
                first[showing.pair] = place, showing.swapped
        assert sorted(first) == list(range(count))
        assert abs(repeats - count * ballots.REPEATED) < 1


def test_repeats_come_early_enough_for_a_voter_who_stops_in_the_middle() -> None:
    for seed in map(str, range(50)):
        seen = [showing.pair for showing in ballots.plan(200, seed)[:30]]
        assert 2 <= len(seen) - len(set(seen)) <= 5


def test_order_and_sides_are_another_voters_own_and_stay_the_same_after_a_reload(settings: Settings) -> None:
    asked = comparison(40)
    one, again, other = (Ballot(settings, asked, voter).showings for voter in ("ann", "ann", "bob"))
    assert one == again != other
    assert 8 < sum(showing.swapped for showing in one) < 38


def test_a_question_holds_two_texts_and_nothing_that_tells_them_apart(settings: Settings) -> None:
    question = Ballot(settings, comparison(3), "ann").question()
    assert question
    told = repr(question)
    assert MINE not in told and BASE not in told and "swapped" not in told


def test_pairs_with_equal_answers_are_not_asked_but_counted() -> None:
    rows = [
        {"row": i, "input": {"code": f"x{i}"}, "answers": {MINE: {"answer": "1.0"}, BASE: {"answer": f" {answer}"}}}
        for i, answer in enumerate(["1.0", "2.0", "3.0"])
    ]
    systems = [{"name": who.name, "title": who.title} for who in WHO]
    report = {"task": "complexity", "base": EMBEDDED, "adapters": {MINE: "0" * 64}, "systems": systems, "rows": rows}
    found = pairs.of_report(report | {"candidate": MINE, "baseline": BASE})
    assert [pair.item for pair in found.pairs] == ["1", "2"] and found.same == 1
    assert found.contestants == WHO
    with pytest.raises(BadInput, match="no two systems"):
        pairs.of_report(report)


def test_the_shipped_report_gives_pairs_whose_id_is_that_of_its_answers() -> None:
    report = read_json(examples.report_path("complexity"))
    found = pairs.of_report(report)
    assert found.names == (report["candidate"], report["baseline"])
    assert 0 < len(found.pairs) + found.same <= report["n"]
    report["rows"].reverse()
    assert pairs.of_report(report) == found
    both = next(row for row in report["rows"] if set(found.names) <= row["answers"].keys())
    both["answers"][report["candidate"]]["answer"] += "!"
    assert pairs.of_report(report).id != found.id


# -- casting -----------------------------------------------------------------------------------------------------------


def test_a_second_click_is_not_a_second_vote(settings: Settings) -> None:
    ballot, stale = (Ballot(settings, comparison(4), "ann") for _ in range(2))
    ballot.cast(0, LEFT)
    with pytest.raises(Refused, match="already given"):
        stale.cast(0, RIGHT)
    assert [vote["choice"] for vote in poll_of(settings).votes["ann"]] == [LEFT]


@pytest.mark.parametrize(("choice", "confidence"), [("both", 2), ("", 2), (LEFT, 0), (LEFT, 4)])
def test_only_the_four_choices_and_three_confidences_are_votes(
    settings: Settings, choice: str, confidence: int
) -> None:
    ballot = Ballot(settings, comparison(4), "ann")
    with pytest.raises(BadInput):
        ballot.cast(0, choice, confidence)
    assert not ballot.votes


def test_a_vote_that_is_taken_back_is_asked_again_and_counts_no_more(settings: Settings) -> None:
    ballot = Ballot(settings, comparison(4), "ann")
    with pytest.raises(BadInput, match="no vote to take back"):
        ballot.undo()
    first = ballot.question()
    ballot.cast(0, LEFT)
    ballot.cast(1, TIE)
    ballot.undo()
    ballot.undo()
    assert Ballot(settings, comparison(4), "ann").question() == first
    assert tally.tally(poll_of(settings))["votes"] == 0
    assert len(read_json_lines(ballot.path)) == 5, "nothing is ever removed from the file"


def test_the_result_waits_for_enough_votes(settings: Settings) -> None:
    ballot = Ballot(settings, comparison(40), "ann")
    assert ballot.missing() == ENOUGH
    for number in range(ENOUGH):
        ballot.cast(number, LEFT)
    assert ballot.missing() == 0
    assert Ballot(settings, comparison(40), "bob").missing() == ENOUGH


@pytest.mark.parametrize("voter", ["../ann", "a/b", "", ".hidden", "ann\n"])
def test_the_name_of_a_voter_cannot_lead_out_of_the_folder(settings: Settings, voter: str) -> None:
    with pytest.raises(BadInput, match="name of a voter"):
        Ballot(settings, comparison(2), voter)


@pytest.mark.parametrize(
    ("answer", "question", "name"),
    [
        ("I am Gemma 3 270M.", "who?", "Gemma 3 270M"),
        ("As a gemma model I say 4", "who?", "gemma"),
        ("GEMMA-3-270M says 4", "who?", "gemma-3-270m"),
        ("mine!", "who?", MINE),
        ("the mines", "who?", None),
        ("what is gemma", "tell me about Gemma", None),
        ("4.2", "who?", None),
    ],
)
def test_a_vote_is_void_when_an_answer_names_its_author(answer: str, question: str, name: str | None) -> None:
    pair = Pair("0", {"question": question}, {MINE: answer, BASE: "5"})
    found = pairs.gives_away(pair, WHO)
    assert (found is None) == (name is None)
    if name:
        assert pairs._says(answer, name)


def test_void_votes_are_kept_but_count_nowhere(settings: Settings) -> None:
    ballot = Ballot(settings, comparison(6, base="as Gemma I say b"), "ann")
    vote_all(ballot, [LEFT])
    found, asked = tally.tally(poll_of(settings)), ballot.total  # chance decides how many pairs come again
    assert (found["void"], found["votes"], found["items"], found["side"]["left"]["n"]) == (asked, asked, 0, 0)
    assert preferences.preferences(settings, poll_of(settings)) == []


# -- files -------------------------------------------------------------------------------------------------------------

ENDLESS = """
import sys
from pathlib import Path
from backends.settings import Settings
from finetune.compare.votes.ballots import Ballot
from tests.compare.test_votes import comparison
ballot = Ballot(Settings(data_dir=Path(sys.argv[1])), comparison(5000), "ann")
for number in range(len(ballot.votes), ballot.total):
    ballot.cast(number, "left", 2, "because " * 50)
    print(number, flush=True)
"""


def test_a_kill_in_the_middle_of_writing_loses_no_vote_that_was_acknowledged(settings: Settings) -> None:
    for life in range(1, 4):
        command = [sys.executable, "-c", ENDLESS, str(settings.data_dir)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as voter:
            assert voter.stdout
            said = [voter.stdout.readline() for _ in range(12 * life)]
            voter.kill()
            said += [line for line in voter.stdout if line.endswith("\n")]
        numbers = [vote["number"] for vote in poll_of(settings).votes["ann"]]
        assert int(said[-1]) in numbers and numbers == list(range(len(numbers)))


def test_a_line_that_was_cut_in_the_middle_costs_itself_alone(settings: Settings) -> None:
    ballot = Ballot(settings, comparison(9), "ann")
    for number in range(3):
        ballot.cast(number, LEFT)
    with ballot.path.open("rb+") as file:
        file.truncate(ballot.path.stat().st_size - 40)
    again = Ballot(settings, comparison(9), "ann")
    assert len(again.votes) == 2
    again.cast(2, RIGHT)
    assert [vote["choice"] for vote in poll_of(settings).votes["ann"]] == [LEFT, LEFT, RIGHT]


def test_votes_on_two_panes_gather_by_who_answered_whatever_was_asked(settings: Settings) -> None:
    first, second = WHO
    for i, choice in enumerate([LEFT, RIGHT, TIE]):
        one = pairs.of_panes("complexity", {"code": f"f{i}()"}, (second, f"b{i}"), (first, f"a{i}"))
        ballots.cast_on_panes(settings, one, (BASE, MINE), "ann", choice)
    (folder,) = ballots.folder(settings).iterdir()
    found = tally.tally(ballots.poll(settings, folder.name))
    assert [system["name"] for system in found["systems"]] == [BASE, MINE]
    assert (found["items"], found["tie"], found["wins"][BASE]["n"]) == (3, 1, 2)


# -- export and commands -----------------------------------------------------------------------------------------------


@pytest.fixture
def voted(base_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The first pairs of the shipped report, voted on by someone who goes round all choices."""
    monkeypatch.setattr("finetune.cli.votes.settings", lambda: base_settings)
    ballot = Ballot(base_settings, pairs.of_report(read_json(examples.report_path("complexity"))), "ann")
    for number in range(12):
        ballot.cast(number, CHOICES[number % 4])
    return base_settings


REPORT = str(examples.report_path("complexity"))


@pytest.mark.model
def test_exported_pairs_load_as_dpo_wants_them_and_hold_the_prompt_that_was_asked(
    voted: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from datasets import load_dataset

    out = tmp_path / "pairs.jsonl"
    assert cli.main(["votes", "export", REPORT, "--out", str(out)]) == 0
    loaded = load_dataset("json", data_files=str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert set(loaded.column_names) == {"prompt", "chosen", "rejected"}
    assert all(isinstance(value, str) for row in loaded for value in row.values())
    votes = ballots.poll(voted, pairs.of_report(read_json(Path(REPORT))).id).votes["ann"]
    decided = {vote["item"]: vote for vote in votes if vote["preferred"] in vote["answers"]}
    assert 0 < len(loaded) <= len(decided)
    task = task_named("complexity")
    prompts = {}
    for item, vote in decided.items():
        request = ask.request(voted, task, vote["input"], "complexity")
        prompts["".join(segment.text for segment in request.prompt)] = item
    for row in loaded:
        answers = decided[prompts[row["prompt"]]]["answers"]
        assert {row["chosen"], row["rejected"]} == set(answers.values())


@pytest.mark.model
def test_the_commands_print_one_document_and_name_what_is_missing(
    voted: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = told(capsys, "votes", "tally", REPORT, "--json")
    assert found["votes"] == 12 and found["judges"] == [] and found["voters"] == 1
    assert told(capsys, "votes", "tally", found["comparison"], "--json") == found
    chat = told(capsys, "votes", "export", REPORT, "--json", "--chat")
    assert [turn["role"] for turn in chat[0]["prompt"]] == ["system", "user"]
    assert chat[0]["chosen"][0]["role"] == chat[0]["rejected"][0]["role"] == "assistant"
    assert cli.main(["votes", "tally", REPORT]) == 0
    assert "sides swapped" in capsys.readouterr().out
    assert cli.main(["votes", "tally", str(tmp_path / "nothing.json")]) == 1
    assert "is no report" in capsys.readouterr().err


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    assert cli.main(argv) == 0
    return json.loads(capsys.readouterr().out)


def test_a_poll_without_votes_says_where_to_vote(settings: Settings) -> None:
    with pytest.raises(NotFound, match="vote on the Compare tab"):
        ballots.poll(settings, "test-1")
