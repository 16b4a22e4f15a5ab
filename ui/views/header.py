"""The line above the tabs: what this is, which base and engine answer, what is prepared, what is forgotten;
and the line below them: the terms.
"""

from typing import Any

import gradio as gr

from backends.catalog import Base
from backends.errors import AppError
from ui import html, words
from ui.handlers import QUIET, area, said
from ui.html import Html
from ui.room import Room

PURPOSE = "Ask a fine-tuned model, train your own on plain processors, and see whether it is better than the base."


def build(room: Room, blocks: gr.Blocks) -> None:
    """The header; a timer looks at the engine until the base can be asked."""
    head = area(elem_id="acr-head")
    timer = gr.Timer(1.0, active=True)

    def look() -> tuple[Any, gr.Timer]:
        try:
            state = room.engine_state()
        except AppError as error:
            return view(room, {"state": "failed", "what": str(error)}), gr.Timer(active=True)
        except Exception as error:
            return html.join(view(room, None), said(error)), gr.Timer(active=False)
        return view(room, state), gr.Timer(active=state["state"] != "ready")

    blocks.load(look, None, [head, timer], **QUIET)
    timer.tick(look, None, [head, timer], **QUIET)


def view(room: Room, state: dict[str, Any] | None) -> Html:
    """The header for a state of the engine; None = not known."""
    title = html.el("div", html.el("h1", "Adapter Control Room"), html.el("p", PURPOSE))
    place = html.el("div", *_chips(room, state), cls="acr-place", role="group", aria_label="Where you are")
    bar = None
    if state and state["state"] not in ("ready", "failed"):
        bar = html.progress(f"Preparing the base: {state.get('what') or 'starting'}", state.get("fraction"))
    if state and state["state"] == "failed":
        bar = html.problem(state["what"])
    return html.el("header", title, place, bar, cls="acr-head")


def _chips(room: Room, state: dict[str, Any] | None) -> list[Html]:
    ready = bool(state) and state["state"] == "ready"
    failed = bool(state) and state["state"] == "failed"
    word, shape, tone = (
        ("ready", "✓", "good") if ready else ("not ready", "✕", "bad") if failed else ("preparing", "◑", "busy")
    )
    chips = [
        html.chip(f"{room.base.title}: {word}", shape, tone),
        html.chip(f"Engine: {words.ENGINES['llama_cpp']}, {words.count(room.settings.threads, 'core')}"),
    ]
    if room.settings.forgets:
        chips.append(html.chip("Runs are forgotten when this Space restarts", "!", "busy"))
    return chips


def terms(base: Base) -> Html:
    """The licence sentence of a base, with its link."""
    return html.join(f"{base.title}: {base.notice or base.licence}. ", html.link("Read the terms", base.licence_url))


def footer(room: Room) -> None:
    area(html.el("footer", html.el("p", terms(room.base)), cls="acr-foot"), elem_id="acr-foot")
