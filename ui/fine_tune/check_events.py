"""What happens in step 2: the check, its fixes, and changes of single rows."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from backends.errors import BadInput
from ui import html
from ui.fine_tune import examine, rows_editor, teacher_view, tokens_view
from ui.fine_tune.parts import Parts, checking, opened
from ui.handlers import QUIET, Updates, speaks_in


def wire(parts: Parts) -> None:
    _check_events(parts)
    _teacher_events(parts)
    _rows_events(parts)


def _check_events(parts: Parts) -> None:
    view, message, kept = parts.check, parts.frame.message, parts.page.owner

    @speaks_in(message)
    def again(request: gr.Request, kept: str) -> Iterator[Updates]:
        yield from checking(parts, parts.draft(kept, request))

    @speaks_in(message)
    def mended(request: gr.Request, kept: str) -> Iterator[Updates]:
        draft = parts.draft(kept, request)
        yield {view.findings: examine.WAITING}
        try:
            told = examine.mended(parts.room, draft)
        except Exception:
            yield examine.fill(view, draft)
            raise
        done = html.note(html.el("strong", "✓ "), ". ".join(told), ". You can undo it below.", tone="good")
        yield parts.fresh(draft) | {message: done}

    view.again.click(again, kept, parts.all, **QUIET)
    mending = view.mend.click(mended, kept, parts.all, **QUIET)
    mending.then(opened(parts), kept, parts.all, **QUIET)


def _teacher_events(parts: Parts) -> None:
    view, message, kept = parts.teacher, parts.frame.message, parts.page.owner

    @speaks_in(message)
    def label(request: gr.Request, kept: str, model: str) -> Iterator[Updates]:
        yield from teacher_view.label(view, parts.room, parts.draft(kept, request), model)

    @speaks_in(message, clear=False)
    def redrawn(request: gr.Request, kept: str) -> Updates:
        return parts.fresh(parts.draft(kept, request))

    asking = view.ask.click(label, [kept, view.model], [*view.all, message], **QUIET)
    stopping = view.stop.click(lambda: gr.Button(visible=False), None, view.stop, cancels=[asking], **QUIET)
    for end in (asking, stopping):
        end.then(redrawn, kept, parts.all, **QUIET).then(opened(parts), kept, parts.all, **QUIET)


def _rows_events(parts: Parts) -> None:
    view, message, kept = parts.rows, parts.frame.message, parts.page.owner

    def turned(by: int | None) -> Any:
        @speaks_in(message, clear=False)
        def turn(request: gr.Request, kept: str, which: str, skip: int) -> Updates:
            skip = 0 if by is None else max(0, skip + by)
            return rows_editor.page(view, parts.draft(kept, request), which, skip)

        return turn

    looked = {"inputs": [kept, view.which, view.skip], "outputs": [*view.page, message], **QUIET}
    gr.on([view.fold.expand, view.which.input], turned(None), **looked)
    view.earlier.click(turned(-rows_editor.PAGE), **looked)
    view.later.click(turned(rows_editor.PAGE), **looked)

    @speaks_in(message)
    def show(request: gr.Request, kept: str, number: Any) -> Updates:
        draft = parts.draft(kept, request)
        found = rows_editor.row(view, draft, number, html.Html(""))
        try:
            return found | {view.tokens: tokens_view.tokens(parts.room, draft, int(number))}
        except BadInput as problem:  # such a row has no tokens, but it can be mended
            return found | {view.tokens: html.note(str(problem), tone="busy")}

    def pressed(request: gr.Request, event: gr.EventData, kept: str) -> Updates:
        return show(request, kept, event._data.get("row") if isinstance(event._data, dict) else None)

    shown = [*view.row, message]
    view.table.click(pressed, kept, shown, **QUIET)
    gr.on([view.show.click, view.number.submit], show, [kept, view.number], shown, **QUIET)

    for button, deed in (
        (view.save, rows_editor.save),
        (view.reject, rows_editor.reject),
        (view.undo, rows_editor.undo),
    ):

        @speaks_in(message)
        def do(request: gr.Request, kept: str, which: str, skip: int, *values: Any, deed: Any = deed) -> Updates:
            draft = parts.draft(kept, request)
            deed(draft, *values)
            done = html.note(html.el("strong", "✓ "), f"Now: version {draft.versions.current.number}.", tone="good")
            drawn = rows_editor.page(view, draft, "" if deed is rows_editor.reject else which, skip)
            return parts.fill(draft) | drawn | {message: done}

        saved = button.click(do, [kept, view.which, view.skip, *view.written], parts.all, **QUIET)
        saved.then(opened(parts), kept, parts.all, **QUIET)
