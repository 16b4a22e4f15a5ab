"""What happens in step 1: rows come, columns get other roles, the rows are parted otherwise."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from backends.errors import NotFound
from finetune import task_named
from ui.fine_tune import data, sources, state
from ui.fine_tune.parts import START, Parts, arrive, said
from ui.fine_tune.prepared import prepared
from ui.fine_tune.state import SAMPLE, Draft
from ui.handlers import QUIET, Updates, speaks_in
from ui.runs import download


def wire(parts: Parts) -> None:
    view, message, room = parts.data, parts.frame.message, parts.room
    kept = parts.page.owner

    def taking(source: Callable[..., Draft], step: int = 1) -> Any:
        @speaks_in(message)
        def take(request: gr.Request, kept: str, task: str, *values: Any) -> Updates:
            draft, problem = data.look(source(room.settings, parts.who(kept, request), task_named(task), *values))
            draft = draft.change(step=step) if draft.is_checked else draft
            return parts.fresh(draft) | said(parts, problem)

        return take

    arrive(parts, view.sample.click(taking(sources.sample, START), [kept, view.task], parts.all, **QUIET))
    view.upload.upload(taking(sources.file), [kept, view.task, view.upload], parts.all, api_visibility="private")
    view.use_text.click(taking(sources.pasted), [kept, view.task, view.text], parts.all, api_visibility="private")
    view.fetch.click(taking(sources.from_hub), [kept, view.task, *view.hub], parts.all, api_visibility="private")

    def of_origin(origin: str) -> list[Any]:
        return [gr.Column(visible=key == origin) for key in view.boxes]

    view.origin.input(of_origin, view.origin, list(view.boxes.values()), **QUIET)

    @speaks_in(message)
    def of_task(request: gr.Request, kept: str, name: str) -> Updates:
        """The same rows for another task; a sample set is that of its task."""
        task, who = task_named(name), parts.who(kept, request)
        draft = state.load(room.settings, who)
        if draft is None:
            return data.fill(view, None, task)
        if draft.origin == SAMPLE:
            draft = sources.sample(room.settings, who, task)
        draft.versions.read_as({})
        draft, problem = data.look(draft.change(task_name=name, step=1, checked={}, receipt={}))
        return parts.fresh(draft) | said(parts, problem)

    view.task.input(of_task, [kept, view.task], parts.all, **QUIET)

    def changing(change: Callable[..., tuple[Draft, str]], still: Sequence[Any] = ()) -> Any:
        """`still` are controls that stay as the person left them."""

        @speaks_in(message)
        def changed(request: gr.Request, kept: str, *values: Any) -> Updates:
            draft, problem = change(parts.draft(kept, request), *values)
            updates = parts.fresh(draft) | said(parts, problem)
            return {part: update for part, update in updates.items() if part not in still}

        return changed

    # each choice counts, also one made while another is still being read: the menus are not drawn again
    roles = changing(lambda draft, *values: data.with_roles(draft, values), view.roles)
    shown = [part for part in parts.all if part not in view.roles]
    gr.on([role.input for role in view.roles], roles, [kept, *view.roles], shown, trigger_mode="multiple", **QUIET)
    view.part.click(changing(data.with_shares), [kept, *view.shares], parts.all, **QUIET)

    def test_rows(kept: str, request: gr.Request) -> Path:
        path = prepared(parts.draft(kept, request)).test_path
        if not path.stat().st_size:
            raise NotFound("No test rows are put aside: give them a share")
        return path

    download.on_click(view.take_test, test_rows, [kept], message)
