"""The example conversations: deterministic, labelled by what they are made of, no leak between splits, no give-away."""

import re
from collections import Counter

import pytest

from finetune import examples
from finetune.generators import observer
from finetune.generators.observer.words import load
from finetune.rows import data
from finetune.scoring import baselines
from finetune.tasks.observer_utility import LABELS, TASK, macro_f1

PAIRS = [("train", "val"), ("train", "test"), ("val", "test")]
WEIGHTIEST = ("important", "store")
#: kinds whose lines are wordings of the user; a slot or a turn says the same as a word here
SIGNS = re.compile(r"\{\w+\}|[\[\]|]")


@pytest.fixture(scope="module")
def rows():
    return {split: list(observer.rows(split, 0)) for split in observer.ROWS}


def words(split: str) -> set[str]:
    return {word.casefold() for pool in load("words", split).values() for word in pool}


def skeletons(split: str) -> dict[str, set[str]]:
    """Wordings by kind, without slots and turns."""
    return {
        kind: {" ".join(SIGNS.sub(" ", line).casefold().split()) for line in lines}
        for kind, lines in load("wordings", split).items()
    }


def figure(rows, guess) -> float:
    found = macro_f1([TASK.score(row, guess(row)) for row in rows])
    assert found is not None
    return found


def test_a_seed_gives_the_same_rows_and_another_seed_others(rows):
    assert list(observer.rows("val", 0)) == rows["val"]
    assert list(observer.rows("val", 1)) != rows["val"]


def test_the_files_that_ship_are_these_rows(rows):
    for split, expected in rows.items():
        assert data.read_jsonl(examples.path_of("observer_utility", split)) == expected


def test_sizes_and_every_label_in_about_a_third(rows):
    assert {split: len(found) for split, found in rows.items()} == {"train": 1500, "val": 100, "test": 200}
    for found in rows.values():
        shares = Counter(row["label"] for row in found)
        assert set(shares) == set(LABELS) and min(shares.values()) > 0.25 * len(found)


def test_every_row_is_clean_and_its_label_is_that_of_its_weightiest_part(rows):
    for row in (row for found in rows.values() for row in found):
        assert TASK.clean(row) == row and TASK.unfit(row) is None
        weight = next((kind for kind in WEIGHTIEST if kind in row["shape"].split()), "discard")
        assert row["label"] == weight.upper(), row


def test_no_trace_of_a_wordings_signs_is_left_in_a_row(rows):
    for row in (row for found in rows.values() for row in found):
        for text in (row["user_message"], row["assistant_message"]):
            assert not re.search(r"[{}\[\]|]|\s{2}|\s[.,?!]|[?!]\.|\A\s|\s\Z", text), row


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_splits_share_no_message_no_wording_and_no_word(rows, one, other):
    messages = [{row["user_message"].casefold() for row in rows[split]} for split in (one, other)]
    assert not messages[0] & messages[1]
    first, second = skeletons(one), skeletons(other)
    assert first.keys() == second.keys()
    for kind in first:
        assert not first[kind] & second[kind], kind
    assert not words(one) & words(other)


def test_no_message_comes_twice_so_none_has_two_labels(rows):
    for found in rows.values():
        assert len({row["user_message"].casefold() for row in found}) == len(found)


def test_the_same_facts_are_important_when_said_and_nothing_when_quoted(rows):
    quoted = [row for row in rows["train"] if row["shape"] == "wrapped"]
    assert len(quoted) > 30 and {row["label"] for row in quoted} == {"DISCARD"}
    assert any(re.search(r'"I (live|work|take) ', row["user_message"]) for row in quoted)


def test_neither_length_nor_a_question_mark_nor_parroting_comes_far(rows):
    """What shares most words with the row is of little help: all labels are made of the same words."""
    train, test = rows["train"], rows["test"]
    assert figure(test, baselines.fit(TASK, "nearest", train)) < 0.6
    assert figure(test, baselines.fit(TASK, "majority", train)) < 0.2
    assert figure(test, lambda row: "DISCARD" if "?" in row["user_message"] else "IMPORTANT") < 0.5
    for short in range(20, 80, 5):
        for long in range(short, 100, 5):
            cuts = figure(test, lambda row, s=short, x=long: LABELS[sum(len(row["user_message"]) > n for n in (s, x))])
            assert cuts < 0.55, (short, long)


def test_rows_are_varied(rows):
    known = words("train")
    pattern = re.compile("|".join(sorted(map(re.escape, known), key=len, reverse=True)))
    shapes = {pattern.sub("_", row["user_message"].casefold()) for row in rows["train"]}
    assert len(shapes) > 0.6 * len(rows["train"])
