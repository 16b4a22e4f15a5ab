"""What votes say: wins with intervals, side bias, agreement with oneself and others; noise wins nothing."""

import random

import pytest

from backends.settings import Settings
from finetune.compare.votes import ballots, tally
from finetune.compare.votes.ballots import BOTH_BAD, LEFT, RIGHT, TIE, Ballot, Poll
from tests.compare.test_votes import BASE, MINE, WHO, comparison, poll_of, vote_all

pytestmark = pytest.mark.slow


def test_wins_have_wilson_intervals_and_one_sentence(settings: Settings) -> None:
    vote_all(Ballot(settings, comparison(20), "ann"))
    found = tally.tally(poll_of(settings), "ann")
    assert found["wins"][MINE] == {"value": 1.0, "low": pytest.approx(0.838875), "high": 1.0, "n": 20}
    assert found["wins"][BASE]["value"] == 0.0
    assert found["sign_test_p"] == pytest.approx(2 * 0.5**20)
    assert found["sentence"].startswith("You preferred adapter mine in 20 of 20; that is more than a coin toss")


def test_14_of_20_includes_a_coin_toss_and_ties_are_no_part_of_it() -> None:
    found = tally.tally(imagined([MINE] * 14 + [BASE] * 6 + [TIE] * 5 + [BOTH_BAD] * 3))
    assert found["sentence"].startswith("The voters preferred adapter mine in 14 of 20; the interval includes a coin")
    assert (found["tie"], found["both_bad"], found["items"]) == (5, 3, 28)
    assert 0.45 < found["wins"][MINE]["low"] < 0.5 and found["sign_test_p"] > 0.05
    even = tally.tally(imagined([MINE, BASE]))["sentence"]
    assert "each of the two in 1 of 2: no better than a coin toss" in even
    assert "no vote is for one of the two" in tally.tally(imagined([TIE]))["sentence"]


def imagined(*voters: list[str]) -> Poll:
    """A poll in which every voter saw the candidate on the left."""
    side = {MINE: LEFT, BASE: RIGHT}
    votes = {
        f"voter-{n}": [
            {"item": str(i), "preferred": choice, "choice": side.get(choice, choice), "void": None}
            for i, choice in enumerate(choices)
        ]
        for n, choices in enumerate(voters)
    }
    return Poll("test-1", "complexity", WHO, votes)


def test_self_agreement_is_1_for_who_always_sees_the_same_and_0_for_who_looks_at_sides(settings: Settings) -> None:
    vote_all(Ballot(settings, comparison(40), "steady"))
    vote_all(Ballot(settings, comparison(40), "sided"), [LEFT])
    steady, sided = (tally.tally(poll_of(settings), voter) for voter in ("steady", "sided"))
    assert steady["self_agreement"]["value"] == 1.0 and steady["self_agreement"]["n"] == 6
    assert sided["self_agreement"]["value"] == 0.0
    assert sided["side"]["left"]["value"] == 1.0 and sided["side"]["p"] < 1e-9
    assert steady["side"]["p"] > 0.001


def test_a_question_counts_once_by_the_first_vote_and_by_the_most_voters() -> None:
    poll = imagined([MINE, MINE, TIE, MINE], [MINE, BASE, TIE, BASE], [BASE, BASE, BASE, BOTH_BAD])
    assert tally.settled(poll) == {"0": MINE, "1": BASE, "2": TIE, "3": TIE}
    changed = imagined([MINE])
    changed.votes["voter-0"].append({"item": "0", "preferred": BASE, "choice": LEFT, "void": None})  # type: ignore
    found = tally.tally(changed)
    assert found["wins"][MINE]["value"] == 1.0 and found["self_agreement"]["value"] == 0.0


def test_agreement_between_voters_has_cohens_kappa() -> None:
    found = tally.tally(imagined([MINE, MINE, BASE, BASE], [MINE, MINE, BASE, MINE]))["between_voters"]
    assert (found["value"], found["n"], found["kappa"]) == (0.75, 4, 0.5)
    # the textbook case: 20 and 15 of 50 agreed, kappa 0.40
    said = [("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15
    assert tally.kappa(said) == pytest.approx(0.4)
    assert tally.kappa([("a", "a")]) is None and tally.kappa([]) is None


def test_with_identical_models_no_side_and_no_winner_appears_beyond_chance() -> None:
    """1,000 voters of 50 pairs who judge texts alone, and two models that are the same: both tests at 5 %."""
    chance, asked = random.Random(7), comparison(50)
    sided = won = left = 0
    for trial in range(1000):
        votes = []
        for showing in ballots.plan(50, f"seed {trial}"):
            pair, (first, second) = asked.pairs[showing.pair], asked.names
            sides = (second, first) if showing.swapped else (first, second)
            liked = chance.choice(asked.names)  # by its text, wherever it stands
            votes.append(ballots.made(asked, pair, sides, LEFT if sides[0] == liked else RIGHT, 2, ""))
        found = tally.tally(Poll("test-1", "complexity", WHO, {"ann": votes}))
        sided += found["side"]["p"] < 0.05
        won += found["sign_test_p"] < 0.05
        left += sum(vote["choice"] == LEFT for vote in votes)
    assert sided <= 65 and won <= 65  # 5 % and two standard errors
    assert abs(left / (1000 * len(votes)) - 0.5) < 0.007
