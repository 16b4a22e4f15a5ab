"""Starting a run again with other settings, and deleting it: folded away below the run."""

from dataclasses import dataclass, fields
from typing import Any

import gradio as gr

from finetune.recipes.recipe import Recipe
from finetune.runs import client
from ui.handlers import Updates, area
from ui.html import sentence
from ui.room import Room
from ui.runs.look import Look, Parts

#: the settings that are changed most, with their words; every other one stays as it was
KNOBS = {
    "learning_rate": "Learning rate",
    "num_train_epochs": "Passes over the rows",
    "max_steps": "Steps at most",
    "per_device_train_batch_size": "Batch",
    "max_length": "Tokens per row at most",
    "early_stopping_patience": "Patience",
}
HELP = {f.name: f.metadata["help"] for f in fields(Recipe)}
ABOUT_DELETE = "Its curve, its log and its checkpoints go for good. The adapter that came out of it stays."


@dataclass(frozen=True)
class Again:
    fold: gr.Accordion
    knobs: gr.Column
    start: gr.Button
    delete_fold: gr.Accordion
    delete: gr.Button
    values: list[gr.Number]

    @property
    def all(self) -> list[Any]:
        return [self.fold, self.knobs, self.start, self.delete_fold, self.delete, *self.values]


def build() -> Again:
    with gr.Accordion("Start it again with changes", open=False, visible=False, elem_id="acr-again-fold") as fold:
        with gr.Column() as knobs, gr.Row():
            values = [
                gr.Number(label=word, info=HELP[name], min_width=150, elem_id=f"acr-again-{name}")
                for name, word in KNOBS.items()
            ]
        start = gr.Button("Start again", elem_id="acr-again")
    with gr.Accordion("Delete it", open=False, visible=False, elem_id="acr-delete-fold") as delete_fold:
        area(sentence(ABOUT_DELETE))
        delete = gr.Button("Delete this run for good", variant="stop", elem_id="acr-delete")
    return Again(fold, knobs, start, delete_fold, delete, values)


def parts(view: Again, look: Look) -> Parts:
    run = look.run
    ended = run is not None and run.ended

    def draw() -> Updates:
        recipe = look.room.folder(run.run).recipe if run and look.mine else {}
        return {
            view.fold: gr.Accordion(visible=look.mine, open=False),
            view.knobs: gr.Column(visible=bool(recipe)),
            view.delete_fold: gr.Accordion(visible=look.mine and ended, open=False),
            **{box: gr.Number(value=recipe.get(name)) for box, name in zip(view.values, KNOBS, strict=True)},
        }

    return {"again": ((look.run_id, look.mine, ended), draw)}


def start(room: Room, run_id: str, owner: str, *values: float | None) -> str:
    """A new run on the same rows; only what differs from the old recipe is changed, an emptied field is not."""
    recipe = room.folder(run_id).recipe
    asked = {name: value for name, value in zip(KNOBS, values, strict=True) if name in recipe and value is not None}
    changes = {name: value for name, value in asked.items() if value != recipe[name]}
    return client.duplicate(room.settings, run_id, owner, changes)
