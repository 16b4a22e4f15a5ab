"""The example sets: deterministic, right by running them, no leak between splits, not to be parroted."""

import json
import random
import re
from collections.abc import Iterator

import pytest

from backends.settings import ROOT
from finetune import examples
from finetune.generators import code
from finetune.generators.code import vocabulary
from finetune.generators.code.wordings_held_out import OF_SPLIT
from finetune.outputs import code_runner
from finetune.rows import data
from finetune.scoring import baselines
from finetune.tasks.code import TASK

pytestmark = pytest.mark.slow

REAL = ROOT.parent / "shared" / "data" / "mbpp_python.jsonl"
PAIRS = [("train", "val"), ("train", "test"), ("val", "test")]
HEAD = re.compile(r"def (\w+)\((.*?)\):")


@pytest.fixture(scope="module")
def rows() -> dict[str, list[dict]]:
    return {split: list(code.rows(split, 0)) for split in code.ROWS}


def texts(value: object) -> Iterator[str]:
    """All texts of a split's wordings, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from ([key] if isinstance(inner, str) else [])
            yield from texts(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from texts(inner)


def combination(row: dict) -> str:
    """The function without its names, short texts and comment."""
    name, parameters = HEAD.match(row["output"]).groups()  # type: ignore[union-attr]
    text = re.sub(r"\n    #.*", "", row["output"])
    for word in [name, *parameters.split(", ")]:
        text = re.sub(rf"\b{word}\b", "_", text)
    return re.sub(r'"[^" ]{1,3}"(?!\.join)', '""', text)


def test_a_seed_gives_the_same_rows_and_another_seed_others(rows: dict) -> None:
    assert list(code.rows("val", 0)) == rows["val"] != list(code.rows("val", 1))


def test_the_files_that_ship_are_these_rows(rows: dict) -> None:
    for split, expected in rows.items():
        assert data.read_jsonl(examples.path_of("code", split)) == expected


def test_sizes_and_kinds(rows: dict) -> None:
    assert {split: len(found) for split, found in rows.items()} == {"train": 3800, "val": 60, "test": 200}
    kinds = {"result", "keyed", "check", "choice", "question"}
    assert {row["category"] for row in rows["train"]} == {row["category"] for row in rows["test"]} == kinds


def test_every_row_is_clean_short_and_has_tests_that_tell_something(rows: dict) -> None:
    for row in (row for found in rows.values() for row in found):
        assert TASK.clean(row) == row
        assert TASK.unfit(row) is None and "{" not in row["instruction"], row
        expected = {test.split(" == ", 1)[1] for test in row["tests"]}
        assert 2 <= len(row["tests"]) <= 6 and len(expected) >= 2, row
        for word in HEAD.match(row["output"]).groups()[1].split(", "):
            assert re.search(rf"\b{word}\b", row["instruction"]), row


def test_every_answer_passes_its_own_tests(rows: dict) -> None:
    """Blocks say what they do twice, as text and as a function; here the one runs against the other."""
    chance = random.Random(0)
    for row in [*chance.sample(rows["test"], 40), *chance.sample(rows["train"], 40), *chance.sample(rows["val"], 10)]:
        assert code_runner.passes(row["output"], tuple(row["tests"]), row["entry_point"]), row


def test_a_constant_or_the_other_comparison_does_not_pass(rows: dict) -> None:
    """The tests notice small mistakes: 30 answers with one thing changed."""
    changes = [(" > ", " >= "), (" < ", " <= "), (" + ", " - "), ("** 2", "** 3"), ("min(", "max("), (" and ", " or ")]
    changed = [
        (row, row["output"].replace(old, new))
        for row in rows["test"]
        for old, new in changes
        if old in row["output"].split("\n", 2)[2]
    ][:30]
    assert len(changed) == 30
    passed = [row for row, text in changed if TASK.score(row, text).correct]
    assert len(passed) <= 6, passed


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_splits_share_no_request_no_function_and_no_combination(rows: dict, one: str, other: str) -> None:
    assert not {data.input_key(TASK, row) for row in rows[one]} & {data.input_key(TASK, row) for row in rows[other]}
    assert not {row["entry_point"] for row in rows[one]} & {row["entry_point"] for row in rows[other]}
    assert not set(map(combination, rows[one])) & set(map(combination, rows[other]))


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_splits_share_no_wording_and_no_name(one: str, other: str) -> None:
    first, second = (set(texts(tuple(vars(OF_SPLIT[split]).values()))) for split in (one, other))
    kinds = set(vars(OF_SPLIT[one])["places"]) | set(vars(OF_SPLIT[one])["forms"])
    assert not (first & second) - kinds
    for pools in (vocabulary.FILTERS, vocabulary.MAPS, vocabulary.RESULT):
        for block in (block for pool in pools.values() for block in pool.values()):
            assert not set(block.says[one]) & set(block.says[other]), block.name


def test_every_block_is_taught_and_in_a_function_as_it_stands(rows: dict) -> None:
    taught = "\n".join(row["output"] for row in rows["train"])
    for pools in (vocabulary.FILTERS, vocabulary.MAPS):
        for kind, pool in pools.items():
            for block in pool.values():
                variable = {"number": "n", "word": "w", "character": "c", "pair": ""}[kind]
                parts = re.split(r"\{k\}", block.code.replace("{v}", variable))
                assert re.search(".+?".join(map(re.escape, parts)), taught), block.name


def test_parroting_the_training_rows_passes_nothing(rows: dict) -> None:
    guess = baselines.fit(TASK, baselines.NEAREST, rows["train"])
    tried = rows["test"][:60]
    assert not [row for row in tried if TASK.score(row, guess(row)).correct]
    renamed = [TASK.score(row, _renamed(guess(row), row)).correct for row in tried]
    assert sum(renamed) <= 3  # not even with the right names


def _renamed(answer: str, row: dict) -> str:
    """The parrot's function under the name, and with the parameters, that are asked for."""
    old, new = HEAD.match(answer), HEAD.match(row["output"])
    assert old and new
    for word, other in zip(old[2].split(", "), new[2].split(", "), strict=False):
        answer = re.sub(rf"\b{word}\b", other, answer)
    return answer.replace(answer.split("\n")[0], new[0], 1)


@pytest.mark.skipif(not REAL.exists(), reason="the real rows are not part of this project")
def test_nothing_of_the_real_rows_is_in_ours(rows: dict) -> None:
    real = [json.loads(line) for line in REAL.read_text().splitlines()]
    ours = {row["instruction"].casefold() for found in rows.values() for row in found}
    assert not [line for line in real if line["description"].casefold() in ours]
    names = {line["entry_point"] for line in real}
    assert not names & {row["entry_point"] for found in rows.values() for row in found}
