"""The example sets: deterministic, right by construction, nothing shared between splits, no baseline that parrots."""

import re
from itertools import combinations
from statistics import mean

import pytest

from finetune import examples
from finetune.generators import environment
from finetune.generators.environment.domains import load
from finetune.outputs import environment_answer as answers
from finetune.rows import data
from finetune.scoring import baselines
from finetune.tasks.environment import TASK

PAIRS = list(combinations(environment.ROWS, 2))
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
AGAINST = re.compile(r"\bagainst\b")
OPEN = ("not in the context", "no context")


@pytest.fixture(scope="module")
def rows():
    return {split: list(environment.rows(split, 0)) for split in environment.ROWS}


@pytest.fixture(scope="module")
def every(rows):
    return [row for found in rows.values() for row in found]


def lines(split):
    return {tuple(line[1:]) for domain in load(split) for line in (*domain.facts, *domain.pairs, *domain.untold)}


def words(split):
    """Names and words of the pools; kinds and years may be common."""
    return {word for domain in load(split) for pool in domain.pools if pool == "names" for word in domain.pools[pool]}


def test_a_seed_gives_the_same_rows_and_another_seed_others(rows):
    assert list(environment.rows("val", 0)) == rows["val"] != list(environment.rows("val", 1))


def test_the_files_that_ship_are_these_rows(rows):
    for split, expected in rows.items():
        assert data.read_jsonl(examples.path_of("environment", split)) == expected


def test_sizes_kinds_and_the_share_of_questions_that_stay_open(rows):
    assert {split: len(found) for split, found in rows.items()} == environment.ROWS
    kinds = {row["kind"] for row in rows["train"]}
    assert len(kinds) == 7 and {row["kind"] for row in rows["test"]} == kinds
    assert 0.08 <= mean(row["kind"] in OPEN for row in rows["train"]) <= 0.16


def test_no_slot_or_mark_is_left_in_a_text(every):
    for row in every:
        assert not re.search(
            r"[{}<>\[\]|]|\(\)|  | [.,?]", "\n".join((row["instruction"], row["input"], row["output"]))
        )


def test_every_row_is_clean_in_the_form_and_right_by_its_own_judge(every):
    for row in every:
        assert TASK.clean(row) == row and TASK.unfit(row) is None
        scored = TASK.score(row, row["output"])
        assert scored.correct and scored.parts["exact_match"] == 1.0 and len(row["output"]) <= answers.MAX_CHARS
        assert row["output"].endswith(".") and row["expected_keywords"]


def test_what_an_answer_says_stands_in_the_text_but_not_in_its_first_sentence(every):
    for row in (row for row in every if row["kind"] not in OPEN):
        first, rest = answers.SENTENCE.split(row["input"], maxsplit=1)
        for keyword in row["expected_keywords"]:
            assert answers.stands(keyword, rest), row
        assert answers.word_f1(first, row["output"]) < 0.6, row


def test_the_larger_value_comes_first_in_a_comparison(every):
    compared = [row for row in every if row["kind"] == "comparison"]
    assert len(compared) > 200
    for row in compared:
        more, less = (NUMBER.findall(part) for part in AGAINST.split(row["output"], maxsplit=1))
        assert float(more[-1].replace(",", "")) > float(less[0].replace(",", "")), row


def test_a_follow_up_holds_the_turn_before_it_and_asks_for_something_else(every):
    followed = [row for row in every if row["kind"].startswith("follow-up")]
    assert len(followed) > 300
    for row in followed:
        assert "\nUser: " in row["input"]
        assert row["input"].rsplit("\nAssistant: ", 1)[1] != row["output"]


def test_an_open_question_is_not_answered_by_its_text(every):
    """The clause after "does not say" is a line of the subject that the text was made without."""
    asked = {(row["topic"], row["instruction"]): row for row in every if row["kind"] == "fact"}
    for row in (row for row in every if row["kind"] == "not in the context"):
        known = asked.get((row["topic"], row["instruction"]))
        if known:
            head = NUMBER.split(known["output"])[0]
            assert len(head) < 12 or head not in row["input"], row


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_splits_share_no_subject_line_name_question_or_answer(rows, one, other):
    assert not {domain.name for domain in load(one)} & {domain.name for domain in load(other)}
    assert not lines(one) & lines(other) and not words(one) & words(other)
    for column in ("instruction", "input", "output"):
        both = {row[column] for row in rows[one]} & {row[column] for row in rows[other]} - {""}
        assert not both


@pytest.mark.parametrize(
    ("name", "most"),
    [("nearest", 0.25), ("first-sentence", 0.15), ("closest-sentence", 0.70)],
)
def test_no_system_without_a_model_comes_close(rows, name, most):
    guess = baselines.fit(TASK, name, rows["train"])
    assert mean(TASK.score(row, guess(row)).parts.get("token_f1", 0.0) for row in rows["test"]) < most
