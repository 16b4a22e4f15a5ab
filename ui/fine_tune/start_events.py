"""What happens in steps 3 and 4: settings change, the receipt is worked out, the base is asked, the run starts."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from ui.fine_tune import receipt_view, recipe_form, start, tokens_view
from ui.fine_tune.parts import Parts, working_out
from ui.handlers import QUIET, Updates, speaks_in


def wire(parts: Parts) -> None:
    _recipe_events(parts)
    _start_events(parts)


def _recipe_events(parts: Parts) -> None:
    form, message, kept = parts.recipe, parts.frame.message, parts.page.owner

    @speaks_in(message)
    def simpler(request: gr.Request, kept: str, simple: str, minutes: Any) -> Iterator[Updates]:
        draft, updates = recipe_form.simpler(form, parts.draft(kept, request), simple, minutes)
        yield updates
        yield from working_out(parts, draft)

    @speaks_in(message)
    def taken(request: gr.Request, kept: str, name: str, minutes: Any) -> Updates:
        draft, updates = recipe_form.taken(form, parts.draft(kept, request), name, minutes)
        return updates | {parts.plan: receipt_view.view(draft)}

    @speaks_in(message)
    def work_out(request: gr.Request, kept: str, *values: Any) -> Iterator[Updates]:
        draft = recipe_form.chosen(parts.draft(kept, request), parts.room, *values)
        yield {form.simple: draft.simple or None}
        yield from working_out(parts, draft)

    @speaks_in(message)
    def preview(request: gr.Request, kept: str, *values: Any) -> Updates:
        draft = recipe_form.chosen(parts.draft(kept, request), parts.room, *values)
        return {form.preview: tokens_view.rendered(parts.room, draft), parts.plan: receipt_view.view(draft)}

    asked = [kept, *form.inputs]
    plans = [parts.plan, parts.start.plan]
    form.simple.input(
        simpler, [kept, form.simple, form.minutes], [*form.all, *plans, message], trigger_mode="always_last", **QUIET
    )
    form.start_from.input(taken, [kept, form.start_from, form.minutes], [*form.all, *plans, message], **QUIET)
    parts.work_out.click(work_out, asked, [form.simple, *plans, message], **QUIET)
    gr.on([form.preview_fold.expand, form.format.input], preview, asked, [form.preview, parts.plan, message], **QUIET)
    knobs = [knob.input for knob in (form.minutes, *form.knobs.values())]
    gr.on(knobs, lambda: (None, receipt_view.STALE), None, [form.simple, parts.plan], **QUIET)


def _start_events(parts: Parts) -> None:
    view, message, page = parts.start, parts.frame.message, parts.page

    @speaks_in(message)
    def ask(request: gr.Request, kept: str) -> Updates:
        draft = start.ask_base(parts.room, parts.draft(kept, request), parts.who(kept, request))
        return start.asked(view, parts.room, draft)

    @speaks_in(message, clear=False, failed={view.timer: gr.Timer(active=False)})
    def tick(request: gr.Request, kept: str) -> Updates:
        return start.asked(view, parts.room, parts.draft(kept, request))

    @speaks_in(message)
    def begin(request: gr.Request, kept: str, name: str | None, on_gpu: bool) -> Updates:
        run = start.begin(parts.room, parts.draft(kept, request), parts.who(kept, request), name, on_gpu)
        return start.accepted(view, parts.room, run)

    told = [view.said, view.ask, view.timer, message]
    view.ask.click(ask, page.owner, told, **QUIET)
    view.timer.tick(tick, page.owner, told, **QUIET)
    accepted = [view.started, view.follow, view.run, message]
    parts.frame.start.click(begin, [page.owner, view.name, view.gpu], accepted, api_visibility="private")
    view.follow.click(lambda run: (run, gr.Tabs(selected="runs")), view.run, [page.run, page.tabs], **QUIET)
