"""A grade as a chip, what it means, and how likely each grade is: a bar and a figure each."""

from collections.abc import Mapping
from typing import Any

from finetune.task import Task
from ui import html
from ui.html import Html, el
from ui.panels import Panel

#: grade -> shape, which fills up with its weight; tone; what it means
GRADES = {
    "DISCARD": ("○", "plain", "Nothing about the user: not worth remembering."),
    "STORE": ("◐", "busy", "A taste, an opinion, a habit or a small plan: remembered for later."),
    "IMPORTANT": ("●", "good", "A life fact such as job, family, home, health or money: always remembered."),
}


def show(task: Task, value: Any) -> Html:
    if not value:
        return html.empty("No grade yet", "The grade appears here, with how likely each one is.")
    return el("div", _grade(str(value)), cls="acr-panel acr-chip-panel")


def weighed(task: Task, value: Any, probabilities: Mapping[str, float]) -> Html:
    """The words and figures say all that the bars show."""
    rows = (_row(label, share, label == value) for label, share in probabilities.items())
    shares = el("dl", *rows, cls="acr-shares", aria_label="How likely each grade is")
    return el("div", _grade(str(value)), shares, cls="acr-panel acr-chip-panel")


def _grade(label: str) -> Html:
    shape, tone, meaning = GRADES[label]
    return el("p", html.chip(label, shape, tone), " ", meaning, cls="acr-grade")


def _row(label: str, share: float, chosen: bool) -> Html:
    name = el("dt", f"{GRADES[label][0]} {label}", cls="acr-chosen" if chosen else None)
    bar = el("meter", min="0", max="1", value=f"{share:.4f}", aria_hidden="true")
    return el("div", name, el("dd", bar, el("span", _percent(share))))


def _percent(share: float) -> str:
    """Never 0 % or 100 %: a choice that is possible is not certain."""
    return "under 1 %" if share < 0.01 else "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"


PANEL = Panel("chip", show, weighed)
