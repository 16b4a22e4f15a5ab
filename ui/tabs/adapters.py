"""Adapters: every base with what it needs, and every adapter on them; checked, fetched, added, removed."""

from typing import Any

import gradio as gr

from ui import html
from ui.adapters import listing, models
from ui.handlers import QUIET, Updates, area, message_area, speaks_in
from ui.tab import Page, Tab

NAME = "Adapters"
EVERY = 1.0


def build(page: Page) -> None:
    room = page.room
    message, timer = message_area(), gr.Timer(EVERY, active=False)
    area(html.el("h2", "Bases", cls="acr-lead"))
    bases = models.build(room)
    area(html.el("h2", "Adapters", cls="acr-lead"))
    known = listing.build(room)
    models.wire(bases, room, message, timer)
    listing.wire(known, room, page.owner, message, timer)

    def whole(request: gr.Request, base: str, adapter: str, kept: str) -> Updates:
        who = listing.looker(room, kept, request)
        return models.shown(bases, room, base) | listing.shown(known, room, adapter, who)

    @speaks_in(message)
    def show(request: gr.Request, base: str, adapter: str, kept: str) -> Updates:
        now = room.downloads.now()
        running = bool(now and now.state == "running")
        return whole(request, base, adapter, kept) | {timer: gr.Timer(active=running)}

    @speaks_in(message, clear=False)
    def tick(request: gr.Request, base: str, adapter: str, kept: str) -> Updates:
        """While something comes: the bar alone; when it has ended, everything and no more ticks."""
        now = room.downloads.now()
        if now and now.state == "running":
            return {bases.progress: models.shown(bases, room, base)[bases.progress]}
        room.forget()
        return whole(request, base, adapter, kept) | {timer: gr.Timer(active=False)}

    def selected(request: gr.Request, base: str, adapter: str, kept: str, event: gr.SelectData) -> Any:
        """Fresh when this tab is opened, silent while another is."""
        return show(request, base, adapter, kept) if event.value == NAME else {timer: gr.Timer(active=False)}

    everything: dict[str, Any] = {
        "inputs": [bases.chosen, known.chosen, page.owner],
        "outputs": [*bases.changing, *known.changing, timer, message],
        **QUIET,
    }
    timer.tick(tick, **everything)
    page.tabs.select(selected, **everything)


TAB = Tab(NAME, order=50, build=build)
