"""The list of a visitor's runs, page by page, and what an empty or forgetful place says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.handlers import Updates
from ui.room import PAGE
from ui.runs.look import Look, Parts
from ui.views import run_view


@dataclass(frozen=True)
class History:
    listing: gr.HTML
    first: gr.Button
    newer: gr.Button
    older: gr.Button
    take_all: gr.Button
    #: how many newer runs stand on earlier pages
    skip: gr.State

    @property
    def all(self) -> list[Any]:
        return list(vars(self).values())


def build() -> History:
    return History(
        gr.HTML(run_view.NONE, apply_default_css=False, js_on_load=run_view.CHOICE, elem_id="acr-runs", label="Runs"),
        gr.Button("Open Fine-tune", variant="primary", visible=False, elem_id="acr-first"),
        *_pager(),
        gr.Button("Download every adapter trained here", visible=False, elem_id="acr-take-all"),
        gr.State(0),
    )


def _pager() -> tuple[gr.Button, gr.Button]:
    with gr.Row():
        newer = gr.Button("Newer runs", size="sm", visible=False, min_width=100, elem_id="acr-newer")
        older = gr.Button("Older runs", size="sm", visible=False, min_width=100, elem_id="acr-older")
    return newer, older


def turned(by: int) -> Callable[[int], int]:
    """A handler of the pager: one page on or back."""
    return lambda skip: max(0, skip + by * PAGE)


def parts(view: History, look: Look) -> Parts:
    notices = look.room.notices()
    shown = [look.run_id, look.skip, look.older, notices, *((run.run, run.status) for run in look.page)]

    def draw() -> Updates:
        return {
            view.listing: run_view.listing(look.page, look.run_id, notices),
            view.first: gr.Button(visible=not look.page and not look.skip),
            view.newer: gr.Button(visible=look.skip > 0),
            view.older: gr.Button(visible=look.older),
            view.take_all: gr.Button(visible=look.room.settings.forgets and any(run.adapter for run in look.page)),
        }

    return {"list": (shown, draw)}
