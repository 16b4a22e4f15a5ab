"""The example sets: deterministic, right by construction, no leak between splits, nothing of the real rows."""

import json
import re
from dataclasses import astuple

import pytest

from backends.settings import ROOT
from finetune import examples
from finetune.generators import sourcegraph
from finetune.generators.sourcegraph.names import LANGUAGES
from finetune.generators.sourcegraph.words import Words
from finetune.outputs import sourcegraph_query as queries
from finetune.outputs.sourcegraph_grammar import MAX_CHARS
from finetune.rows import data
from finetune.tasks.sourcegraph import TASK
from tests.tasks.test_sourcegraph_task import whole

pytestmark = pytest.mark.slow

REAL = ROOT.parent / "shared" / "data" / "sourcegraph_pairs.jsonl"
PAIRS = [("train", "val"), ("train", "test"), ("val", "test")]
REPOSITORY = re.compile(r"-?repo:\^?(?:[a-z\\.]+/)?([^\s$@]+)")


@pytest.fixture(scope="module")
def rows():
    return {split: list(sourcegraph.rows(split, 0)) for split in sourcegraph.SPLITS}


def wordings(split: str) -> dict[str, set[str]]:
    """By kind; those of slots alone, like `{x}` or `{o}/{n}`, are names and no wording."""
    with_words = re.compile(r"[A-Za-z]{2}")
    return {
        kind: {wording for wording in text.split("|") if with_words.search(re.sub(r"\{\w\}", "", wording))}
        for kind, text in sourcegraph.SPLITS[split].phrases.items()
    }


def vocabulary(words: Words) -> set[str]:
    flat = [word for pool in astuple(words) for word in pool]
    return {part for word in flat for part in (word if isinstance(word, tuple) else (word,))}


def repositories(rows):
    return {name.replace("\\", "") for row in rows for name in REPOSITORY.findall(row["query"])}


def test_a_seed_gives_the_same_rows_and_another_seed_others(rows):
    assert list(sourcegraph.rows("val", 0)) == rows["val"]
    assert list(sourcegraph.rows("val", 1)) != rows["val"]


def test_the_files_that_ship_are_these_rows(rows):
    for split, expected in rows.items():
        assert data.read_jsonl(examples.path_of("sourcegraph", split)) == expected


def test_sizes_and_kinds(rows):
    assert {split: len(found) for split, found in rows.items()} == {"train": 4000, "val": 100, "test": 200}
    kinds = {"repo_scoped", "diff", "lang", "commit", "keyword", "symbol", "file", "author", "repo"}
    assert {row["category"] for row in rows["train"]} == {row["category"] for row in rows["test"]} == kinds


def test_every_query_is_in_the_form_and_right_for_both_evaluators(rows):
    for row in (row for found in rows.values() for row in found):
        assert TASK.clean(row) == row
        assert len(row["query"]) <= MAX_CHARS and whole(row["query"]), row
        scored = TASK.score(row, row["query"])
        assert scored.correct and scored.parts["item_f1"] == scored.parts["strict_match"] == 1.0, row


def test_every_listed_filter_that_a_request_can_ask_for_is_taught(rows):
    taught = {name for row in rows["train"] for name in queries.operators(row["query"])}
    short_or_implied = {"l", "language", "content", "rev"}  # lang:, plain words and repo:...@rev say the same
    assert taught == queries.OPERATORS - short_or_implied


def test_what_is_searched_for_stands_in_the_request_letter_by_letter(rows):
    for row in (row for found in rows.values() for row in found):
        for piece in queries.pieces(row["query"]):
            if piece.kind == "word":
                assert piece.text.strip('"') in row["natural_language"], row


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_splits_share_no_request_no_query_and_no_repository(rows, one, other):
    assert not {data.input_key(TASK, row) for row in rows[one]} & {data.input_key(TASK, row) for row in rows[other]}
    assert not {row["query"] for row in rows[one]} & {row["query"] for row in rows[other]}
    assert not repositories(rows[one]) & repositories(rows[other])


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_splits_share_no_wording_no_word_and_no_famous_project(one, other):
    first, second = wordings(one), wordings(other)
    assert first.keys() == second.keys()
    for kind in first:
        assert not first[kind] & second[kind], kind
    assert not vocabulary(sourcegraph.SPLITS[one].words) & vocabulary(sourcegraph.SPLITS[other].words)
    assert not set(sourcegraph.SPLITS[one].famous) & set(sourcegraph.SPLITS[other].famous)


def test_requests_are_varied(rows):
    """Names and numbers replaced, few requests of the training split look alike."""
    known = {word for split in sourcegraph.SPLITS.values() for _, said in LANGUAGES for word in said.split("|")}

    def skeleton(text: str) -> str:
        return " ".join(
            "L" if w in known else w if re.fullmatch(r"[A-Za-z',.?]{1,9}", w) else "N" for w in text.split()
        )

    shapes = {skeleton(row["natural_language"]) for row in rows["train"]}
    assert len(shapes) > 0.8 * len(rows["train"])


def test_nothing_of_the_real_rows_is_in_ours(rows):
    if not REAL.exists():
        pytest.skip("the real rows are not part of the project")
    real = [TASK.clean(json.loads(line)) for line in REAL.read_text().splitlines()]
    for found in rows.values():
        assert not {data.input_key(TASK, row) for row in real} & {data.input_key(TASK, row) for row in found}
        assert not {row["query"] for row in real} & {row["query"] for row in found}
        assert not repositories(real) & repositories(found)
