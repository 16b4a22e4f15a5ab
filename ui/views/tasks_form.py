"""The input fields of every task, of which only the chosen task's are shown."""

from typing import Any

import gradio as gr

from finetune import all_tasks
from finetune.task import Task
from ui.handlers import QUIET

#: lines of a field before it scrolls, so that the button below stays in sight
LINES = 12


class TaskForm:
    """A task selector, filled-in fields, samples. `inputs` go to a handler, `read` undoes it."""

    def __init__(self) -> None:
        self.tasks = list(all_tasks().values())
        self.chosen = gr.Dropdown(
            [(task.title, task.name) for task in self.tasks],
            value=self.tasks[0].name,
            label="Task",
            info=self.tasks[0].summary,
            filterable=False,
            min_width=230,
        )
        self.fields: list[gr.Textbox] = []

    def draw_fields(self, *, samples: bool = True) -> None:
        """The fields of every task, below whatever stands beside the selector."""
        groups = []
        for task in self.tasks:
            with gr.Column(visible=task is self.tasks[0]) as group:
                self._fields_of(task, samples)
            groups.append(group)
        self.chosen.input(
            self._show,
            self.chosen,
            [self.chosen, *groups],
            **QUIET,
        )

    @property
    def inputs(self) -> list[Any]:
        return [self.chosen, *self.fields]

    def read(self, values: tuple[Any, ...]) -> tuple[Task, dict[str, str]]:
        """The chosen task and its row, from the values of `inputs`."""
        name, texts = values[0], iter(values[1:])
        rows = {task.name: {column: next(texts) or "" for column in task.columns} for task in self.tasks}
        task = next((task for task in self.tasks if task.name == name), self.tasks[0])
        return task, rows[task.name]

    def _fields_of(self, task: Task, samples: bool) -> None:
        sample = task.samples[0] if task.samples else {}
        boxes = [
            gr.Textbox(
                value=sample.get(field.column, ""),
                label=field.label,
                info=field.help or None,
                lines=min(field.lines, LINES),
                max_lines=LINES,
                elem_classes="acr-mono" if field.language else None,
                elem_id=f"acr-{task.name}-{field.column}-{'full' if samples else 'small'}",
            )
            for field in task.inputs
        ]
        self.fields += boxes
        if samples and len(task.samples) > 1:
            with gr.Row(elem_classes="acr-samples"):
                for number, values in enumerate(task.samples, 1):
                    button = gr.Button(values.get("title") or f"Sample {number}", size="sm", min_width=90)
                    button.click(_filling(task, values), None, boxes, **QUIET)

    def _show(self, name: str) -> list[Any]:
        task = next((task for task in self.tasks if task.name == name), self.tasks[0])
        return [gr.Dropdown(info=task.summary), *(gr.Column(visible=t is task) for t in self.tasks)]


def _filling(task: Task, values: Any) -> Any:
    """A handler that puts one sample into the fields."""
    texts = [values.get(column, "") for column in task.columns]
    return lambda: texts if len(texts) > 1 else texts[0]
