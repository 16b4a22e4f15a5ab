"""Which tools answer a query, in which order? The seed's six-key plan, scored by its ordered tool sequence."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from backends.base import Constraint
from backends.errors import BadInput
from finetune.outputs import router_full_plan as full
from finetune.outputs import router_plan as plans
from finetune.outputs.router_grammar import LARK, MAX_TOKENS
from finetune.outputs.router_plan import Plan, Step
from finetune.rows import data
from finetune.scoring import baselines
from finetune.task import Field, Metric, Row, Scored, Target, Task, Unreadable

MAX_QUERY = 1_500  # characters; twice the longest query of the seed's benchmarks
COLUMNS = ("query", "plan")


def clean(row: Row) -> dict[str, Any]:
    """A row with `query` and `plan`, or one of the seed's: prompt and completion. A full plan keeps its ten keys."""
    row = _renamed(row)
    query, plan = data.text_in(row, "query").strip(), row.get("plan")
    if isinstance(plan, dict):
        plan = plans.compact(plan)
    plan = data.text_in({"plan": plan}, "plan").strip()
    try:
        plans.read(plan)
    except Unreadable as problem:
        raise BadInput(f"column plan: {problem}") from None
    return {"query": query, "plan": plan} | data.slices(row, (*COLUMNS, "prompt", "completion", "index"))


def _renamed(row: Row) -> Row:
    """The seed's names for our columns, and its query out of the prompt that it was packed into."""
    named = {"plan": row["completion"]} if "completion" in row and "plan" not in row else {}
    if "prompt" in row and "query" not in row:
        named["query"] = full.query_of(str(row["prompt"]))
    return {**row, **named}


def judge(row: Row, value: Plan) -> tuple[bool, dict[str, float]]:
    """Correct = the same tools in the same order. Sets of tools are easy to hit, so they stand beside it only."""
    wanted = _expected(row)
    expected, given = plans.sequence(wanted), plans.sequence(value)
    shared = len(set(expected) & set(given))
    return expected == given, {
        "first_tool": float(expected[0] == given[0]),
        "last_tool": float(expected[-1] == given[-1]),
        "tool_precision": shared / len(set(given)),
        "tool_recall": shared / len(set(expected)),
        "plan_exact": float(wanted["route_plan"] == value["route_plan"]),
    }


def _expected(row: Row) -> Plan:
    return plans.read(row["plan"])


def part(name: str) -> Callable[[Scored], float]:
    """A part of the row's score; an unreadable answer names no tool and counts 0, unlike in the seed's evaluator."""
    return lambda scored: scored.parts.get(name, 0.0)


def recalls(rows: Sequence[Scored]) -> dict[tuple[str, ...], float]:
    """By expected sequence: the share of its rows that got exactly this sequence."""
    found: dict[tuple[str, ...], list[bool]] = {}
    for scored in rows:
        found.setdefault(plans.sequence(_expected(scored.row)), []).append(scored.correct)
    return {sequence: sum(hits) / len(hits) for sequence, hits in found.items()}


def balanced(rows: Sequence[Scored]) -> float | None:
    """The mean over sequences, each counting the same however many rows it has."""
    found = recalls(rows).values()
    return sum(found) / len(found) if found else None


def unfit(row: Row) -> str | None:
    query = row["query"]
    if not query.strip():
        return "There is no query: say what you want to know or to have made"
    if len(query) > MAX_QUERY:
        return f"The query has {len(query):,} characters; this task plans one of at most {MAX_QUERY:,}"
    if not re.search(r"[^\W\d_]", query):
        return "There is no word in this query: say what you want to know or to have made"
    return None


def generate(split: str, seed: int) -> Iterable[dict[str, Any]]:
    from finetune.generators import router

    return router.rows(split, seed)


METRICS = (
    Metric("sequence_exact", "the tools in the right order", "rate", "higher", part=lambda s: float(s.correct)),
    Metric("macro_recall", "the same, each sequence counting alike", "statistic", "higher", compute=balanced),
    Metric(
        "worst_class",
        "the same, the sequence with the lowest share",
        "statistic",
        "higher",
        compute=lambda rows: min(recalls(rows).values(), default=None),
    ),
    Metric("first_tool", "right first tool", "rate", "higher", part=part("first_tool")),
    Metric("last_tool", "right last tool", "rate", "higher", part=part("last_tool")),
    Metric("tool_precision", "named tools that are needed", "mean", "higher", part=part("tool_precision")),
    Metric("tool_recall", "needed tools that are named", "mean", "higher", part=part("tool_recall")),
    Metric("plan_exact", "every step with its argument, exactly", "rate", "higher", part=part("plan_exact")),
    Metric("json_valid", "readable answers", "rate", "higher", part=lambda s: float(s.value is not None)),
)

#: thresholds of the seed's benchmark that are not about the text of arguments
TARGETS = (
    Target("json_valid", 0.98, "higher"),
    Target("tool_precision", 0.90, "higher"),
    Target("tool_recall", 0.90, "higher"),
)

SAMPLES = (
    {"query": "Look up the population of Uruguay, work out 12% of it, then write a Python script that plots both."},
    {"query": "What is 348 plus 921?"},
    {"query": "Before you write a function that adds two numbers, find a good tutorial on Julia."},
    {"query": "I have never used pytest. How do I test a function that reverses a list?"},
)

#: the order that the seed's plans have most often
CONSTANT = plans.written(
    ("find", "calculate", "write"),
    (Step("/general-search", "facts"), Step("/math", "numbers"), Step("/code", "a script")),
)

TASK = Task(
    name="router",
    title="Router",
    summary="Ask for anything; get the plan of which tools answer it, in which order: search, math, code.",
    inputs=(Field("query", "Query", "say what you want to know or to have made", lines=4),),
    target="plan",
    instruction=(
        "Plan which tools answer this query, in the order of the work, as one JSON object: "
        "/general-search finds facts, /math calculates, /code programs."
    ),
    cue="Plan:",
    max_new_tokens=MAX_TOKENS,
    panel="flow",
    constraint=Constraint("lark", LARK),
    samples=SAMPLES,
    clean=clean,
    answer_of=lambda row: row["plan"],
    parse=plans.read,
    judge=judge,
    metrics=METRICS,
    primary="sequence_exact",
    targets=TARGETS,
    trivial=(baselines.constant("search-math-code", "always search, math, code", CONSTANT),),
    unfit=unfit,
    generate=generate,
)
