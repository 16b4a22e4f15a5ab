"""The parts of the Fine-tune tab together: drawn for a draft, and what happens when one of its steps opens."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui import html, owner
from ui.fine_tune import data, examine, receipt_view, recipe_form, rows_editor, start, state, stepper, teacher_view
from ui.fine_tune.state import Draft
from ui.handlers import QUIET, Updates, speaks_in
from ui.room import Room
from ui.tab import Page

CHECK, RECIPE, START = 2, 3, 4


@dataclass(frozen=True)
class Parts:
    """The four steps on the page, and who may ask for them."""

    page: Page
    frame: stepper.Stepper
    data: data.View
    check: examine.View
    teacher: teacher_view.View
    rows: rows_editor.View
    recipe: recipe_form.View
    plan: gr.HTML
    work_out: gr.Button
    start: start.View

    @property
    def room(self) -> Room:
        return self.page.room

    @property
    def all(self) -> list[Any]:
        views = (self.frame, self.data, self.check, self.teacher, self.rows, self.recipe, self.start)
        return [*(component for view in views for component in view.all), self.plan]

    def who(self, kept: str, request: gr.Request) -> str:
        return owner.of(self.room.settings, kept, request)

    def draft(self, kept: str, request: gr.Request) -> Draft:
        return state.needed(self.room.settings, self.who(kept, request))

    def fill(self, draft: Draft | None) -> Updates:
        """The whole tab for a draft, from what it remembers."""
        if draft is None:
            plans: Updates = {self.plan: "", self.start.plan: ""}
        else:
            plans = dict.fromkeys((self.plan, self.start.plan), receipt_view.view(draft))
        return (
            stepper.shown(self.frame, draft)
            | data.fill(self.data, draft)
            | examine.fill(self.check, draft)
            | teacher_view.fill(self.teacher, self.room, draft)
            | rows_editor.fill(self.rows, draft)
            | recipe_form.fill(self.recipe, self.room, draft)
            | start.fill(self.start, self.room, draft)
            | plans
        )

    def fresh(self, draft: Draft | None) -> Updates:
        """The same for other rows than before: the table of the old ones goes."""
        return self.fill(draft) | rows_editor.closed(self.rows)


def arrive(parts: Parts, event: Any) -> None:
    """After a step has opened: the keyboard goes there, and what it shows is worked out."""
    focused = event.then(None, None, None, js=stepper.FOCUS)
    focused.then(opened(parts), parts.page.owner, parts.all, **QUIET)


def opened(parts: Parts) -> Any:
    @speaks_in(parts.frame.message, clear=False)
    def look(request: gr.Request, kept: str) -> Iterator[Updates]:
        yield {parts.frame.message: gr.skip()}  # Gradio empties every output of a stream without a word
        draft = state.load(parts.room.settings, parts.who(kept, request))
        if draft and draft.step == CHECK and examine.is_stale(draft):
            yield from checking(parts, draft)
        elif draft and draft.step in (RECIPE, START) and receipt_view.is_stale(draft):
            yield from working_out(parts, draft)

    return look


def checking(parts: Parts, draft: Draft) -> Iterator[Updates]:
    yield {parts.check.findings: examine.WAITING}
    try:
        draft, problem = examine.checked(parts.room, draft)
    except Exception:
        yield examine.fill(parts.check, draft)
        raise
    yield parts.fill(draft) | (said(parts, problem) if draft.checked["ok"] else {})


def working_out(parts: Parts, draft: Draft) -> Iterator[Updates]:
    plans = (parts.plan, parts.start.plan)
    yield dict.fromkeys(plans, receipt_view.WAITING)
    try:
        draft = receipt_view.worked_out(parts.room, draft)
    except Exception:
        yield dict.fromkeys(plans, receipt_view.view(draft))
        raise
    yield dict.fromkeys(plans, receipt_view.view(draft))


def said(parts: Parts, problem: str) -> Updates:
    return {parts.frame.message: html.problem(problem)} if problem else {}
