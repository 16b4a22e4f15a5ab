"""Step 3, on the left: three simple recipes that follow the number of rows, or every knob of the definition."""

from dataclasses import Field, dataclass, fields
from typing import Any

import gradio as gr

from backends.catalog import Base
from backends.errors import AppError, BadInput
from backends.settings import Settings
from finetune import formats
from finetune.recipes import recipe, sized
from finetune.recipes.recipe import Recipe
from ui.fine_tune.state import Draft
from ui.handlers import Updates, area
from ui.room import Room

#: the knobs as a person meets them; a knob that is named nowhere stands under the last title
GROUPS: dict[str, tuple[str, ...]] = {
    "The adapter": ("r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "target_modules"),
    "The steps": (
        *("learning_rate", "lr_scheduler_type", "warmup_ratio", "warmup_steps", "optim", "weight_decay"),
        *("max_grad_norm", "num_train_epochs", "max_steps", "per_device_train_batch_size"),
        *("gradient_accumulation_steps", "max_length", "seed"),
    ),
    "When it looks and when it stops": ("eval_steps", "save_steps", "early_stopping_patience"),
    "The machine": ("quantization", "precision", "gradient_checkpointing"),
}
#: before this one opens there is nothing to fill in
STEP = 3
#: asked beside the simple choice, because it matters to everybody
MINUTES = "max_minutes"
KNOBS = {f.name: f for f in fields(Recipe) if f.name != MINUTES}
ABOUT_NF4 = (
    "nf4 is QLoRA. On the embedded base it saves little memory, as about 63 % of its weights are the 16-bit "
    "embedding; it pays on larger bases."
)


@dataclass(frozen=True)
class View:
    simple: gr.Radio
    minutes: gr.Number
    format: gr.Dropdown
    advanced: gr.Accordion
    start_from: gr.Dropdown
    knobs: dict[str, Any]
    preview_fold: gr.Accordion
    preview: gr.HTML

    @property
    def inputs(self) -> list[Any]:
        return [self.simple, self.minutes, self.format, *self.knobs.values()]

    @property
    def all(self) -> list[Any]:
        return [*self.inputs, self.start_from, self.preview]


def build() -> View:
    simple = gr.Radio([], label="How thorough", elem_id="acr-simple")
    minutes = gr.Number(
        label="Minutes at most", value=0, info="it ends with what it has learned; 0 = no limit", elem_id="acr-minutes"
    )
    with gr.Accordion("Every setting", open=False, elem_id="acr-advanced") as advanced:
        start_from = gr.Dropdown([], label="Take the settings of", filterable=False, elem_id="acr-start-from")
        knobs: dict[str, Any] = {}
        for title, names in _grouped().items():
            gr.Markdown(f"#### {title}")
            narrow = [name for name in names if not isinstance(KNOBS[name].default, bool | tuple)]
            with gr.Row():
                knobs |= {name: _component(KNOBS[name]) for name in narrow}
            knobs |= {name: _component(KNOBS[name]) for name in names if name not in narrow}
    with gr.Accordion("The format: how a row becomes text", open=False, elem_id="acr-format-fold") as preview_fold:
        fmt = gr.Dropdown([], label="Format", filterable=False, elem_id="acr-format")
        preview = area(elem_id="acr-preview")
    ordered = {name: knobs[name] for name in KNOBS}
    return View(simple, minutes, fmt, advanced, start_from, ordered, preview_fold, preview)


def _grouped() -> dict[str, list[str]]:
    named = {name for names in GROUPS.values() for name in names}
    made = {title: [name for name in names if name in KNOBS] for title, names in GROUPS.items()}
    made[next(reversed(made))] += [name for name in KNOBS if name not in named]
    return made


def _component(knob: Field) -> Any:
    """The control that fits a knob; its bounds are said here and held by the recipe."""
    rule, name = knob.metadata, knob.name
    common = {"label": name, "info": _help(knob), "min_width": 220, "elem_id": f"acr-knob-{name}", "interactive": True}
    if isinstance(knob.default, tuple):
        return gr.CheckboxGroup(list(rule["choices"]), value=list(knob.default), **common)
    if isinstance(knob.default, bool):
        return gr.Checkbox(value=knob.default, **common)
    if rule["choices"]:
        return gr.Dropdown(list(rule["choices"]), value=knob.default, filterable=False, **common)
    return gr.Number(value=knob.default, **common)


def _help(knob: Field) -> str:
    rule = knob.metadata
    bounds = f" ({_said(rule['low'])} to {_said(rule['high'])})" if rule["low"] is not None else ""
    return f"{rule['help']}{bounds}. {ABOUT_NF4}" if knob.name == "quantization" else f"{rule['help']}{bounds}"


def _said(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def fill(view: View, room: Room, draft: Draft | None) -> Updates:
    if draft is None or not draft.read or draft.step < STEP:
        return {}
    made, rows = draft.recipe, draft.read["counts"]["train"]
    choices = [
        (f"{recipe.recipes()[name]['title']}: {sized.words(sized.sized(name, rows), rows)}", name)
        for name in sized.BOUNDS
    ]
    offered = [(data["title"], name) for name, data in recipe.offered(draft.task_name).items()]
    names = _formats(room.settings, room.base)
    return {
        view.simple: gr.Radio(choices=choices, value=draft.simple or None),
        view.minutes: draft.minutes,
        view.format: gr.Dropdown(choices=names, value=draft.format_name or room.base.format),
        view.start_from: gr.Dropdown(choices=offered, value=None),
        **_values(view, made),
    }


def _values(view: View, made: Recipe) -> Updates:
    values = made.to_json()
    return {knob: values[name] for name, knob in view.knobs.items()}


def _formats(settings: Settings, base: Base) -> list[str]:
    """Those that this base can be taught in."""
    usable = []
    for name in formats.NAMES:
        try:
            formats.named(name, base, settings)
        except AppError:
            continue
        usable.append(name)
    return usable or [base.format]


def chosen(draft: Draft, room: Room, simple: str | None, minutes: Any, fmt: str | None, *knobs: Any) -> Draft:
    """What stands in the form becomes the draft's recipe; BadInput names what is wrong with it."""
    given = recipe.make(dict(zip(KNOBS, knobs, strict=True)) | {MINUTES: _minutes(minutes)})
    same = draft.change(simple=simple, minutes=given.max_minutes) if simple else draft
    own = not simple or same.recipe != given
    return same.change(
        simple="" if own else simple,
        values=given.to_json() if own else {},
        minutes=given.max_minutes,
        format_name="" if not fmt or fmt == room.base.format else fmt,
    )


def simpler(view: View, draft: Draft, simple: str, minutes: Any) -> tuple[Draft, Updates]:
    """One of the three: every knob follows."""
    if simple not in sized.BOUNDS:
        raise BadInput(f"There is no simple recipe {simple!r:.40}")
    draft = draft.change(simple=simple, values={}, minutes=_minutes(minutes))
    return draft, _values(view, draft.recipe)


def taken(view: View, draft: Draft, name: str, minutes: Any) -> tuple[Draft, Updates]:
    """The settings of a recipe that ships."""
    made = recipe.named(name)
    limit = made.max_minutes or _minutes(minutes)
    draft = draft.change(simple="", values=made.change(max_minutes=limit).to_json(), minutes=limit)
    return draft, {view.simple: None, view.minutes: limit} | _values(view, made)


def _minutes(value: Any) -> float:
    return float(Recipe(max_minutes=float(value or 0)).max_minutes)
