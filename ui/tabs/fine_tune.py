"""Fine-tune: four steps from a person's rows to a run that goes on without this page; they can be left and resumed."""

import gradio as gr

from ui.fine_tune import (
    check_events,
    data,
    data_events,
    examine,
    moves,
    recipe_form,
    rows_editor,
    start,
    start_events,
    stepper,
    teacher_view,
)
from ui.fine_tune.parts import Parts
from ui.handlers import area
from ui.tab import Page, Tab


def build(page: Page) -> None:
    nav, message, heading = stepper.top()
    with gr.Column() as first:
        rows = data.build(page.room)
    with gr.Column(visible=False) as second:
        check = examine.build()
        taught = teacher_view.build(page.room)
        editor = rows_editor.build()
    with gr.Column(visible=False) as third, gr.Row():
        with gr.Column(scale=6, min_width=280):
            recipe = recipe_form.build()
        with gr.Column(scale=5, min_width=280):
            plan = area(elem_id="acr-plan")
            work_out = gr.Button("Work it out again", size="sm", elem_id="acr-work-out")
    with gr.Column(visible=False) as fourth:
        last = start.build(page.room)
    frame = stepper.Stepper(nav, message, heading, [first, second, third, fourth], **stepper.bottom())
    parts = Parts(page, frame, rows, check, taught, editor, recipe, plan, work_out, last)
    for one in (moves, data_events, check_events, start_events):
        one.wire(parts)


TAB = Tab("Fine-tune", order=30, build=build)
