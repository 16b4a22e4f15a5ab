"""The switch 'on the GPU', there only on a ZeroGPU Space, and the one click to the CPU when the GPU is refused."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from backends.base import Chunk
from backends.engines.transformers_peft import TransformersPeft
from backends.zero_gpu.engine import GpuEngine
from finetune import ask
from ui.room import Room

INSTEAD = "on the CPU instead of the GPU, as you chose"


class OnGpu:
    """Draws the switch and, hidden until it is needed, the button that asks the CPU instead."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.switch = gr.Checkbox(
            label="Answer on the GPU",
            info="Takes seconds of your ZeroGPU quota. The CPU answers too, slower and for nothing.",
            visible=room.settings.zero_gpu,
            elem_id="acr-ask-gpu",
        )
        self.instead = gr.Button("Answer on the CPU instead", visible=False, elem_id="acr-ask-instead")

    def wanted(self, switched_on: Any) -> bool:
        """What the page sends counts only where there is such a GPU."""
        return bool(switched_on) and self.room.settings.zero_gpu

    def stream(self, *question: Any, **options: Any) -> Iterator[Chunk]:
        """As finetune.ask.stream, on the GPU and in the quota of whoever asks."""
        engine: Any = GpuEngine(self.room.settings)
        return ask.stream(engine, self.room.settings, *question, backend=TransformersPeft.name, **options)


def marked(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """An answer of the CPU that was asked for on the GPU says so on its receipt."""
    for chunk in chunks:
        yield replace(chunk, receipt=replace(chunk.receipt, note=INSTEAD)) if chunk.receipt else chunk
