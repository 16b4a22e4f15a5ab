"""A button that has a .zip of adapters made on the server and hands it to the browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from backends import adapters
from backends.lora import adapter_zip
from finetune.runs import client
from ui.handlers import QUIET, speaks_in
from ui.room import Room

FETCH = "file => { if (file) document.querySelector('#%s').click(); }"


def on_click(button: gr.Button, make: Callable[..., Path], inputs: list[Any], message: gr.HTML) -> None:
    """`make(*inputs, request)` writes the file; Gradio copies it into its own cache and serves it from there."""
    link = f"{button.elem_id}-file"
    file = gr.DownloadButton("The file", elem_id=link, elem_classes="acr-hidden")

    @speaks_in(message, failed={file: gr.update(value=None)})
    def made(request: gr.Request, *values: Any) -> dict[Any, Any]:
        return {file: gr.DownloadButton(value=str(make(*values, request)))}

    button.click(made, inputs, [file, message], **QUIET).then(None, file, None, js=FETCH % link)


def of_run(room: Room, run_id: str) -> Path:
    """The adapter that came out of a run."""
    found = adapters.find(room.settings, room.run(run_id).adapter or "")
    return adapter_zip.pack([found], found.name)


def of_owner(room: Room, owner: str) -> Path:
    """Every adapter that came out of this visitor's runs and is still there."""
    made = {view.adapter for view in client.runs(room.settings, owner=owner, limit=-1)}
    found = [adapter for name, adapter in adapters.adapters(room.settings).items() if name in made]
    return adapter_zip.pack(found, "adapters")
