"""Giving GPU time to a run that learns in slices on a ZeroGPU: one slice after the other, as long as the page is open.

Each slice is a GPU call in the quota of whoever presses; leaving the page or Stop ends it with a checkpoint.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.errors import Refused
from backends.zero_gpu.engine import GpuEngine
from finetune.training import sliced
from ui import html
from ui.handlers import Updates, area
from ui.html import Html
from ui.room import Room
from ui.runs.look import Look, Parts

#: seconds of a slice: enough to learn something, little enough for what a free account has in a day
SLICE = 60
ABOUT = (
    f"It learns on the GPU in slices of {SLICE} s of your quota, with a checkpoint after each; between them it waits. "
    "Stop, or leave, whenever you like: nothing that it learned is lost."
)


@dataclass(frozen=True)
class GpuTime:
    box: gr.Column
    give: gr.Button
    stop: gr.Button
    told: gr.HTML

    @property
    def all(self) -> list[Any]:
        return list(vars(self).values())


def build() -> GpuTime:
    with gr.Column(visible=False) as box:
        area(html.sentence(ABOUT))
        with gr.Row():
            give = gr.Button("Learn on the GPU", variant="primary", min_width=190, elem_id="acr-gpu-give")
            stop = gr.Button("Stop giving GPU time", visible=False, min_width=190, elem_id="acr-gpu-stop")
        told = area(elem_id="acr-gpu-told")
    return GpuTime(box, give, stop, told)


def parts(view: GpuTime, look: Look) -> Parts:
    run = look.run
    mine = run is not None and look.mine and run.status == "running"
    waits = mine and look.room.folder(look.run_id).engine == sliced.ENGINE
    return {"gpu": ((look.run_id, waits), lambda: {view.box: gr.Column(visible=waits)})}


def give(view: GpuTime, room: Room, run_id: str, owner: str) -> Iterator[Updates]:
    """Slice after slice until the run has ended; a refusal of the GPU is said, and the run waits on."""
    yield {view.give: gr.Button(interactive=False), view.stop: gr.Button(visible=True)}
    for told in slices(room, run_id, owner):
        yield {view.told: told}


def slices(room: Room, run_id: str, owner: str) -> Iterator[Html]:
    run = room.run(run_id)
    if run.owner != owner:
        raise Refused("Only the person who started this run can give GPU time to it")
    if why := sliced.refusal(run.base, room.settings):
        raise Refused(why)
    payload, engine = {"run": run_id, "seconds": SLICE}, GpuEngine(room.settings)
    number, told = 0, dict[str, Any]()
    while not ("done" in told or "failed" in told):
        number += 1
        yield html.progress(f"Slice {number}: waiting for a GPU", None)
        with closing(engine.offered(sliced.OPERATION, payload, SLICE)) as lines:
            for line in lines:
                told = line.get("slice", told)
                if steps := line.get("point", {}).get("steps"):
                    step = line["point"]["step"]
                    yield html.progress(f"Slice {number}: step {step} of {steps}", step / steps)
        if told.get("step") == 0 and "failed" not in told:
            raise Refused(
                f"A slice of {SLICE} s was too short for a single step: choose shorter rows or a smaller batch"
            )
    yield html.note(told.get("failed") or f"✓ {told['done']}", tone="bad" if "failed" in told else "good")
