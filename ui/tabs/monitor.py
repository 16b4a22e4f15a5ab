"""Monitor: how many answers, how fast, how many failed, by adapter and engine; what runs and what it holds now."""

from typing import Any

import gradio as gr

from backends.measured import Snapshot
from ui import html
from ui.handlers import QUIET, Updates, area, message_area, speaks_in
from ui.html import Html
from ui.runs.look import Parts, news
from ui.tab import Page, Tab
from ui.views import monitor_view, plots

NAME = "Monitor"
EVERY = 3.0


def build(page: Page) -> None:
    message = message_area()
    lead = area(monitor_view.NONE, elem_id="acr-monitor")
    choices = [("The last hour", monitor_view.HOUR), ("Since the start", monitor_view.ALL)]
    stretch = gr.Radio(choices, value=monitor_view.HOUR, label="Figures of", elem_id="acr-monitor-stretch")
    table = area(elem_id="acr-monitor-table")
    figure = gr.Plot(label="Seconds of an answer, the last hour", visible=False, elem_id="acr-monitor-figure")
    with gr.Accordion("The last hour as a table", open=False):
        minutes = area(elem_id="acr-monitor-minutes")
    shown, timer = gr.State({}), gr.Timer(EVERY, active=False)
    outputs = [shown, timer, message, lead, table, figure, minutes]

    def drawn(chosen: str, before: dict[str, str] | None) -> Updates:
        """What is new on the screen; nothing when nothing is."""
        now = page.room.figures()
        said = monitor_view.sentence(now, chosen) if now.all else monitor_view.NONE
        parts: Parts = {
            "lead": (top := html.join(said, monitor_view.now_facts(now)), lambda: {lead: top}),
            "table": (table_of := _table(now, chosen), lambda: {table: table_of}),
            "minutes": (told := _minutes(now), lambda: {minutes: told, figure: _figure(now)}),
        }
        updates, seen = news(parts, before or {})
        return updates | {shown: seen} if updates else {}

    @speaks_in(message)
    def show(chosen: str, before: dict[str, str] | None) -> Updates:
        return drawn(chosen, before) | {timer: gr.Timer(active=True)}

    @speaks_in(message, clear=False)
    def tick(chosen: str, before: dict[str, str] | None) -> Updates | None:
        return drawn(chosen, before) or None

    def selected(chosen: str, before: dict[str, str] | None, event: gr.SelectData) -> Any:
        """Fresh when this tab is opened, silent while another is."""
        return show(chosen, before) if event.value == NAME else {timer: gr.Timer(active=False)}

    everything: dict[str, Any] = {"inputs": [stretch, shown], "outputs": outputs, **QUIET}
    timer.tick(tick, **everything)
    stretch.input(show, **everything)
    page.tabs.select(selected, **everything)


def _table(now: Snapshot, chosen: str) -> Html | str:
    return monitor_view.by_adapter(monitor_view.table_of(now, chosen), chosen) if now.all else ""


def _minutes(now: Snapshot) -> Html | str:
    return monitor_view.by_minute(now.minutes) if now.minutes else ""


def _figure(now: Snapshot) -> gr.Plot:
    return gr.Plot(plots.latency_figure(now.minutes), visible=True) if now.minutes else gr.Plot(visible=False)


TAB = Tab(NAME, order=60, build=build)
