"""The adapters: what each is; checked on the engine, removed, fetched from the Hub, added from a .zip."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from backends import adapters, catalog
from backends.adapters import Adapter
from backends.bases import here
from backends.bases.downloads import CLOSED
from backends.errors import BadInput, NotFound, Refused
from backends.lora import adapter_unzip, adapter_zip
from finetune.runs import client
from finetune.scoring import proof
from ui import html, owner
from ui.adapters import listing_view
from ui.handlers import QUIET, Updates, area, speaks_in
from ui.html import Html
from ui.room import Room
from ui.runs import download

#: before the name of an entry of the catalog that is not here
PUBLISHED = "hub:"


@dataclass(frozen=True)
class Listing:
    chosen: gr.Dropdown
    card: gr.HTML
    said: gr.HTML
    check: gr.Button
    take: gr.Button
    fetch: gr.Button
    remove: gr.Button
    table: gr.HTML
    archive: gr.File
    hub_id: gr.Textbox
    add: gr.Button

    @property
    def changing(self) -> list[Any]:
        return [self.chosen, self.card, self.said, self.check, self.take, self.fetch, self.remove, self.table]


def build(room: Room) -> Listing:
    choices = _choices(room)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280):
            chosen = gr.Dropdown(choices, value=choices[0][1], label="Adapter", elem_id="acr-adapter")
            with gr.Row():
                check = gr.Button("Verify", size="sm", min_width=90, elem_id="acr-adapter-verify")
                take = gr.Button("Take away as .zip", size="sm", min_width=130, elem_id="acr-adapter-zip")
                fetch = gr.Button(
                    "Download from the Hub", size="sm", visible=False, min_width=160, elem_id="acr-adapter-fetch"
                )
                remove = gr.Button("Remove", size="sm", visible=False, min_width=90, elem_id="acr-adapter-remove")
            said = area(elem_id="acr-adapter-said")
        with gr.Column(scale=7, min_width=280):
            card = area(elem_id="acr-adapter-card")
    with gr.Accordion("All adapters side by side", open=False):
        table = area(elem_id="acr-adapters")
    with gr.Accordion("Add an adapter", open=False, visible=not room.settings.public):
        archive = gr.File(label="A .zip with safetensors and adapter_config.json", file_types=[".zip"], height=130)
        hub_id = gr.Textbox(label="Or its id on the Hub", placeholder="owner/name", max_lines=1)
        add = gr.Button("Add", elem_id="acr-adapter-add")
    return Listing(chosen, card, said, check, take, fetch, remove, table, archive, hub_id, add)


def wire(view: Listing, room: Room, kept: gr.BrowserState, message: gr.HTML, timer: gr.Timer) -> None:
    @speaks_in(message)
    def choose(request: gr.Request, name: str, kept: str) -> Updates:
        return shown(view, room, name, looker(room, kept, request)) | {view.said: ""}

    @speaks_in(message)
    def check(name: str) -> Updates:
        return {view.said: _checked(room, adapters.find(room.settings, name))}

    @speaks_in(message)
    def remove(request: gr.Request, name: str, kept: str) -> Updates:
        who = owner.of(room.settings, kept, request)
        found = adapters.find(room.settings, name)
        if not _may_remove(room, found, who):
            raise Refused(f"Adapter {name} is not yours: only who trained it here can remove it")
        adapters.remove(room.settings, name)
        room.forget()
        return shown(view, room, "", who) | {view.said: html.note(f"Removed {name}.")}

    @speaks_in(message)
    def fetch(name: str) -> Updates:
        room.downloads.start("adapter", name.removeprefix(PUBLISHED))
        return {timer: gr.Timer(active=True)}

    @speaks_in(message)
    def add(request: gr.Request, path: str | None, hub_id: str, kept: str) -> Updates:
        if room.settings.public:
            raise Refused(CLOSED)
        if hub_id.strip():
            room.downloads.start("adapter", hub_id.strip())
            return {timer: gr.Timer(active=True), view.hub_id: ""}
        if not path:
            raise BadInput("There is nothing to add yet: choose a .zip, or write the id of a repository")
        added = adapters.add(room.settings, adapter_unzip.unpack(Path(path), room.settings.max_upload))
        room.forget()
        told = html.note(html.el("strong", "✓ "), f"Added adapter {added.name}.", tone="good")
        return shown(view, room, added.name, looker(room, kept, request)) | {view.said: told, view.archive: None}

    def packed(name: str, request: gr.Request) -> Path:
        found = adapters.find(room.settings, name)
        return adapter_zip.pack([found], found.name)

    outputs = [*view.changing, timer, message]
    view.chosen.input(choose, [view.chosen, kept], outputs, **QUIET)
    view.check.click(check, view.chosen, outputs, **QUIET)
    view.remove.click(remove, [view.chosen, kept], outputs, **QUIET)
    view.fetch.click(fetch, view.chosen, outputs, **QUIET)
    view.add.click(add, [view.archive, view.hub_id, kept], [*outputs, view.archive, view.hub_id], **QUIET)
    download.on_click(view.take, packed, [view.chosen], message)


def shown(view: Listing, room: Room, name: str, who: str) -> Updates:
    """The chosen adapter, or the first one where it is gone, and what can be done with it."""
    choices = _choices(room)
    name = name if name in [value for _, value in choices] else choices[0][1]
    published = name.startswith(PUBLISHED)
    found = None if published else adapters.find(room.settings, name)
    entry = catalog.hub_adapters()[name.removeprefix(PUBLISHED)] if published else None
    here_now = adapters.adapters(room.settings)
    others = [other for other in catalog.hub_adapters().values() if other.name not in here_now]
    return {
        view.chosen: gr.Dropdown(choices=choices, value=name),
        view.card: listing_view.card(found) if found else listing_view.published_card(entry) if entry else "",
        view.check: gr.Button(visible=found is not None),
        view.take: gr.Button(visible=found is not None),
        view.fetch: gr.Button(visible=published and not room.settings.public),
        view.remove: gr.Button(visible=found is not None and _may_remove(room, found, who)),
        view.table: listing_view.table(here_now.values(), others),
    }


def _choices(room: Room) -> list[tuple[str, str]]:
    """Those that are here, then those of the catalog that can be fetched."""
    known = adapters.adapters(room.settings)
    here_now = [(name, name) for name in known]
    published = [
        (f"{entry.title} (on the Hub)", PUBLISHED + name)
        for name, entry in catalog.hub_adapters().items()
        if entry.kind == "adapter" and name not in known
    ]
    if not here_now + published:
        raise NotFound("There is no adapter here, and none in the catalog")
    return here_now + published


def looker(room: Room, kept: str, request: gr.Request) -> str:
    """Who looks; looking needs no name."""
    try:
        return owner.of(room.settings, kept, request)
    except Refused:
        return ""


def _may_remove(room: Room, adapter: Adapter, who: str) -> bool:
    """Off a public Space everybody but what came with the program; on one, who trained it."""
    if adapter.origin == "shipped":
        return False
    if not room.settings.public:
        return True
    made = {run.adapter for run in client.runs(room.settings, owner=who, limit=-1)} if who else set()
    return adapter.name in made


def _checked(room: Room, adapter: Adapter) -> Html:
    """Files first; the effect is measured where the base is here already."""
    problems, probe, engine = adapters.verify(room.settings, adapter), None, ""
    base = catalog.bases().get(adapter.base)
    if not problems and base and here.is_here(room.settings, base):
        engine = proof.engine_for(adapter)
        probe = proof.effect(room.engine, room.settings, adapter, engine)
        problems = proof.problems(probe)
    why_not = "What it changes is measured when its base is here."
    return listing_view.verified(adapter.name, problems, probe, engine, why_not)
