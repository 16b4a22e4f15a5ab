"""The systems without a model, on rows small enough to work out by hand."""

import pytest

from backends.errors import NotFound
from finetune import task_named
from finetune.scoring import baselines

TASK = task_named("complexity")
TRAIN = [
    {"code": "a" * 10, "score": 1.0},
    {"code": "alpha beta gamma " + "b" * 3, "score": 2.0},
    {"code": "delta epsilon zeta eta theta!!", "score": 3.0},
    {"code": "x" * 100, "score": 10.0},
]


def guess(name, row):
    return baselines.fit(TASK, name, TRAIN)(row)


def test_constants_do_not_look_at_the_row():
    assert guess("constant-5", {"code": "anything"}) == "5.0"
    assert guess("median", {"code": "anything"}) == "2.5"


def test_length_is_the_least_squares_line_kept_inside_the_range():
    assert guess("length", {"code": "y" * 50}) == "5.0"
    assert guess("length", {"code": "y" * 5000}) == "10.0"
    assert guess("length", {"code": ""}) == "1.0"


def test_length_on_inputs_that_are_equally_long_is_the_mean():
    train = [{"code": "ab", "score": 2.0}, {"code": "cd", "score": 4.0}]
    assert baselines.fit(TASK, "length", train)({"code": "abcdef"}) == "3.0"


def test_nearest_repeats_the_row_that_shares_most_words_whatever_their_case():
    assert guess("nearest", {"code": "Gamma alpha other"}) == "2.0"
    assert guess("nearest", {"code": "zeta(theta, eta)"}) == "3.0"


def test_every_trivial_answer_can_be_read_by_the_task():
    for name in ("constant-5", "median", "length", "nearest"):
        assert 1.0 <= TASK.parse(guess(name, {"code": "delta"})) <= 10.0


def test_an_unknown_system_is_named_with_those_that_exist():
    with pytest.raises(NotFound, match="no trivial system 'magic'; known: constant-5, median, length, nearest"):
        baselines.fit(TASK, "magic", TRAIN)


def test_shots_span_the_answers_and_are_short():
    train = [{"code": "x" * (100 - n % 7), "score": 1 + n / 10} for n in range(80)]
    shots = baselines.shots(TASK, train, 4)
    assert len(shots) == 4
    assert shots == sorted(shots, key=lambda row: row["score"])
    assert shots[0]["score"] < 3 and shots[-1]["score"] > 7
    assert all(len(row["code"]) == 94 for row in shots)


def test_there_are_no_more_shots_than_rows():
    assert len(baselines.shots(TASK, TRAIN[:2], 4)) == 2
