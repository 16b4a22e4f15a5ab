"""The model selector: every base with what it needs, downloaded with a progress bar, stopped, gone on with."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends import catalog
from backends.bases import here
from backends.catalog import Base
from ui.adapters import models_view
from ui.handlers import QUIET, Updates, area, speaks_in
from ui.room import Room


@dataclass(frozen=True)
class Models:
    chosen: gr.Dropdown
    card: gr.HTML
    progress: gr.HTML
    fetch: gr.Button
    stop: gr.Button
    table: gr.HTML

    @property
    def changing(self) -> list[Any]:
        return [self.card, self.progress, self.fetch, self.stop, self.table]


def every_base() -> dict[str, Base]:
    """The bases of the catalog, and the published models that have an adapter merged into them."""
    return {**catalog.bases(), **catalog.merged()}


def build(room: Room) -> Models:
    choices = [(base.title, name) for name, base in every_base().items()]
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280):
            chosen = gr.Dropdown(
                choices, value=catalog.EMBEDDED, label="Base", info="What an adapter sits on.", elem_id="acr-base"
            )
            with gr.Row():
                fetch = gr.Button("Download", variant="primary", scale=3, min_width=120, elem_id="acr-base-fetch")
                stop = gr.Button("Stop", visible=False, scale=1, min_width=80, elem_id="acr-base-stop")
            progress = area(elem_id="acr-base-progress")
        with gr.Column(scale=7, min_width=280):
            card = area(elem_id="acr-base-card")
    with gr.Accordion("All bases side by side", open=False):
        table = area(elem_id="acr-bases")
    return Models(chosen, card, progress, fetch, stop, table)


def wire(models: Models, room: Room, message: gr.HTML, timer: gr.Timer) -> None:
    @speaks_in(message)
    def fetch(name: str) -> Updates:
        room.downloads.start("base", catalog.base_named(name).name)
        return shown(models, room, name) | {timer: gr.Timer(active=True)}

    @speaks_in(message)
    def stop(name: str) -> Updates:
        if room.settings.public:
            return shown(models, room, name)
        room.downloads.cancel()
        return shown(models, room, name)

    @speaks_in(message)
    def choose(name: str) -> Updates:
        return shown(models, room, name)

    outputs = [*models.changing, timer, message]
    models.fetch.click(fetch, models.chosen, outputs, **QUIET)
    models.stop.click(stop, models.chosen, outputs, **QUIET)
    models.chosen.input(choose, models.chosen, outputs, **QUIET)


def shown(models: Models, room: Room, name: str) -> Updates:
    """The chosen base as it is now."""
    base, settings, now = catalog.base_named(name), room.settings, room.downloads.now()
    running, is_here = bool(now and now.state == "running"), here.is_here(settings, base)
    word = "Go on downloading" if here.is_begun(settings, base) else "Download"
    of_what = catalog.base_named(now.name).title if now and now.kind == "base" else now.name if now else ""
    said = models_view.progress(now, of_what) if now else models_view.closed() if settings.public else ""
    return {
        models.card: models_view.card(settings, base),
        models.progress: said,
        models.fetch: gr.Button(word, visible=not running and not is_here and not settings.public),
        models.stop: gr.Button(visible=running and not settings.public),
        models.table: models_view.table(settings, every_base().values()),
    }
