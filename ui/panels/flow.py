"""A plan as a flow: its steps in order, each with its tool and what the tool is asked; why, folded away."""

from typing import Any

from finetune.outputs import router_plan as plans
from finetune.outputs.router_plan import Plan, Step
from finetune.task import Task
from ui import html, words
from ui.html import Html, el
from ui.panels import Panel

#: tool -> shape, what it does
TOOLS = {
    "/general-search": ("◎", "finds facts"),
    "/math": ("∑", "calculates"),
    "/code": ("❯", "programs"),
}


def show(task: Task, value: Any) -> Html:
    if not value:
        return html.empty("No plan yet", "The steps appear here in their order, each with its tool.")
    return el("div", _line(value), steps(value), _why(value), cls="acr-panel acr-flow-panel")


def steps(plan: Plan) -> Html:
    return el(
        "ol", *(el("li", _step(step)) for step in plans.steps_in(plan["route_plan"])), cls="acr-flow", role="list"
    )


def _step(step: Step) -> Html:
    asked = step.argument or el("span", "the whole query", cls="acr-muted")
    return html.join(tool_chip(step.tool), " ", el("span", asked, cls="acr-asked"))


def tool_chip(tool: str) -> Html:
    return html.chip(tool, TOOLS[tool][0])


def _line(plan: Plan) -> Html:
    """The flow in one sentence."""
    tools = plans.sequence(plan)
    done = ", then ".join(f"{tool.removeprefix('/')} {TOOLS[tool][1]}" for tool in tools)
    return html.sentence(f"{words.count(len(tools), 'step')}: {done}.")


def _why(plan: Plan) -> Html:
    facts = html.facts(
        (
            ("Outline", " · ".join(plan["thinking_outline"]) or "none given"),
            ("Reason", plan["route_rationale"] or "none given"),
            ("Handed on", plan["handoff_plan"] or "not said"),
            ("Difficulty", plan["difficulty"]),
            ("Tags", ", ".join(plan["tags"]) or "none"),
        )
    )
    return html.folded("Why this plan, and how it is handed on", facts)


PANEL = Panel("flow", show)
