"""Tab: one file of ui/tabs ends in `TAB = Tab(...)`. `Page` is what every tab shares with the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

    from ui.room import Room


@dataclass(frozen=True)
class Page:
    """The room behind the page and the few values that one tab hands to another; these live in the
    visitor's session, never here.
    """

    room: "Room"
    blocks: "gr.Blocks"
    tabs: "gr.Tabs"
    #: who this visitor is: see ui/owner.py
    owner: "gr.BrowserState"
    #: the run that Runs shows
    run: "gr.State"
    #: the adapter that Compare was asked to compare
    adapter: "gr.State"
    #: the run of kind "eval" that Compare shows
    comparison: "gr.State"


@dataclass(frozen=True)
class Tab:
    """A name for the tab bar, its place in it, and what fills it."""

    name: str
    order: int
    build: Callable[[Page], None]

    @property
    def id(self) -> str:
        return self.name.lower()
