"""The example queries: deterministic, right by construction, no leak between splits, no give-away."""

import json
import re
from collections import Counter

import pytest

from backends import grammar
from finetune import examples
from finetune.generators import router
from finetune.generators.router.words import load
from finetune.generators.router.writer import ROUTES
from finetune.outputs import router_plan as plans
from finetune.outputs.router_grammar import LARK, MAX_VERB
from finetune.rows import data
from finetune.scoring import baselines
from finetune.tasks.router import TASK

PAIRS = [("train", "val"), ("train", "test"), ("val", "test")]
TOOLS = {"search": "/general-search", "math": "/math", "code": "/code"}
#: sentences with nothing around them but full stops have no wording that could leak
BARE = re.compile(r"[\[\]{}\d. ]+")


@pytest.fixture(scope="module")
def rows():
    return {split: list(router.rows(split, 0)) for split in router.ROWS}


def wordings(split: str) -> dict[str, set[str]]:
    """By kind the wordings of a split; of a piece of work only what is done, as verbs are few. Questions are whole."""
    found: dict[str, set[str]] = {}
    for kind, lines in load("wordings", split).items():
        said = {line if kind.endswith("?") else line.split(" > ", 1)[-1] for line in lines}
        found[kind] = {line.casefold() for line in said if not BARE.fullmatch(line)}
    return found


def words(split: str) -> dict[str, set[str]]:
    return {slot: {word.casefold() for word in pool} for slot, pool in load("words", split).items()}


def share(guess, found) -> float:
    return sum(TASK.score(row, guess(row)).correct for row in found) / len(found)


def test_a_seed_gives_the_same_rows_and_another_seed_others(rows):
    assert list(router.rows("val", 0)) == rows["val"]
    assert list(router.rows("val", 1)) != rows["val"]


def test_the_files_that_ship_are_these_rows(rows):
    for split, expected in rows.items():
        assert data.read_jsonl(examples.path_of("router", split)) == expected


def test_sizes_and_every_route_as_often_as_the_others(rows):
    assert {split: len(found) for split, found in rows.items()} == router.ROWS
    for found in rows.values():
        counts = Counter(row["route"] for row in found)
        assert counts.keys() == ROUTES.keys() and max(counts.values()) - min(counts.values()) <= 1


def test_every_row_is_clean_and_its_plan_has_the_tools_of_its_route(rows):
    for row in (row for found in rows.values() for row in found):
        assert TASK.clean(row) == row and TASK.unfit(row) is None
        plan = plans.read(row["plan"])
        assert plans.sequence(plan) == tuple(TOOLS[name] for name in row["route"].split(">"))
        assert len(plan["thinking_outline"]) == len(plan["route_plan"])


def test_every_argument_and_every_verb_stands_in_the_query_in_the_order_that_is_said(rows):
    for row in (row for found in rows.values() for row in found):
        plan = plans.read(row["plan"])
        said = [
            f"{verb} .*?{re.escape(step.argument)}"
            for verb, step in zip(plan["thinking_outline"], plans.steps_in(plan["route_plan"]), strict=True)
        ]
        for piece in said:
            assert re.search(piece, row["query"], re.IGNORECASE), row
        in_order = re.search(".*?".join(said), row["query"], re.IGNORECASE)
        assert in_order or row["order"] == "turned round", row


def test_plans_are_in_the_form_and_no_sign_of_a_wording_is_left(rows):
    for row in rows["test"]:
        assert grammar.allows(LARK, row["plan"]), row
    for row in (row for found in rows.values() for row in found):
        assert not re.search(r"[{}|>\\]|\[\d\]|\s{2}|\A\s|\s\Z", row["query"].replace("2^n > n", "it")), row


def test_no_verb_is_longer_than_the_form_allows():
    for split in router.ROWS:
        for line in (line for lines in load("wordings", split).values() for line in lines if " > " in line):
            for verb in line.split(" > ")[0].split("/"):
                assert re.fullmatch(r"[a-z][a-z ]*[a-z]", verb) and len(verb) <= MAX_VERB, line


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_splits_share_no_query_no_wording_and_no_word(rows, one, other):
    queries = [{row["query"].casefold() for row in rows[split]} for split in (one, other)]
    assert not queries[0] & queries[1]
    for first, second in ((wordings(one), wordings(other)), (words(one), words(other))):
        assert first.keys() == second.keys()
        for kind in first:
            assert not first[kind] & second[kind], kind


def test_no_query_comes_twice(rows):
    for found in rows.values():
        assert len({row["query"].casefold() for row in found}) == len(found)


def test_the_text_does_not_always_say_the_work_in_its_order(rows):
    for found in rows.values():
        assert sum(row["order"] == "turned round" for row in found) > 0.1 * len(found)


def test_one_verb_asks_for_any_tool(rows):
    tools = {verb: set() for verb in ("find", "find out", "check", "work out")}
    for row in rows["train"]:
        plan = json.loads(row["plan"])
        for verb, tool in zip(plan["thinking_outline"], plans.sequence(plan), strict=True):
            tools.get(verb, set()).add(tool)
    assert len(tools["find"]) == len(tools["check"]) == len(tools["find out"]) == 3


def test_neither_a_constant_nor_parroting_comes_far(rows):
    assert share(baselines.fit(TASK, "search-math-code", rows["train"]), rows["test"]) < 0.1
    assert share(baselines.fit(TASK, "nearest", rows["train"]), rows["test"]) < 0.4
