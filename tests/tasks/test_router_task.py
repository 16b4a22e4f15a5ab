"""Queries to plans: rows in, answers read, scores by hand, the form's bounds and the flow panel."""

import html
import json
import re

import pytest

from backends import grammar
from backends.errors import BadInput
from finetune.outputs import router_full_plan as full
from finetune.outputs import router_plan as plans
from finetune.outputs.router_grammar import LARK, MAX_STEPS
from finetune.outputs.router_plan import Step
from finetune.task import Unreadable
from finetune.tasks.router import CONSTANT, TASK
from ui import panels

STEPS = (
    Step("/general-search", "population of Peru"),
    Step("/math", "12% of it"),
    Step("/code", "script that plots it"),
)
PLAN = plans.written(("look up", "work out", "write"), STEPS)
#: as the seed document shows it, keys in its own order
SEED = {
    "route_plan": ["/code"],
    "route_rationale": "A TypeError in Python code is a programming matter.",
    "thinking_outline": "code error -> debugging -> Code Agent",
    "handoff_plan": "Direct to code_agent with error context",
    "difficulty": "medium",
    "tags": ["debugging", "python"],
}


def changed(**keys: object) -> str:
    """The plan with other values; None takes the key away."""
    return json.dumps({key: value for key, value in (json.loads(PLAN) | keys).items() if value is not None})


def whole(text: str) -> bool:
    """Is the text a complete answer in the task's form?"""
    from llguidance import LLMatcher

    matcher = LLMatcher(grammar._bytes_tokenizer(), LLMatcher.grammar_from_lark(LARK), log_level=0)
    wanted = list(text.encode())
    return matcher.validate_tokens(wanted) == len(wanted) and matcher.consume_tokens(wanted) and matcher.is_accepting()


def routed(*tools: str) -> str:
    return plans.written(["do"] * len(tools), [Step(tool, "it") for tool in tools])


def figures(*pairs: tuple[str, str]) -> dict[str, float]:
    """The task's metrics over (expected plan, answer) pairs."""
    scored = [TASK.score({"query": "x", "plan": plan}, answer) for plan, answer in pairs]
    return {
        metric.key: metric.compute(scored) if metric.compute else sum(map(metric.part, scored)) / len(scored)
        for metric in TASK.metrics
    }


# Rows in.


@pytest.mark.parametrize(
    "row",
    [
        {"query": "why does it crash?", "plan": json.dumps(SEED)},
        {"query": "why does it crash?", "plan": SEED},
        {"prompt": "why does it crash?", "completion": SEED},
        {"prompt": full.prompt("why does it crash?"), "completion": json.dumps(SEED), "index": 3},
        {"prompt": full.prompt("why does it crash?", full.SERVED), "completion": SEED, "categories": ["advanced"]},
        {"query": " why does it crash?\n", "completion": SEED},
    ],
    ids=["ours", "object", "seed document", "trained", "served", "benchmark"],
)
def test_every_row_shape_of_the_seed_becomes_the_same_clean_row(row):
    cleaned = TASK.clean(row)
    assert cleaned["query"] == "why does it crash?" and json.loads(cleaned["plan"]) == SEED
    assert cleaned.keys() == {"query", "plan"}


def test_other_plain_columns_stay_as_slices():
    assert TASK.clean({"query": "x", "plan": PLAN, "route": "search"})["route"] == "search"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"plan": PLAN}, "column query: missing"),
        ({"query": "x"}, "column plan: missing"),
        ({"query": "  ", "plan": PLAN}, "column query: empty"),
        ({"query": "x", "plan": "search, then math"}, "column plan: the answer holds no JSON object"),
        (
            {"query": "x", "plan": changed(route_plan=["/physics(x)"])},
            "column plan: step 1 asks for the tool '/physics'",
        ),
    ],
)
def test_an_unusable_row_names_its_column(row, message):
    with pytest.raises(BadInput, match=re.escape(message)):
        TASK.clean(row)


# Answers.


@pytest.mark.parametrize(
    "answer",
    [
        PLAN,
        f"  {PLAN}\n",
        f"<think>which {{tool}}?</think>{PLAN}",
        f"Here it is:\n```json\n{PLAN}\n```\nDone.",
        f"```\n{PLAN}\n```",
        f"The plan: {PLAN} and {{more}}",
        changed(expected_artifacts=["a"], metrics={}),
        changed(
            route_plan=['/general-search(query="population of Peru", mode=rag)', *json.loads(PLAN)["route_plan"][1:]]
        ),
    ],
    ids=["bare", "blanks", "thinking", "json fence", "fence", "prose", "more keys", "the seed's search"],
)
def test_a_plan_is_found_wherever_the_seed_finds_it(answer):
    read = TASK.parse(answer)
    assert plans.steps_in(read["route_plan"]) == STEPS and read["tags"] == ["lookup", "mathematics", "programming"]


def test_the_seed_documents_own_example_is_read():
    read = TASK.parse(json.dumps(SEED))
    assert plans.steps_in(read["route_plan"]) == (Step("/code", ""),)
    assert (read["difficulty"], read["thinking_outline"]) == ("intermediate", [SEED["thinking_outline"]])
    assert TASK.parse(json.dumps(read)) == read  # a stored value is read as itself


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "no JSON object"),
        ("/math then /code", "no JSON object"),
        (PLAN[:-20], "broken or has no end"),
        ("[" * 100_000 + "{" * 100_000, "broken or has no end"),
        (changed(tags=float("nan")), "broken or has no end"),
        ("{}", "no thinking_outline and no route_plan"),
        (changed(handoff_plan=None), "has no handoff_plan"),
        (changed(route_plan=[]), "empty one"),
        (changed(route_plan="/math(x)"), "no list of steps"),
        (changed(route_plan=["/math(x)"] * 9), "9 steps"),
        (changed(route_plan=["/math(x)", "/physics(y)"]), "step 2 asks for the tool '/physics'"),
        (changed(route_plan=["math(x)"]), "step 1 asks for the tool 'math'"),
        (changed(route_plan=["/math(x"]), "not written as /tool"),
        (changed(route_plan=[7]), "not written as /tool"),
        (changed(difficulty="extreme"), "extreme"),
        (changed(difficulty=3), "difficulty is no text"),
        (changed(tags="math"), "tags is no list"),
        (changed(thinking_outline=[1]), "thinking_outline is no list"),
    ],
)
def test_a_broken_plan_is_refused_with_its_reason_and_scores_nothing(answer, why):
    with pytest.raises(Unreadable, match=re.escape(why)):
        TASK.parse(answer)
    assert set(figures((PLAN, answer)).values()) == {0.0}


# Scores.


def test_scores_by_hand():
    given = figures((routed("/general-search", "/math"), routed("/general-search", "/code")))
    assert given == {
        "sequence_exact": 0.0,
        "macro_recall": 0.0,
        "worst_class": 0.0,
        "first_tool": 1.0,
        "last_tool": 0.0,
        "tool_precision": 0.5,
        "tool_recall": 0.5,
        "plan_exact": 0.0,
        "json_valid": 1.0,
    }
    assert set(figures((PLAN, PLAN)).values()) == {1.0}


def test_the_order_counts_and_sets_of_tools_do_not_see_it():
    given = figures((routed("/math", "/code"), routed("/code", "/math")))
    assert given["tool_precision"] == given["tool_recall"] == 1.0 and given["sequence_exact"] == 0.0


def test_another_argument_is_the_same_sequence_but_not_the_same_plan():
    given = figures((PLAN, PLAN.replace("population of Peru", "size of Peru")))
    assert (given["sequence_exact"], given["plan_exact"]) == (1.0, 0.0)


def test_each_sequence_counts_alike_however_many_rows_it_has():
    math, code = routed("/math"), routed("/code")
    given = figures((math, math), (math, math), (math, math), (code, math))
    assert (given["sequence_exact"], given["macro_recall"], given["worst_class"]) == (0.75, 0.5, 0.0)


def test_the_constant_plan_has_full_recall_and_hardly_a_sequence():
    given = figures(*((routed(*tools), CONSTANT) for tools in (("/math",), ("/code",), ("/code", "/math"))))
    assert given["tool_recall"] == 1.0 and given["sequence_exact"] == 0.0


# Input.


@pytest.mark.parametrize("query", ["", "  \n", "?!", "17 + 4", "a" * 1_501])
def test_what_is_no_query_is_said_to_be_none(query):
    assert TASK.unfit({"query": query})


def test_the_samples_fit():
    assert [TASK.unfit(sample) for sample in TASK.samples] == [None] * len(TASK.samples)


# The form.


@pytest.mark.parametrize("plan", [PLAN, CONSTANT, routed(*["/code"] * MAX_STEPS), routed("/general-search")])
def test_our_plans_are_in_the_form(plan):
    assert whole(plan)


@pytest.mark.parametrize(
    "plan",
    [
        "",
        PLAN[:-1],
        f"{PLAN} ",
        routed(*["/code"] * (MAX_STEPS + 1)),
        PLAN.replace("/math", "/physics"),
        PLAN.replace('"work out",', ""),  # an outline of other length
        PLAN.replace("(12% of it)", "()"),
        PLAN.replace("of Peru", 'of \\"Peru\\"'),
        PLAN.replace("of Peru", "of M\u00e1laga"),
        PLAN.replace("advanced", "extreme"),
        PLAN.replace("population", "x" * 100),
        PLAN.replace("lookup", "weather"),
        json.dumps(SEED, separators=(",", ":")),
    ],
)
def test_what_is_no_plan_of_ours_is_not_in_the_form(plan):
    assert not whole(plan)


@pytest.mark.parametrize("tool", ["/physics", "/router", "/web", "/Math", "math", "/math2"])
def test_a_tool_that_does_not_exist_cannot_be_written_and_is_refused_when_read(tool):
    answer = PLAN.replace('"/math', f'"{tool}')
    assert answer != PLAN and not grammar.allows(LARK, answer[: answer.index(tool) + len(tool) + 1])
    with pytest.raises(Unreadable, match=r"there are only /general-search, /math, /code"):
        TASK.parse(answer)


# The panel.


def test_the_panel_draws_the_steps_in_order_with_tool_and_argument():
    shown = panels.result(TASK, TASK.parse(PLAN))
    flow = shown.split("<ol")[1].split("</ol>")[0]
    said = [html.unescape(re.sub(r"<[^>]+>", "", item)) for item in flow.split("<li>")[1:]]
    assert said == ["◎/general-search population of Peru", "∑/math 12% of it", "❯/code script that plots it"]
    assert "3 steps: general-search finds facts, then math calculates, then code programs." in shown


def test_reason_outline_and_handoff_are_folded_away():
    folded = panels.result(TASK, TASK.parse(PLAN)).split("<details>")[1]
    for text in (
        "look up · work out · write",
        "facts then calculation then program",
        "/code -&gt; router QA",
        "advanced",
    ):
        assert text in folded


def test_the_panel_escapes_what_a_model_wrote_and_teaches_when_empty():
    hostile = "<img src=x onerror=alert(1)>"
    keys = {"route_plan": [f"/code({hostile})"], "route_rationale": hostile, "handoff_plan": hostile, "tags": [hostile]}
    assert "<img" not in panels.result(TASK, TASK.parse(changed(**keys, thinking_outline=[hostile])))
    assert "No plan yet" in panels.result(TASK, None)


def test_a_step_without_an_argument_is_asked_the_whole_query():
    assert "the whole query" in panels.result(TASK, TASK.parse(json.dumps(SEED)))


def test_a_refused_plan_is_said_in_words():
    with pytest.raises(Unreadable) as refusal:
        TASK.parse(changed(route_plan=["/physics(x)"]))
    shown = panels.refused(str(refusal.value))
    assert "no readable answer" in shown and "/physics" in shown and "/general-search" in shown
