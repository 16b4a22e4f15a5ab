"""Typed results: a score is a gauge, a grade a chip, a query has coloured operators. One file here per panel,
each ending in `PANEL = Panel(name, show)`; a task names the panel that it wants.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from backends.registry import discover
from finetune.task import Task
from ui import html
from ui.html import Html


@dataclass(frozen=True)
class Panel:
    """`show(task, value)` draws a value that the task's parser accepted."""

    name: str
    show: Callable[[Task, Any], Html]
    #: the same for a choice of which the engine told how likely each one is
    weighed: Callable[[Task, Any, Mapping[str, float]], Html] | None = None


@lru_cache(maxsize=1)
def panels() -> dict[str, Panel]:
    import ui.panels as folder

    return discover(folder, "PANEL")


def result(task: Task, value: Any, probabilities: Mapping[str, float] | None = None) -> Html:
    panel = panels()[task.panel]
    if probabilities and panel.weighed:
        return panel.weighed(task, value, probabilities)
    return panel.show(task, value)


def refused(problem: str) -> Html:
    """An answer that the task's parser does not accept: said as it is, nothing is guessed or mended."""
    return html.el(
        "div",
        html.chip("no readable answer", "✕", "bad"),
        html.sentence(f"{problem[:1].upper()}{problem[1:].rstrip('.')}. The raw answer is below."),
        cls="acr-panel acr-refused",
    )
