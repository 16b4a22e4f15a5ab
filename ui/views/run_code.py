"""Run the function that was answered on Ask: examples in, values out. Only on one's own machine, never on a Space."""

import re
from collections.abc import Sequence
from typing import Any

import gradio as gr

from backends.base import Chunk
from backends.errors import BadInput, Unavailable
from backends.settings import Settings
from finetune import ask
from finetune.outputs import code_runner, python_code
from finetune.outputs.code_runner import Result
from finetune.task import Row, Task, Unreadable
from ui import html, words
from ui.handlers import QUIET, area, speaks_in
from ui.html import Html
from ui.views.tasks_form import TaskForm

PANEL = "code"
MOST = 20  # examples of one press
EMPTY = html.empty("What comes back appears here", "Write a call of the function above, one on each line, and run it.")


def offered(settings: Settings) -> bool:
    """The button is for the owner of the machine: not on any Space."""
    return settings.space_id is None and code_runner.allowed(settings)


class RunCode:
    """Draws the examples, their button and results; seen once a function was answered."""

    def __init__(self, form: TaskForm, settings: Settings, message: gr.HTML) -> None:
        self.settings = settings
        self.code = gr.State("")
        with gr.Column(visible=False) as self.group:
            self.examples = gr.Textbox(label="Examples", lines=2, max_lines=8, elem_classes="acr-mono")
            start = gr.Button("Run its examples", size="sm", min_width=160, elem_id="acr-run-code")
            self.shown = area(EMPTY, elem_id="acr-run-code-results")
        run = speaks_in(message, failed={self.shown: EMPTY})(self._run)
        start.click(run, [self.code, self.examples], [self.shown, message], **QUIET)
        form.chosen.input(lambda: gr.Column(visible=False), None, self.group, **QUIET)

    @property
    def outputs(self) -> list[Any]:
        return [self.code, self.group, self.examples, self.shown]

    def updates(self, task: Task, row: Row, chunks: Sequence[Chunk]) -> dict[Any, Any]:
        """After an answer: its code, and the examples that the request itself names."""
        code = code_of(task, chunks) if offered(self.settings) else ""
        entry = entry_of(code) if code else "f"
        info = f"A call on each line, such as {entry}(...), or assert {entry}(...) == ..."
        named = gr.Textbox(value="\n".join(examples_in(row, entry)), info=info) if code else gr.Textbox()
        return dict(zip(self.outputs, (code, gr.Column(visible=bool(code)), named, EMPTY), strict=True))

    def _run(self, code: str, examples: str) -> dict[Any, Any]:
        return {self.shown: ran(self.settings, code, examples)}


def ran(settings: Settings, code: str, examples: str) -> Html:
    """What came of each example; the place is looked at again, whatever a page sends."""
    if not offered(settings):
        raise Unavailable("Code is run on your own machine only, not on a Space")
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    if not code or not lines:
        raise BadInput(f"There is no example yet: write a call such as {entry_of(code) if code else 'f'}(...)")
    if len(lines) > MOST:
        raise BadInput(f"{len(lines)} examples are too many for one press; at most {MOST} are run")
    return drawn(code_runner.run(code, lines, entry_of(code)))


def code_of(task: Task, chunks: Sequence[Chunk]) -> str:
    if task.panel != PANEL:
        return ""
    try:
        return ask.read(task, ask.collect(chunks))["code"]
    except Unreadable:
        return ""


def entry_of(code: str) -> str:
    return list(python_code.functions(python_code.parsed(code)))[-1]


def examples_in(row: Row, entry: str) -> list[str]:
    """Asserts about the function in the request, and calls of it after ">>>", as people paste them."""
    found = re.findall(r"(?m)^\s*(?:>>>\s*)?((?:assert\s+)?(\w+)\(.*)$", " ".join(map(str, row.values())))
    return [line.strip() for line, name in found if name == entry][:MOST]


def drawn(results: Sequence[Result]) -> Html:
    """Of each example whether it ran, and what came back."""
    rows = [
        (
            html.el("code", result.test),
            html.chip("ran" if result.passed and result.said else "holds", "✓", "good")
            if result.passed
            else html.chip("failed", "✕", "bad"),
            html.el("code", result.said) if result.passed else result.said,
        )
        for result in results
    ]
    passed = sum(result.passed for result in results)
    return html.table(
        ("Example", "Outcome", "What came back"),
        rows,
        f"{passed} of {words.count(len(results), 'example')} without a problem",
    )
