"""The router's plan: read from a model's text, its steps in order, and the one way in which ours are written.

The seed's six keys; route_plan comes second here, behind an outline that repeats the verbs of the query in the order of
the work, so that every tool is chosen with its verb already in view. Reading takes the keys in any order.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.task import Unreadable

TOOLS = ("/general-search", "/math", "/code")
KEYS = ("thinking_outline", "route_plan", "route_rationale", "handoff_plan", "difficulty", "tags")
DIFFICULTIES = ("introductory", "intermediate", "advanced")
#: the seed document's example says "medium", its rows never do
SAME_DIFFICULTY = {"easy": "introductory", "medium": "intermediate", "hard": "advanced"}
MAX_STEPS = 8
#: what a step is for, in route_rationale; and in tags
NEEDS = {"/general-search": "facts", "/math": "calculation", "/code": "program"}
TAGS = {"/general-search": "lookup", "/math": "mathematics", "/code": "programming"}

#: a plan that could be read, as plain JSON: the six keys
Plan = dict[str, Any]

_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)
_STEP = re.compile(r"\s*(/?[\w-]*)\s*(?:\((.*)\))?\s*", re.DOTALL)
_SEARCH = re.compile(r'\s*query\s*=\s*"(.*?)"\s*(?:,.*)?', re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One call of a tool."""

    tool: str
    argument: str


def read(text: str) -> Plan:
    """The plan in a model's answer, or Unreadable. Keys beside the six, as in the full plan, are left out."""
    found = object_in(text)
    if "rationale" in found:
        found = {"route_rationale": found["rationale"], **found}
    if missing := [key for key in KEYS if key not in found]:
        raise Unreadable(f"the plan has no {' and no '.join(missing)}")
    steps_in(found["route_plan"])
    difficulty = text_of(found, "difficulty").lower()
    difficulty = SAME_DIFFICULTY.get(difficulty, difficulty)
    if difficulty not in DIFFICULTIES:
        raise Unreadable(f"the difficulty is none of {', '.join(DIFFICULTIES)}: {difficulty[:40]!r}")
    outline = found["thinking_outline"]
    return {
        "thinking_outline": [outline] if isinstance(outline, str) else texts_of(found, "thinking_outline"),
        "route_plan": list(found["route_plan"]),
        "route_rationale": text_of(found, "route_rationale"),
        "handoff_plan": text_of(found, "handoff_plan"),
        "difficulty": difficulty,
        "tags": texts_of(found, "tags"),
    }


def sequence(plan: Plan) -> tuple[str, ...]:
    """The tools in their order."""
    return tuple(step.tool for step in steps_in(plan["route_plan"]))


def object_in(text: str) -> dict[str, Any]:
    """The first JSON object of an answer, as the seed's page finds it: behind the thinking, inside a fence or bare."""
    text = _THINKING.sub("", text)
    fenced = _FENCE.search(text)
    text = fenced[1] if fenced else text
    start = text.find("{")
    if start < 0:
        raise Unreadable("the answer holds no JSON object")
    try:
        found = json.JSONDecoder(parse_constant=_no_constant).raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        raise Unreadable("the answer begins a JSON object that is broken or has no end") from None
    return dict(found)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def steps_in(route: Any) -> tuple[Step, ...]:
    """The steps of a route_plan, or Unreadable with the step that is none."""
    if not isinstance(route, list) or not route:
        raise Unreadable("the route_plan is no list of steps, or an empty one")
    if len(route) > MAX_STEPS:
        raise Unreadable(f"the route_plan has {len(route)} steps; at most {MAX_STEPS} are read")
    return tuple(_step(number, written) for number, written in enumerate(route, 1))


def _step(number: int, written: Any) -> Step:
    match = _STEP.fullmatch(written) if isinstance(written, str) else None
    if not match:
        raise Unreadable(f"step {number} is not written as /tool(argument): {str(written)[:60]!r}")
    if match[1] not in TOOLS:
        raise Unreadable(f"step {number} asks for the tool {match[1][:40]!r}; there are only {', '.join(TOOLS)}")
    argument = match[2] or ""
    search = _SEARCH.fullmatch(argument) if match[1] == "/general-search" else None
    return Step(match[1], (search[1] if search else argument).strip())


def text_of(found: dict[str, Any], key: str) -> str:
    if not isinstance(found[key], str):
        raise Unreadable(f"{key} is no text")
    return str(found[key]).strip()


def texts_of(found: dict[str, Any], key: str) -> list[str]:
    if not isinstance(found[key], list) or not all(isinstance(item, str) for item in found[key]):
        raise Unreadable(f"{key} is no list of texts")
    return list(found[key])


def written(verbs: Sequence[str], steps: Sequence[Step]) -> str:
    """Our own plan as compact JSON: the verbs and the steps are the query's, all else follows from the tools."""
    tools = [step.tool for step in steps]
    return compact(
        {
            "thinking_outline": list(verbs),
            "route_plan": [f"{step.tool}({step.argument})" for step in steps],
            "route_rationale": " then ".join(NEEDS[tool] for tool in tools),
            "handoff_plan": f"{tools[-1]} -> router QA",
            "difficulty": DIFFICULTIES[min(len(tools), 3) - 1],
            "tags": list(dict.fromkeys(TAGS[tool] for tool in tools)),
        }
    )


def compact(plan: Plan) -> str:
    return json.dumps(plan, ensure_ascii=False, separators=(",", ":"))
