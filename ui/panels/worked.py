"""A worked solution: the final answer apart and large, its steps one below the other, what was thought folded away.

Steps in our own form are set as mathematics and calculated again: one that is not right says so. Other solutions are
text, with the LaTeX in it set.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from finetune.outputs import math_answer, math_steps
from finetune.outputs.math_grammar import STEP
from finetune.task import Task
from ui import html, mathml
from ui.html import Html, el
from ui.panels import Panel

OWN = re.compile(STEP)
SYMBOLS = {"*": "×", "/": "÷", "-": "−", "~": "≈"}
PIECE = re.compile(r"\d+(?:\.\d+)?|\^\d+|r\d+|.")
NO_FINAL = "No final answer is marked in this solution"


def show(task: Task, value: Any) -> Html:
    if not value:
        return html.empty("No solution yet", "The steps appear here, and the final answer apart.")
    return el(
        "div",
        _final(value),
        _steps(value["steps"], value["final"]),
        _thought(value["thought"]),
        cls="acr-panel acr-worked-panel",
    )


def _final(value: math_answer.Solution) -> Html:
    if value["final"] is None:
        last = f"; the last number in it is {value['last']}" if value["last"] is not None else ""
        return el("p", html.chip("no final answer", "✕", "bad"), f" {NO_FINAL}{last}.", cls="acr-grade")
    label = el("span", "Answer", cls="acr-muted acr-small")
    return el("p", label, " ", el("output", _set(value["final"])), cls="acr-final")


def _set(final: str) -> Html:
    """The answer as mathematics where it is a number or LaTeX, else as its words."""
    if OWN.fullmatch(final):
        above, _, below = final.partition("/")
        number = el("mfrac", _calculation(above), _calculation(below)) if below else _calculation(final)
        return el("math", number)
    return mathml.formula(final) if "\\" in final else mathml.text(final)


def _steps(steps: Sequence[str], final: str | None) -> Html | None:
    if not steps:
        return None
    if not all(OWN.fullmatch(step) for step in steps):
        return _region(mathml.text("\n".join(steps)), "acr-prose")
    wrong = math_steps.wrong(steps)
    lines = el("ol", *(_line(step, i in wrong) for i, step in enumerate(steps)), cls="acr-worked")
    return html.join(_region(lines, "acr-wide"), _verdict(len(wrong), math_steps.planned(steps), final))


def _region(content: Html, cls: str) -> Html:
    """A place of its own that scrolls where a formula is wider than the screen."""
    return el("div", content, cls=cls, role="region", tabindex="0", aria_label="Steps")


def _verdict(wrong: int, planned: Fraction | None, final: str | None) -> Html | None:
    """What calculating it all again finds; whether the plan fits the question nobody can calculate."""
    if wrong:
        label = "1 line is not right" if wrong == 1 else f"{wrong} lines are not right"
        return el("p", html.chip(label, "✕", "bad"), " The steps were calculated again; the marked ones do not hold.")
    if planned is None or final is None:
        return None
    if planned != math_answer.number(final):
        return el(
            "p", html.chip(f"the first line comes to {planned}", "✕", "bad"), " The answer does not follow from it."
        )
    return el("p", html.chip("steps and answer add up", "✓", "good"), " Calculated again, exactly.")


def _line(step: str, wrong: bool) -> Html:
    """A step, and after an arrow the digits that are found with it."""
    done, _, found = step.partition(":")
    sofar = el("span", "→ ", found, cls="acr-so-far", title="the digits found so far") if found else None
    return el("li", _whole(done), sofar, html.chip("not right", "✕", "bad") if wrong else None)


def _whole(done: str) -> Html:
    """Equations side by side; one that goes on from the number before it says that number."""
    decimal = el("span", "decimals: ", cls="acr-muted") if done.startswith(".") else None
    shown, before = [], ""
    for piece in done.removeprefix(".").split(","):
        shown.append(el("math", _calculation(before + piece if piece.startswith("+") else piece)))
        before = piece.rpartition("=")[2]
    return html.join(decimal, shown[0], *(html.join(", ", more) for more in shown[1:]))


def _calculation(text: str) -> Html:
    """63*37 as 63 × 37, 7^4 as a power, 7r2 as 7 remainder 2."""
    parts: list[Html] = []
    for piece in PIECE.findall(text):
        if piece[0] == "^" and len(piece) > 1 and parts:
            parts.append(el("msup", parts.pop(), el("mn", piece[1:])))
        elif piece[0] == "r" and len(piece) > 1:
            parts += [el("mtext", "\u00a0remainder\u00a0"), el("mn", piece[1:])]
        else:
            parts.append(el("mn", piece) if piece[0].isdigit() else el("mo", SYMBOLS.get(piece, piece)))
    return el("mrow", *parts)


def _thought(thought: str) -> Html | None:
    """What the model thought aloud, closed until somebody asks for it."""
    return html.folded("What the model thought", el("div", mathml.text(thought), cls="acr-prose")) if thought else None


PANEL = Panel("worked", show)
