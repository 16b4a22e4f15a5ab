"""The four steps as a list of buttons, the heading of the open one, and the buttons that lead on and back."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui import html
from ui.fine_tune.state import STEPS, Draft
from ui.handlers import Updates, area, message_area
from ui.html import Html

#: what each step is for, in its heading's sentence
ABOUT = (
    "Bring the rows to learn from, or take the sample set.",
    "Every row is read as training would read it. Only what would spoil a run stands in the way.",
    "How it is trained, and what that takes: memory, minutes, money.",
    "One last look. The run goes on without this page.",
)
NEXT = ("Check these rows", "Choose a recipe", "Go to Start")
NEXT_IDS = ("acr-to-check", "acr-to-recipe", "acr-to-start")
CHOICE = """element.addEventListener('click', event => {
  const button = event.target.closest('[data-step]');
  if (button) trigger('click', {step: Number(button.dataset.step)});
});"""
#: a step that opens is where the keyboard goes on
FOCUS = "() => requestAnimationFrame(() => document.querySelector('#acr-step-title')?.focus())"


@dataclass(frozen=True)
class Stepper:
    nav: gr.HTML
    message: gr.HTML
    heading: gr.HTML
    steps: list[gr.Column]
    back: gr.Button
    anew: gr.Button
    forward: list[gr.Button]
    start: gr.Button

    @property
    def all(self) -> list[Any]:
        return [self.nav, self.message, self.heading, *self.steps, self.back, self.anew, *self.forward, self.start]


def top() -> tuple[gr.HTML, gr.HTML, gr.HTML]:
    nav = gr.HTML(_nav(None), apply_default_css=False, js_on_load=CHOICE, elem_id="acr-steps")
    return nav, message_area(), area(_heading(1))


def bottom() -> dict[str, Any]:
    """The buttons below the open step: one of them is its main one."""
    with gr.Row(elem_classes="acr-step-buttons"):
        back = gr.Button("Back", visible=False, scale=1, min_width=90, elem_id="acr-back")
        anew = gr.Button("Begin anew", visible=False, scale=1, min_width=130, elem_id="acr-anew")
        forward = [
            gr.Button(word, variant="primary", visible=False, scale=3, elem_id=name)
            for word, name in zip(NEXT, NEXT_IDS, strict=True)
        ]
        start = gr.Button("Start fine-tuning", variant="primary", visible=False, scale=3, elem_id="acr-train")
    return {"back": back, "anew": anew, "forward": forward, "start": start}


def shown(view: Stepper, draft: Draft | None) -> Updates:
    """Only the step of the draft is to be seen."""
    step, reach = (draft.step, draft.reach) if draft else (1, 1)
    columns = {column: gr.Column(visible=number == step) for number, column in enumerate(view.steps, 1)}
    forward = {
        button: gr.Button(visible=draft is not None and number == step, interactive=number == 1 or reach > 2)
        for number, button in enumerate(view.forward, 1)
    }
    return {
        view.nav: _nav(draft),
        view.heading: _heading(step),
        view.back: gr.Button(visible=step > 1),
        view.anew: gr.Button(visible=draft is not None),
        view.start: gr.Button(visible=step == len(STEPS), interactive=reach > 2),
        **columns,
        **forward,
    }


def _nav(draft: Draft | None) -> Html:
    step, reach = (draft.step, draft.reach) if draft else (1, 1)
    items = (html.el("li", _button(number, name, step, reach)) for number, name in enumerate(STEPS, 1))
    return html.el("nav", html.el("ol", *items, cls="acr-steps"), aria_label="Steps of a fine-tune")


def _button(number: int, name: str, step: int, reach: int) -> Html:
    return html.el(
        "button",
        html.el("span", "✓" if number < step <= reach else number, aria_hidden="true", cls="acr-step-mark"),
        name,
        type="button",
        data_step=number,
        disabled="disabled" if number > reach else None,
        aria_current="step" if number == step else None,
    )


def _heading(step: int) -> Html:
    title = html.el("h2", f"Step {step} of {len(STEPS)}: {STEPS[step - 1]}", id="acr-step-title", tabindex="-1")
    return html.join(title, html.sentence(ABOUT[step - 1], "acr-muted"))
