"""The seed's full plan of ten keys, measured on its own rows where these lie beside the project."""

import json
from copy import deepcopy

import pytest

from backends import grammar
from backends.base import Constraint
from backends.settings import ROOT
from finetune.outputs import router_full_plan as full
from finetune.outputs import router_plan as plans
from finetune.task import Unreadable
from finetune.tasks.router import TASK

REAL = ROOT.parent / "shared" / "data" / "router_full_plans.jsonl"
PLAN = {
    "route_plan": ['/general-search(query="tides", mode=rag)', "/math(fit a sine)", "/code(plot it, using Python)"],
    "route_rationale": "Facts, then numbers, then a plot.",
    "expected_artifacts": ["- a plot"],
    "thinking_outline": ["1. Read up on tides.", "2. Fit."],
    "handoff_plan": "/general-search -> /math -> /code -> router QA (verification: none; fallback: none)",
    "todo_list": ["- [ ] /general-search: tides", "- [ ] /math: fit", "- [ ] /code: plot", "- [ ] router QA: check"],
    "difficulty": "intermediate",
    "tags": ["tides"],
    "acceptance_criteria": ["- the plot is shown"],
    "metrics": {"primary": ["error"], "primary_guidance": "small", "secondary": ["time"]},
}


def but(**keys: object) -> dict:
    """The plan with other values."""
    return deepcopy(PLAN) | keys


@pytest.fixture(scope="module")
def real():
    if not REAL.exists():
        pytest.skip("the seed's plans are not part of the project")
    rows = [json.loads(line) for line in REAL.read_text(encoding="utf-8").splitlines()]
    return [(row["query"], full.parse(json.dumps(row["completion"]))) for row in rows]


# Prompts.


def test_the_trained_prompt_ends_in_the_query_and_one_line_feed():
    made = full.prompt("Why {query}?")
    assert made.startswith("You are the Router Agent coordinating Math, Code, and General-Search specialists.\nGiven")
    assert made.endswith("\n\nUser query:\nWhy {query}?\n") and made.count("Requirements:") == 1


@pytest.mark.parametrize("text", [full.TRAINED, full.SERVED])
def test_a_query_comes_back_out_of_either_prompt(text):
    query = "Two lines,\nUser query:\nand a false start"
    assert full.query_of(full.prompt(query, text)) == query
    assert full.query_of(" a bare one ") == "a bare one"


# Reading.


def test_a_full_plan_is_read_and_is_a_short_plan_too():
    text = f"<think>hm</think>\n```json\n{json.dumps(PLAN, indent=1)}\n```"
    assert full.parse(text) == PLAN
    assert plans.sequence(plans.read(text)) == ("/general-search", "/math", "/code")


@pytest.mark.parametrize("key", full.KEYS)
def test_a_plan_without_one_of_its_ten_keys_is_refused_by_its_name(key):
    with pytest.raises(Unreadable, match=key):
        full.parse(json.dumps({name: value for name, value in PLAN.items() if name != key}))


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"route_plan": []}, "empty"),
        ({"route_plan": ["/physics(x)"]}, "/physics"),
        ({"todo_list": "- [ ] all"}, "todo_list is no list"),
        ({"metrics": ["error"]}, "metrics is no object"),
        ({"route_rationale": 3}, "route_rationale is no text"),
    ],
)
def test_a_value_of_another_kind_is_refused(keys, why):
    with pytest.raises(Unreadable, match=why):
        full.parse(json.dumps(but(**keys)))


def test_a_plan_that_the_seeds_token_limit_cut_is_refused_not_replaced_by_a_sample():
    with pytest.raises(Unreadable, match="no end"):
        full.parse(json.dumps(PLAN)[:-40])


# The schema.


def test_the_schema_takes_a_full_plan_and_no_tool_of_another_name():
    lark = grammar.check(Constraint("json_schema", full.SCHEMA))
    assert grammar.allows(lark, json.dumps(PLAN))
    for keys in ({"route_plan": ["/physics(x)"]}, {"route_plan": []}, {"difficulty": "medium"}, {"todo_list": []}):
        assert not grammar.allows(lark, json.dumps(but(**keys))), keys


def test_the_bounds_of_the_schema_lie_above_the_seeds_rows(real):
    for _, plan in real:
        for key, form in full.SCHEMA["properties"].items():
            texts = plan[key] if form.get("type") == "array" else [plan[key]] if form.get("type") == "string" else []
            assert len(texts) <= form.get("maxItems", 1)
            longest = form.get("items", form).get("maxLength", 600)
            assert all(len(text) <= longest for text in texts), (key, texts)
        assert plan["difficulty"] in full.SCHEMA["properties"]["difficulty"]["enum"]


# Scores.


@pytest.mark.parametrize(
    ("keys", "field", "value"),
    [
        ({}, "sequence_exact", 1.0),
        ({"route_plan": ["/general-search(a)", "/math(b)", "/code(c)"]}, "sequence_exact", 1.0),
        ({"route_plan": ["/general-search(a)", "/math(b)", "/code(c)"]}, "route_plan_exact", 0.0),
        ({"route_plan": ["/math(b)", "/code(c)"]}, "route_first_tool_match", 0.0),
        ({"route_plan": ["/math(b)", "/code(c)"]}, "route_last_tool_match", 1.0),
        ({"route_plan": ["/math(b)", "/code(c)"]}, "route_length_match", 0.0),
        ({"route_plan": ["/math(b)", "/code(c)"]}, "route_tool_precision", 1.0),
        ({"route_plan": ["/math(b)", "/code(c)"]}, "route_tool_recall", 2 / 3),
        ({"todo_list": ["/router: x", "/math: y", "ask /code", "router QA"]}, "todo_tool_alignment", 0.75),
        ({"todo_list": []}, "todo_tool_alignment", 0.0),
        ({"todo_list": ["/math: y"]}, "todo_covers_all_tools", 0.0),
        ({"handoff_plan": "/math -> /code"}, "handoff_tools_covered", 0.0),
        ({"handoff_plan": "/math -> /code"}, "handoff_router_qa", 0.0),
        ({"metrics": {"primary": [], "secondary": ["a"]}}, "metrics_primary_nonempty", 0.0),
        ({"metrics": {"primary": [], "secondary": ["a"]}}, "metrics_keys_match", 0.0),
        ({"metrics": {"primary": [], "primary_guidance": ["a"]}}, "primary_guidance_retained", 0.0),
        ({"expected_artifacts": []}, "expected_artifacts_nonempty", 0.0),
        ({}, "length_ratio", 1.0),
    ],
)
def test_each_field_by_hand(keys, field, value):
    assert full.scores(PLAN, but(**keys))[field] == pytest.approx(value)


def test_an_unreadable_answer_stays_in_every_denominator():
    means = full.means([(PLAN, PLAN), (PLAN, None)])["overall"]
    assert set(means.values()) == {0.5}


def test_buckets_are_made_by_the_gold_plan():
    first = but(route_plan=["/math(a)", "/code(b)"], difficulty="advanced", metrics={"primary": [], "secondary": []})
    found = full.means([(PLAN, PLAN), (first, PLAN)])
    assert found.keys() == {"overall", "math_first", "has_guidance", "advanced"}
    assert (found["overall"]["sequence_exact"], found["math_first"]["sequence_exact"]) == (0.5, 0.0)
    assert "primary_guidance_retained" not in found["math_first"]


# The seed's own rows.


def test_gold_against_gold_is_perfect_but_for_what_the_rows_themselves_leave_open(real):
    means = full.means([(plan, plan) for _, plan in real])
    assert means.keys() == full.BUCKETS.keys()
    for found in means.values():
        for name, value in found.items():
            floor = 0.89 if name in ("todo_tool_alignment", "handoff_router_qa", "handoff_tools_covered") else 1.0
            assert value >= floor, name


def test_one_constant_plan_looks_good_in_sets_and_bad_in_sequences(real):
    means = full.means([(plan, real[0][1]) for _, plan in real])["overall"]
    assert min(means["route_tool_precision"], means["route_tool_recall"], means["handoff_tools_covered"]) > 0.99
    assert means["route_plan_exact"] < 0.01 and means["sequence_exact"] < 0.6
    assert means["metrics_keys_match"] == pytest.approx(0.81, abs=0.01)


def test_the_seeds_rows_are_rows_of_the_task(real):
    for query, plan in real:
        row = TASK.clean({"prompt": full.prompt(query), "completion": json.dumps(plan)})
        assert row["query"] == query.strip() and TASK.unfit(row) is None
        assert TASK.score(row, TASK.answer_of(row)).correct
