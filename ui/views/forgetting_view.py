"""What did it forget? The folded part of Compare: the stored result of the probe, and the button that asks it."""

from typing import Any

import gradio as gr

from backends.errors import NotFound
from finetune.compare import forgetting
from finetune.runs import submit
from finetune.scoring import results
from ui import html, owner
from ui.handlers import QUIET, Updates, area, speaks_in
from ui.html import Html
from ui.room import Room
from ui.tab import Page

ABOUT = (
    "Eighty short prompts that have nothing to do with the task: instructions, sums, JSON, refusals, other tasks of "
    "this room. They are asked of the base and of the adapter, and judged by rule."
)
HEADS = ("Kind", "Prompts", "Base right", "Adapter right", "Forgot", "Gained")
NONE = html.sentence("This adapter was not asked yet. It takes a minute or two on two cores.", "acr-muted")


def shown(report: dict[str, Any]) -> Html:
    told = forgetting.told(report)
    rows = [[str(value) for value in kind.values()] for kind in (*told["kinds"], told["total"])]
    table = html.table(HEADS, rows, "Before and after, by kind of prompt", numeric=range(1, len(HEADS)))
    note = html.sentence(told["note"], "acr-muted")
    return html.el("div", html.sentence(told["sentence"], "acr-lead"), table, note, cls="acr-stack")


def build(page: Page, adapter: gr.Dropdown, message: gr.HTML) -> None:
    room = page.room
    with gr.Accordion("What did it forget?", open=False):
        area(html.sentence(ABOUT))
        result = area(NONE, elem_id="acr-forgot")
        ask = gr.Button("Ask the probe", size="sm", elem_id="acr-forget")

    @speaks_in(message)
    def begin(kept: str, name: str | None, request: gr.Request) -> Updates:
        if not name:
            raise NotFound("There is no adapter yet: make one in Fine-tune")
        who = owner.of(room.settings, kept, request)
        return {page.comparison: submit.evaluation(room.settings, forgetting.TASK, name, owner=who)}

    @speaks_in(message, clear=False)
    def look(name: str | None) -> Updates:
        return {result: _stored(room, name)}

    ask.click(begin, [page.owner, adapter], [page.comparison, message], **QUIET)
    gr.on(
        [adapter.change, page.comparison.change, page.tabs.select, page.blocks.load],
        look,
        adapter,
        [result, message],
        **QUIET,
    )


def _stored(room: Room, name: str | None) -> Html:
    report = results.newest(room.settings, forgetting.TASK, name) if name else None
    return shown(report) if report else NONE
