"""The seed's full plan of ten keys: its prompts, its schema, how an answer is read, and its scores (formats.md 2).

It is the format of the seed's published adapters; our own adapter speaks the short plan of router_plan.py, because a
full plan is about 1,250 tokens long and the seed's own limit of 900 cuts it.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from finetune.outputs import router_plan
from finetune.outputs.router_plan import Plan
from finetune.task import Unreadable

#: the text that the seed's adapters were trained on; one line feed stands at its end
TRAINED = """\
You are the Router Agent coordinating Math, Code, and General-Search specialists.
Given the user query, respond with a JSON object describing the full routing plan.

Requirements:
- STRICT JSON with double quotes and no extra commentary.
- Keys: route_plan, route_rationale, expected_artifacts, thinking_outline,
  handoff_plan, todo_list, difficulty, tags, acceptance_criteria, metrics.
- route_plan must be an ordered list of tool invocations.
- Use the original phrasing when possible.

User query:
{query}
"""
#: what the seed's page sent instead
SERVED = """\
You are the Router Agent coordinating Math, Code, and General-Search specialists.
Emit ONLY strict JSON with keys route_plan, route_rationale, expected_artifacts,
thinking_outline, handoff_plan, todo_list, difficulty, tags, acceptance_criteria, metrics.

User query:
{query}
"""
MAX_NEW_TOKENS = 900  # of the seed's page
LISTS = ("route_plan", "expected_artifacts", "thinking_outline", "todo_list", "tags", "acceptance_criteria")
TEXTS = ("route_rationale", "handoff_plan", "difficulty")
KEYS = ("route_plan", "route_rationale", "expected_artifacts", "thinking_outline", "handoff_plan") + (
    "todo_list",
    "difficulty",
    "tags",
    "acceptance_criteria",
    "metrics",
)
BOTH = ("primary", "secondary")
KINDS = ("guidance", "computation")

_PACKED = re.compile(r"\AYou are the Router Agent.*?\nUser query:\n(.*)\Z", re.DOTALL)
_TOOL = re.compile(r"/[\w-]+")
_QA = "router qa"


def prompt(query: str, text: str = TRAINED) -> str:
    """The prompt for a query; what stands in the query is never read as a part of it."""
    before, after = text.split("{query}")
    return before + query + after


def query_of(text: str) -> str:
    """The query that stands in one of the seed's prompts; another text is the query itself."""
    packed = _PACKED.match(text)
    return (packed[1] if packed else text).strip()


def _texts(most: int, longest: int, least: int = 1) -> dict[str, Any]:
    return {"type": "array", "items": _text(longest), "minItems": least, "maxItems": most}


def _text(longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest}


_TOOLS = "|".join(tool.removeprefix("/") for tool in router_plan.TOOLS)
#: bounds lie above everything in the seed's public rows
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "route_plan": {
            "type": "array",
            "items": {"type": "string", "pattern": rf"^/({_TOOLS})\([^\x00-\x1f]{{1,600}}\)$"},
            "minItems": 1,
            "maxItems": router_plan.MAX_STEPS,
        },
        "route_rationale": _text(1500),
        "expected_artifacts": _texts(8, 500),
        "thinking_outline": _texts(10, 500),
        "handoff_plan": _text(1500),
        "todo_list": _texts(12, 500),
        "difficulty": {"enum": list(router_plan.DIFFICULTIES)},
        "tags": _texts(8, 80),
        "acceptance_criteria": _texts(8, 500),
        "metrics": {
            "type": "object",
            "properties": {
                name: value
                for which in BOTH
                for name, value in {which: _texts(8, 500), **{f"{which}_{kind}": _text(600) for kind in KINDS}}.items()
            },
            "required": list(BOTH),
            "additionalProperties": False,
        },
    },
    "required": list(KEYS),
    "additionalProperties": False,
}


def parse(answer: str) -> Plan:
    """A plan with its ten keys, or Unreadable; forms that the seed's rows keep only mostly are not asked for."""
    found = router_plan.object_in(answer)
    if missing := [key for key in KEYS if key not in found]:
        raise Unreadable(f"the plan has no {' and no '.join(missing)}")
    for key in LISTS:
        router_plan.texts_of(found, key)
    for key in TEXTS:
        router_plan.text_of(found, key)
    if not isinstance(found["metrics"], dict):
        raise Unreadable("metrics is no object")
    router_plan.steps_in(found["route_plan"])
    return {key: found[key] for key in KEYS}


def scores(gold: Plan, given: Plan | None) -> dict[str, float]:
    """The seed's fields for one row. An unreadable answer gets 0 in each that its row has, and none may skip it.

    Against the seed: `sequence_exact` is ours, and an answer without tools has precision 0.
    """
    found = {name: 0.0 if given is None else float(score(gold, given)) for name, score in FIELDS.items()}
    retained = {f"{name}_retained": name for name in _kept(gold)}
    found |= {key: float(given is not None and _same_type(gold, given, name)) for key, name in retained.items()}
    return {"json_valid": float(given is not None)} | found


def _names(plan: Plan) -> list[str]:
    return [step.tool for step in router_plan.steps_in(plan["route_plan"])]


def _shared(gold: Plan, given: Plan) -> int:
    return len({*_names(gold)} & {*_names(given)})


def _filled(plan: Plan, name: str) -> bool:
    return isinstance(plan["metrics"].get(name), list) and bool(plan["metrics"][name])


def _aligned(gold: Plan, given: Plan) -> float:
    """Share of the to-dos that begin with an expected tool, or name no tool and hand over to the router's check."""
    wanted = {*_names(gold)}

    def fits(line: str) -> bool:
        first = _TOOL.search(line)
        return first[0] in wanted if first else _QA in line.lower()

    return sum(map(fits, given["todo_list"])) / len(given["todo_list"]) if given["todo_list"] else 0.0


def _covered(gold: Plan, text: str) -> bool:
    return all(tool in text for tool in _names(gold))


def _length(gold: Plan, given: Plan) -> float:
    size, wanted = (len(json.dumps(plan, sort_keys=True)) for plan in (given, gold))
    return size / wanted


FIELDS: dict[str, Callable[[Plan, Plan], float]] = {
    "sequence_exact": lambda gold, given: _names(gold) == _names(given),
    "route_plan_exact": lambda gold, given: gold["route_plan"] == given["route_plan"],
    "route_length_match": lambda gold, given: len(gold["route_plan"]) == len(given["route_plan"]),
    "route_first_tool_match": lambda gold, given: _names(gold)[0] == _names(given)[0],
    "route_last_tool_match": lambda gold, given: _names(gold)[-1] == _names(given)[-1],
    "route_tool_precision": lambda gold, given: _shared(gold, given) / len({*_names(given)}),
    "route_tool_recall": lambda gold, given: _shared(gold, given) / len({*_names(gold)}),
    "metrics_keys_match": lambda gold, given: gold["metrics"].keys() == given["metrics"].keys(),
    "metrics_primary_nonempty": lambda gold, given: _filled(given, "primary"),
    "metrics_secondary_nonempty": lambda gold, given: _filled(given, "secondary"),
    "todo_tool_alignment": _aligned,
    "todo_covers_all_tools": lambda gold, given: _covered(gold, "\n".join(given["todo_list"])),
    "handoff_tools_covered": lambda gold, given: _covered(gold, given["handoff_plan"]),
    "handoff_router_qa": lambda gold, given: _QA in given["handoff_plan"].lower(),
    "expected_artifacts_nonempty": lambda gold, given: bool(given["expected_artifacts"]),
    "acceptance_criteria_nonempty": lambda gold, given: bool(given["acceptance_criteria"]),
    "length_ratio": _length,
}


def _kept(gold: Plan) -> list[str]:
    names = [f"{which}_{kind}" for which in BOTH for kind in KINDS]
    return [name for name in names if name in gold["metrics"]]


def _same_type(gold: Plan, given: Plan, name: str) -> bool:
    return type(gold["metrics"][name]) is type(given["metrics"].get(name))


#: which rows a bucket holds, by their gold plan
BUCKETS: dict[str, Callable[[Plan], bool]] = {
    "overall": lambda gold: True,
    "math_first": lambda gold: _names(gold)[0] == "/math",
    "four_step": lambda gold: len(gold["route_plan"]) >= 4,
    "has_guidance": lambda gold: any("guidance" in name for name in _kept(gold)),
    "has_computation": lambda gold: any("computation" in name for name in _kept(gold)),
    "advanced": lambda gold: gold["difficulty"] == "advanced",
}


def means(pairs: Sequence[tuple[Plan, Plan | None]]) -> dict[str, dict[str, float]]:
    """By bucket the mean of every field, over all rows that have the field; buckets without a row are left out."""
    found = {}
    for bucket, holds in BUCKETS.items():
        rows = [scores(gold, given) for gold, given in pairs if holds(gold)]
        names = dict.fromkeys(name for row in rows for name in row)
        values = {name: [row[name] for row in rows if name in row] for name in names}
        if rows:
            found[bucket] = {name: sum(given) / len(given) for name, given in values.items()}
    return found
