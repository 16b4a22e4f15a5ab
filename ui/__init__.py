"""The page: a header that says where you are, the tabs, a footer with the terms. Gradio only, no state."""

from functools import lru_cache
from typing import TYPE_CHECKING

from backends.registry import discover
from ui.tab import Tab

if TYPE_CHECKING:
    import gradio as gr

    from ui.room import Room

TITLE = "Adapter Control Room"


@lru_cache(maxsize=1)
def every_tab() -> list[Tab]:
    """Every tab in its order: one file of ui/tabs each."""
    from ui import tabs as folder

    return sorted(discover(folder, "TAB").values(), key=lambda tab: tab.order)


def build(room: "Room") -> "gr.Blocks":
    """The whole page for one room. Called once, before launch."""
    import gradio as gr

    from ui import owner
    from ui.handlers import QUIET
    from ui.tab import Page
    from ui.views import header

    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 86400)) as blocks:
        header.build(room, blocks)
        bar = gr.Tabs(selected=every_tab()[0].id, overflow_behavior="wrap", elem_id="acr-tabs")
        page = Page(room, blocks, bar, owner.remembered(), gr.State(""), gr.State(""), gr.State(""))
        blocks.load(owner.known_or_new, page.owner, page.owner, queue=False, **QUIET)
        with bar:
            for tab in every_tab():
                with gr.Tab(tab.name, id=tab.id):
                    tab.build(page)
        header.footer(room)
    return blocks
