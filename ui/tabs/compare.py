"""Compare: the adapter, the base and systems without a model answer the same held-out rows; then the verdict.
Below, one input to several panes at once.
"""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.errors import NotFound
from finetune import all_tasks, task_named
from finetune.runs import client, submit
from finetune.runs.client import RunView
from finetune.task import Task
from ui import html, owner, words
from ui.compare import blind_vote, side_by_side
from ui.handlers import QUIET, area, message_area, speaks_in
from ui.room import Room
from ui.tab import Page, Tab
from ui.views import evidence_buttons, forgetting_view, plots, report_view, reports, rows_filter, run_view
from ui.views.rows_filter import RowsFilter

NAME = "Compare"
ROWS = 60


@dataclass(frozen=True)
class View:
    """The components of this tab that change."""

    progress: gr.HTML
    verdict: gr.HTML
    figure: gr.Plot
    rows: RowsFilter
    details: gr.Accordion
    evidence: gr.Row
    stop: gr.Button
    timer: gr.Timer
    message: gr.HTML

    @property
    def all(self) -> list[Any]:
        others = [component for name, component in vars(self).items() if name != "rows"]
        return [*others, *self.rows.all]


def build(page: Page) -> None:
    room, first = page.room, next(iter(all_tasks().values()))
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=280):
            task = gr.Dropdown(
                [(t.title, t.name) for t in all_tasks().values()],
                value=first.name,
                label="Task",
                filterable=False,
            )
            adapter = gr.Dropdown(
                **_choice(room, first), label="Adapter", filterable=False, elem_id="acr-compare-adapter"
            )
            rows = gr.Slider(10, 200, ROWS, step=10, label="Held-out rows", info="More rows give a narrower interval.")
            start = gr.Button("Start comparing", variant="primary", elem_id="acr-compare")
            stop = gr.Button("Stop", visible=False)
        with gr.Column(scale=8, min_width=280):
            message = message_area()
            progress = area(elem_id="acr-compare-progress")
            verdict = area(report_view.NONE, elem_id="acr-verdict")
            figure = gr.Plot(label="Figures with their 95 % intervals", visible=False)
            asked = [page.comparison, task, adapter]
            evidence = evidence_buttons.build(room, asked, message)
            with gr.Accordion("Row by row, worst first", open=True, visible=False) as details:
                listed = rows_filter.build()
            rows_filter.wire(listed, room, asked, message)
    timer = gr.Timer(2.0, active=False)
    view = View(progress, verdict, figure, listed, details, evidence, stop, timer, message)
    blind_vote.build(page, asked)
    forgetting_view.build(page, adapter, message)
    side_by_side.build(page)
    _events(page, view, start, task, adapter, rows)


def _events(page: Page, view: View, start: gr.Button, task: gr.Dropdown, adapter: gr.Dropdown, rows: gr.Slider) -> None:
    room = page.room

    @speaks_in(view.message)
    def begin(kept: str, name: str, chosen: str | None, n: int, request: gr.Request) -> dict[Any, Any]:
        if not chosen:
            raise NotFound(f"There is no adapter for {name} yet: make one in Fine-tune")
        who = owner.of(room.settings, kept, request)
        run_id = submit.evaluation(room.settings, task_named(name), chosen, sample=int(n), owner=who)
        return {page.comparison: run_id} | _progress(view, room.run(run_id))

    @speaks_in(view.message)
    def show(run_id: str, name: str, chosen: str | None) -> dict[Any, Any]:
        return _shown(room, view, run_id, name, chosen)

    @speaks_in(view.message)
    def stop(run_id: str, kept: str, request: gr.Request) -> dict[Any, Any]:
        client.cancel(room.settings, run_id, owner.of(room.settings, kept, request))
        return {view.stop: gr.Button("Stopping …", interactive=False)}

    def choose(wanted: str, name: str) -> Any:
        """The adapters there are now; the one that another tab asked for is chosen."""
        return gr.Dropdown(**_choice(room, task_named(name), wanted))

    def choose_again(name: str) -> Any:
        return choose("", name), ""

    asked = [page.comparison, task, adapter]
    start.click(begin, [page.owner, task, adapter, rows], [page.comparison, *view.all], api_visibility="private")
    view.stop.click(stop, [page.comparison, page.owner], [view.stop, view.message], **QUIET)
    view.timer.tick(show, asked, view.all, **QUIET)
    page.comparison.change(show, asked, view.all, **QUIET)
    page.adapter.change(lambda: "", None, page.comparison, **QUIET).then(choose, [page.adapter, task], adapter, **QUIET)
    task.input(choose_again, task, [adapter, page.comparison], **QUIET)
    adapter.input(lambda: "", None, page.comparison, **QUIET)
    adapter.change(show, asked, view.all, **QUIET)
    page.tabs.select(_on_tab(show, view), asked, view.all, **QUIET)
    page.blocks.load(show, asked, view.all, **QUIET)


def _on_tab(show: Any, view: View) -> Any:
    def selected(run_id: str, name: str, chosen: str | None, event: gr.SelectData) -> Any:
        return show(run_id, name, chosen) if event.value == NAME else {view.timer: gr.Timer(active=False)}

    return selected


def _choice(room: Room, task: Task, wanted: str = "") -> dict[str, Any]:
    """The adapters of a task as a dropdown's settings: the wanted one chosen, else the shipped or newest."""
    names = room.adapters_of(task)
    info = f"on {room.base.title}" if names else "None for this task yet: make one in Fine-tune."
    return {"choices": names, "value": wanted if wanted in names else next(iter(names), None), "info": info}


def _shown(room: Room, view: View, run_id: str, name: str, adapter: str | None) -> dict[Any, Any]:
    """The chosen comparison while it runs, its report when it is there, else the newest stored report."""
    if run_id and (run := room.run(run_id)).status in words.ACTIVE:
        return _progress(view, run)
    report = reports.chosen(room, run_id, name, adapter)
    return _report(view, task_named(report["task"]), report) if report else _nothing(view)


def _progress(view: View, run: RunView) -> dict[Any, Any]:
    return {
        view.progress: html.el("div", run_view.progress(run), cls="acr-card"),
        view.stop: gr.Button("Stop", visible=True, interactive=run.status != "cancelling"),
        view.timer: gr.Timer(active=True),
    }


def _ended(view: View) -> dict[Any, Any]:
    return {view.progress: "", view.stop: gr.Button(visible=False), view.timer: gr.Timer(active=False)}


def _nothing(view: View) -> dict[Any, Any]:
    hidden = {
        view.figure: gr.Plot(visible=False),
        view.details: gr.Accordion(visible=False),
        view.evidence: gr.Row(visible=False),
    }
    return _ended(view) | hidden | {view.verdict: report_view.NONE}


def _report(view: View, task: Task, report: dict[str, Any]) -> dict[Any, Any]:
    metric = task.primary_metric
    figure = plots.interval_figure(report["systems"], metric.key, metric.title, metric.better)
    return (
        _ended(view)
        | rows_filter.fresh(view.rows, report)
        | {
            view.verdict: report_view.verdict(task, report),
            view.figure: gr.Plot(figure, visible=True),
            view.details: gr.Accordion(visible=True),
            view.evidence: gr.Row(visible=True),
        }
    )


TAB = Tab(NAME, order=20, build=build)
