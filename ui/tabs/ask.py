"""Ask: one input, one adapter, one button. Everything is filled in, so the first answer needs no choice."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from backends.zero_gpu.refusals import GpuRefused
from finetune import all_tasks, ask
from finetune.task import Task
from ui import html, owner
from ui.handlers import AT_ONCE, QUIET, area, message_area, said, speaks_in
from ui.room import Room
from ui.tab import Page, Tab
from ui.views import answers
from ui.views.chain_view import RouteFirst
from ui.views.chat_history import ChatHistory, heard
from ui.views.on_gpu import OnGpu, marked
from ui.views.run_code import RunCode
from ui.views.tasks_form import TaskForm

BASE_ALONE = "none"
EMPTY = html.empty(
    "The answer appears here",
    "A sample is already filled in: press Ask.",
    "Every answer comes with a receipt that says which adapter really gave it.",
)


def build(page: Page) -> None:
    room = page.room
    with gr.Row():
        with gr.Column(scale=6, min_width=280):
            with gr.Row():
                form = TaskForm()
                adapter = adapter_choice(room, form.tasks[0], "Who answers")
            form.draw_fields()
            free = gr.Checkbox(
                label="Let the answer take any form",
                info="Else it is held to the form of the task while it is written.",
                elem_id="acr-ask-free",
            )
            gpu = OnGpu(room)
            routing = RouteFirst(form, room)
            with gr.Row():
                start = gr.Button("Ask", variant="primary", scale=3, min_width=120, elem_id="acr-ask")
                stop = gr.Button("Stop", interactive=False, scale=1, min_width=80, elem_id="acr-ask-stop")
        with gr.Column(scale=5, min_width=280):
            message = message_area()
            result = area(EMPTY, elem_id="acr-answer")
            chat = ChatHistory(form)
            running = RunCode(form, room.settings, message)

    def answering(
        visitor: str, name: str, any_form: bool, on_gpu: bool, values: tuple[Any, ...], instead: bool = False
    ) -> Iterator[dict[Any, Any]]:
        routed, talk, *fields = values
        task, given = form.read(tuple(fields))
        row, parts = talk.asking(task, given), []
        yield {stop: gr.Button(interactive=True), gpu.instead: gr.Button(visible=False), result: answers.writing("")}
        asked = None if name == BASE_ALONE else name
        if routing.wanted(routed, task):
            for state in room.until_ready():
                yield {result: answers.preparing(state)}
            for shown in routing.answered(room.engine_for(visitor), given["query"], asked, not any_form):
                yield {result: shown}
            return
        if on_gpu:
            chunks = gpu.stream(task, row, asked, constrained=not any_form)
        else:
            for state in room.until_ready():
                yield {result: answers.preparing(state)}
            chunks = ask.stream(room.engine_for(visitor), room.settings, task, row, asked, constrained=not any_form)
        for shown in answers.streamed(task, room.base, heard(marked(chunks) if instead else chunks, parts)):
            yield {result: shown}
        if task.chat:
            yield chat.updates(talk.after(task, given, parts, asked))
        yield running.updates(task, given, parts)
        if doubts := answers.doubts(room, asked):
            yield {result: html.join(doubts, shown)}

    finished = {stop: gr.update(interactive=False)}

    @speaks_in(message, after=finished, failed={result: ""})
    def answer(request: gr.Request, name: str, any_form: bool, on_gpu: bool, *values: Any) -> Iterator[dict[Any, Any]]:
        try:
            yield from answering(owner.visitor(request), name, any_form, gpu.wanted(on_gpu), values)
        except GpuRefused as refusal:
            yield {message: said(refusal), result: "", gpu.instead: gr.Button(visible=True)}

    @speaks_in(message, after=finished, failed={result: ""})
    def answer_instead(
        request: gr.Request, name: str, any_form: bool, on_gpu: bool, *values: Any
    ) -> Iterator[dict[Any, Any]]:
        yield from answering(owner.visitor(request), name, any_form, False, values, instead=True)

    inputs = [adapter, free, gpu.switch, routing.switch, chat.said, *form.inputs]
    outputs = [result, stop, gpu.instead, message, *chat.outputs, *running.outputs]
    asking = start.click(answer, inputs, outputs, concurrency_limit=AT_ONCE, **QUIET)
    asking_instead = gpu.instead.click(answer_instead, inputs, outputs, concurrency_limit=AT_ONCE, **QUIET)
    stop.click(_stopped, None, [result, stop], cancels=[asking, asking_instead], **QUIET)
    form.chosen.input(_choices_of(room), form.chosen, adapter, **QUIET)
    # a page that opens slowly must not take back what its visitor has chosen meanwhile
    page.blocks.load(lambda task: gr.Dropdown(choices_of(room, all_tasks()[task])), form.chosen, adapter, **QUIET)


def _stopped() -> tuple[html.Html, gr.Button]:
    return html.note("Stopped. Press Ask to ask again."), gr.Button(interactive=False)


def adapter_choice(room: Room, task: Task, label: str) -> gr.Dropdown:
    """The adapters of a task, the shipped one chosen, and the base alone."""
    choices = choices_of(room, task)
    return gr.Dropdown(
        choices, value=choices[0][1], label=label, info=f"on {room.base.title}", filterable=False, min_width=230
    )


def choices_of(room: Room, task: Task) -> list[tuple[str, str]]:
    named = [(f"adapter {name}", name) for name in room.adapters_of(task)]
    return [*named, ("the base alone", BASE_ALONE)]


def _choices_of(room: Room) -> Any:
    def refresh(task: str) -> gr.Dropdown:
        choices = choices_of(room, all_tasks()[task])
        return gr.Dropdown(choices=choices, value=choices[0][1])

    return refresh


TAB = Tab("Ask", order=10, build=build)
