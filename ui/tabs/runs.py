"""Runs: everything that was started, the live curve of the chosen one, what can be done with it, several as a chart."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui import owner
from ui.handlers import QUIET, Updates, area, message_area, speaks_in
from ui.room import Room
from ui.runs import actions, again, detail, download, gpu_time, history, notice, overlay
from ui.runs.look import Look, news
from ui.tab import Page, Tab
from ui.views import run_view

EVERY = 2.0
NAME = "Runs"

#: (room, run, owner, values of a form) -> the run that is shown then
Deed = Callable[..., str]


@dataclass(frozen=True)
class View:
    """The parts of this tab, and what they share."""

    history: history.History
    detail: detail.Detail
    actions: actions.Actions
    gpu: gpu_time.GpuTime
    again: again.Again
    overlay: overlay.Overlay
    #: what is on the screen, so that a tick without news sends nothing
    shown: gr.State
    timer: gr.Timer
    message: gr.HTML

    @property
    def all(self) -> list[Any]:
        parts = (self.history, self.detail, self.actions, self.gpu, self.again, self.overlay)
        return [self.shown, self.timer, self.message, *(component for part in parts for component in part.all)]


def build(page: Page) -> None:
    view = _components()
    looked = [page.run, page.owner, view.shown, view.history.skip, view.overlay.runs, view.overlay.kind]

    @speaks_in(view.message)
    def show(request: gr.Request, run_id: str, kept: str, _: Any, *rest: Any) -> Updates:
        return _news(page.room, view, request, run_id, kept, {}, *rest)

    @speaks_in(view.message, clear=False)
    def tick(request: gr.Request, *values: Any) -> Updates | None:
        return _news(page.room, view, request, *values) or None

    everything = {"inputs": looked, "outputs": view.all, **QUIET}
    page.run.change(show, **everything)
    view.history.skip.change(show, **everything)
    view.timer.tick(tick, **everything)
    gr.on([view.overlay.runs.change, view.overlay.kind.change], tick, trigger_mode="always_last", **everything)
    page.tabs.select(_on_tab(show, view), **everything)
    page.blocks.load(_from_address, None, [page.run, page.tabs], **QUIET)
    _list_events(page, view)
    _run_events(page, view, show, everything)


def _components() -> View:
    with gr.Row():
        with gr.Column(scale=4, min_width=280):
            listed = history.build()
        with gr.Column(scale=7, min_width=280):
            message = message_area()
            card = area(run_view.CHOOSE, elem_id="acr-run")
            buttons = actions.build()
            gpu = gpu_time.build()
            chosen = detail.build(card)
            once_more = again.build()
    several = overlay.build()
    shown, timer = gr.State({}), gr.Timer(EVERY, active=False)
    return View(listed, chosen, buttons, gpu, once_more, several, shown, timer, message)


def _list_events(page: Page, view: View) -> None:
    listed, chart = view.history, view.overlay
    listed.listing.click(_chosen, None, page.run, **QUIET)
    listed.first.click(lambda: gr.Tabs(selected="fine-tune"), None, page.tabs, **QUIET)
    listed.newer.click(history.turned(-1), listed.skip, listed.skip, **QUIET)
    listed.older.click(history.turned(1), listed.skip, listed.skip, **QUIET)

    def all_of(kept: str, request: gr.Request) -> Any:
        return download.of_owner(page.room, owner.of(page.room.settings, kept, request))

    @speaks_in(view.message, clear=False)
    def unfolded(request: gr.Request, run_id: str, kept: str, skip: int, chosen: list[str]) -> Updates | None:
        look = Look(page.room, owner.of(page.room.settings, kept, request), run_id, skip)
        return {chart.runs: gr.Dropdown(value=overlay.first_two(look))} if not chosen else None

    download.on_click(listed.take_all, all_of, [page.owner], view.message)
    asked = [page.run, page.owner, listed.skip, chart.runs]
    chart.fold.expand(unfolded, asked, [chart.runs, view.message], **QUIET)


def _run_events(page: Page, view: View, show: Any, everything: dict[str, Any]) -> None:
    room, buttons, form = page.room, view.actions, view.again

    def wire(button: gr.Button, deed: Deed, values: list[Any] | None = None) -> None:
        """Do it, then show the run that it leads to; the run that is shown already is drawn anew."""

        @speaks_in(view.message)
        def do(request: gr.Request, run_id: str, kept: str, *given: Any) -> Updates:
            then = deed(room, run_id, owner.of(room.settings, kept, request), *given)
            room.forget()
            return {page.run: then}

        done = button.click(do, [page.run, page.owner, *(values or [])], [page.run, view.message], **QUIET)
        done.then(show, **everything)

    @speaks_in(view.message)
    def go_on(run_id: str) -> Updates:
        run = room.run(run_id)
        target = {page.comparison: run_id} if run.kind == "eval" else {page.adapter: run.adapter}
        return target | {page.tabs: gr.Tabs(selected="compare"), view.timer: gr.Timer(active=False)}

    for button, deed in (
        (buttons.fix, actions.fix),
        (buttons.longer, actions.longer),
        (buttons.stop, actions.stop),
        (buttons.resume, actions.resume),
        (buttons.sooner, actions.sooner),
        (buttons.later, actions.later),
        (form.delete, actions.delete),
    ):
        wire(button, deed)
    wire(form.start, again.start, form.values)
    _gpu_events(page, view, show, everything)
    download.on_click(buttons.take, lambda run_id, _: download.of_run(room, run_id), [page.run], view.message)
    notice.build(room, buttons.tell)
    leads = [page.comparison, page.adapter, page.tabs, view.timer, view.message]
    buttons.next.click(go_on, page.run, leads, **QUIET)


def _gpu_events(page: Page, view: View, show: Any, everything: dict[str, Any]) -> None:
    gpu = view.gpu
    idle: Updates = {gpu.give: gr.update(interactive=True), gpu.stop: gr.update(visible=False)}

    @speaks_in(view.message, after=idle)
    def give(request: gr.Request, run_id: str, kept: str) -> Any:
        yield from gpu_time.give(gpu, page.room, run_id, owner.of(page.room.settings, kept, request))

    giving = gpu.give.click(give, [page.run, page.owner], [*gpu.all, view.message], **QUIET)
    gpu.stop.click(lambda: idle, None, gpu.all, cancels=[giving], **QUIET)
    giving.then(show, **everything)


def _news(
    room: Room,
    view: View,
    request: gr.Request,
    run_id: str,
    kept: str,
    shown: dict[str, str],
    skip: int,
    chosen: list[str],
    kind: str,
) -> Updates:
    """Updates of what differs from `shown`; empty when nothing does."""
    look = Look(room, owner.of(room.settings, kept, request), run_id, skip)
    updates, now = news(
        history.parts(view.history, look)
        | detail.parts(view.detail, look)
        | actions.parts(view.actions, look)
        | gpu_time.parts(view.gpu, look)
        | again.parts(view.again, look)
        | overlay.parts(view.overlay, look, chosen or [], kind),
        shown,
    )
    return updates | {view.shown: now, view.timer: gr.Timer(active=look.live)} if updates else {}


def _chosen(event: gr.EventData) -> Any:
    """The run whose button was pressed; a press beside the buttons chooses nothing."""
    run = event._data.get("run") if isinstance(event._data, dict) else None
    return run if isinstance(run, str) else gr.skip()


def _on_tab(show: Any, view: View) -> Any:
    """Fresh when this tab is opened, silent while another is."""

    def selected(request: gr.Request, event: gr.SelectData, *values: Any) -> Any:
        if event.value == NAME:
            return show(request, *values)
        return {view.timer: gr.Timer(active=False)}

    return selected


def _from_address(request: gr.Request) -> Any:
    """`?run=ID` opens that run, for whoever has its link."""
    run = request.query_params.get("run", "")
    return (run, gr.Tabs(selected=NAME.lower())) if run else (gr.skip(), gr.skip())


TAB = Tab(NAME, order=40, build=build)
