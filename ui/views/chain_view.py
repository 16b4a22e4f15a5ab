"""A routed query on Ask: the switch, the plan as a flow, then each step's answer, who gave it and what went wrong."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from backends.catalog import Base
from finetune import all_tasks, chain
from finetune.ask import Answer
from finetune.chain import Agent, Done, Event, Failed, Planned, Started, Writing
from finetune.task import Task
from ui import html, panels, words
from ui.handlers import QUIET
from ui.html import Html, el
from ui.panels import flow
from ui.room import Room
from ui.views import answers
from ui.views.tasks_form import TaskForm


class RouteFirst:
    """Draws the switch, there only for the router."""

    def __init__(self, form: TaskForm, room: Room) -> None:
        self.room = room
        self.switch = gr.Checkbox(
            label="Route first, then answer each step",
            info="Each step goes to the adapter for it, on the CPU. Nothing is searched on the web.",
            visible=form.tasks[0].name == chain.ROUTER,
            elem_id="acr-ask-chain",
        )
        form.chosen.input(lambda name: gr.Checkbox(visible=name == chain.ROUTER), form.chosen, self.switch, **QUIET)

    def wanted(self, switched_on: Any, task: Task) -> bool:
        """The switch of another task is out of sight and does not count."""
        return bool(switched_on) and task.name == chain.ROUTER

    def answered(self, engine: Any, query: str, router: str | None, constrained: bool) -> Iterator[Html]:
        """Every state of the answer area. Closing this stops the engine."""
        events = chain.run(engine, self.room.settings, query, router, constrained=constrained)
        return drawn(events, self.room.base)


@dataclass
class _Step:
    """What is known of a step so far."""

    tool: str | None
    question: str = ""
    agent: Agent | None = None
    notes: list[str] = field(default_factory=list)
    body: Html = field(default_factory=Html)
    answered: bool = False


@dataclass
class _Shown:
    plan: Html
    steps: dict[int, _Step] = field(default_factory=dict)
    ended: bool = False


def drawn(events: Iterator[Event], base: Base) -> Iterator[Html]:
    """The page after each event that shows something new; the text of an answer at the pace of other answers."""
    shown, last = _Shown(answers.writing("")), 0.0
    for event in events:
        _follow(shown, event, base)
        if not isinstance(event, Writing) or time.monotonic() - last > answers.REDRAW:
            last = time.monotonic()
            yield _page(shown)
    shown.ended = True
    yield _page(shown)


def _follow(shown: _Shown, event: Event, base: Base) -> None:
    match event:
        case Writing(number=0):
            shown.plan = _writing(event)
        case Writing(number=number):
            shown.steps[number].body = _writing(event)
        case Planned():
            shown.plan = _plan(event, base)
        case Started(number=number, tool=tool, question=question, agent=agent):
            step = shown.steps.setdefault(number, _Step(tool))
            step.question, step.agent, step.body = question, agent, answers.writing("")
        case Done(number=number):
            shown.steps[number].body, shown.steps[number].answered = _done(event, base), True
        case Failed(number=number):
            step = shown.steps.setdefault(number, _Step(event.agent.label))
            step.body = Html()
            step.notes.append(_failed(event))


def _writing(event: Writing) -> Html:
    return answers.queued(event.waiting) if event.waiting else answers.writing(event.text)


def _plan(event: Planned, base: Base) -> Html:
    router = all_tasks()[chain.ROUTER]
    head = panels.result(router, event.plan) if event.plan else html.problem(event.note)
    return html.join(head, _receipt(event.answer, base), _raw(event.answer, "Raw plan"))


def _done(event: Done, base: Base) -> Html:
    if event.agent.task:
        return html.join(
            panels.result(event.agent.task, event.value),
            _receipt(event.answer, base),
            _raw(event.answer, "Raw answer"),
        )
    cut = html.sentence(f"Cut after {event.answer.usage.new_tokens} tokens.") if event.answer.cut else None
    return html.join(el("p", str(event.value), cls="acr-answer-text"), cut, _receipt(event.answer, base))


def _failed(event: Failed) -> str:
    problem = event.note.rstrip(".")
    if event.last:
        return f"The base gave no answer: {problem}."
    return f"{event.agent.label} gave no answer, so the base answers this step: {problem}."


def _receipt(answer: Answer, base: Base) -> Html:
    return el("p", answers.receipt(answer.receipt, base, answer.usage.seconds), cls="acr-receipt")


def _raw(answer: Answer, title: str) -> Html:
    return html.folded(title, html.code(answer.text, title))


def _page(shown: _Shown) -> Html:
    steps = (_item(number, step) for number, step in sorted(shown.steps.items()))
    listed = el("ol", *steps, cls="acr-chain", role="list", aria_label="The answers, step by step")
    return html.join(shown.plan, listed if shown.steps else None, _summary(shown) if shown.ended else None)


def _item(number: int, step: _Step) -> Html:
    tool = flow.tool_chip(step.tool) if step.tool in flow.TOOLS else html.chip("the whole query")
    head = el("h3", f"Step {number} ", tool, " ", el("span", step.agent.label if step.agent else "", cls="acr-muted"))
    asked = el("p", el("strong", "Asked: "), step.question, cls="acr-asked") if step.question else None
    notes = (html.note(el("strong", "! "), text, tone="busy") for text in step.notes)
    return el("li", head, asked, *notes, step.body, cls="acr-card")


def _summary(shown: _Shown) -> Html:
    done = sum(step.answered for step in shown.steps.values())
    instead = sum(step.answered and bool(step.notes) for step in shown.steps.values())
    text = f"{done} of {words.count(len(shown.steps), 'step')} answered"
    return html.sentence(text + (f", {instead} of them by the base instead." if instead else "."))
