"""Two buttons below a verdict: the evidence of this comparison as a page and as the file it comes again from."""

from pathlib import Path
from typing import Any

import gradio as gr

from backends.lora.adapter_zip import fresh_folder
from finetune.compare import evidence
from ui.room import Room
from ui.runs import download
from ui.views import reports


def build(room: Room, asked: list[Any], message: gr.HTML) -> gr.Row:
    """`asked` are the components that name the report (ui/views/reports.py)."""

    def maker(file: str) -> Any:
        def make(*values: Any) -> Path:
            found = evidence.of_report(room.settings, reports.needed(room, *values[:-1]))
            return next(path for path in evidence.write(found, fresh_folder()) if path.name == file)

        return make

    with gr.Row(visible=False) as row:
        for words, file in (("Evidence as a page", evidence.HTML), ("Evidence as JSON", evidence.JSON)):
            button = gr.Button(words, size="sm", min_width=140, elem_id=f"acr-{file.replace('.', '-')}")
            download.on_click(button, maker(file), asked, message)
    return row
