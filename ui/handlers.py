"""Between Gradio and our handlers: errors become a visible message, other faults are logged and not shown."""

import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import wraps
from typing import Any

import gradio as gr

from backends.errors import AppError
from backends.guards import redact
from ui import html
from ui.html import Html

log = logging.getLogger("acr.ui")
OURS = "Something went wrong on our side. It is written in the log; trying again may help."

Updates = dict[Any, Any]

#: for events of the page itself: no overlay while they run, no entry in the API
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

#: questions that may be open at a time, most of them waiting for their turn (backends/queueing.py)
AT_ONCE = 40


def area(value: Html | str = "", **options: Any) -> gr.HTML:
    """A place for what ui/html.py makes."""
    return gr.HTML(value, apply_default_css=False, js_on_load=None, **options)


LIVE = "element.setAttribute('role', 'status'); element.setAttribute('aria-live', 'polite');"


def message_area() -> gr.HTML:
    """Where a tab speaks: a live region that is there from the start, so that screen readers hear changes."""
    return gr.HTML("", apply_default_css=False, js_on_load=LIVE, elem_classes="acr-message")


def speaks_in(
    message: gr.HTML, *, after: Updates | None = None, failed: Updates | None = None, clear: bool = True
) -> Callable[[Callable], Callable]:
    """Decorator of handlers that return (or yield) `{component: value}`. Faults are said in `message`;
    `after` (of gr.update) is added at the end, `failed` when it failed. A handler that returns None changes nothing.

    The end of a stream says once more what it said before: a browser that is busy draws only the last of several
    updates that come together, and would never show what only an earlier one said.
    """
    clean = {message: ""} if clear else {}

    def decorate(handler: Callable) -> Callable:
        @wraps(handler)
        def once(*args: Any, **kwargs: Any) -> Any:
            try:
                updates = handler(*args, **kwargs)
            except Exception as error:
                updates = {message: said(error)} | (failed or {})
            return gr.skip() if updates is None else clean | updates | (after or {})

        @wraps(handler)
        def stream(*args: Any, **kwargs: Any) -> Iterator[Updates]:
            told = dict(clean)
            try:
                with closing(handler(*args, **kwargs)) as updates:
                    for update in updates:
                        told |= update
                        yield clean | update
                if after:
                    yield told | after
            except Exception as error:
                yield told | {message: said(error)} | (failed or {}) | (after or {})

        return stream if inspect.isgeneratorfunction(handler) else once

    return decorate


def said(error: Exception) -> Html:
    """The sentence for the screen. Faults of ours go to the log with their traceback and nowhere else."""
    if isinstance(error, AppError):
        return html.problem(redact(str(error)))
    if isinstance(error, gr.Error):  # of the platform: quota, a GPU worker that died
        return html.problem(redact(str(error.message)))
    log.error("fault in a handler of the page", exc_info=error)
    return html.problem(OURS)
