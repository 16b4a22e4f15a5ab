"""The curves of up to four runs in one chart, with a sentence and a table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.errors import NotFound
from finetune.runs.client import RunView
from ui import html, words
from ui.handlers import Updates, area
from ui.html import Html
from ui.runs.look import Look, Parts
from ui.views import curve, plots
from ui.views.curve import Curve

MOST = 4
KINDS = {"Eval loss": "eval", "Train loss, smoothed": "smooth", "Train loss, raw": "raw"}
EMPTY = html.empty(
    "Several curves in one chart",
    "Choose two to four fine-tunes above: their losses are drawn together and the best one is named.",
)

Chosen = list[tuple[str, RunView, Curve]]


@dataclass(frozen=True)
class Overlay:
    fold: gr.Accordion
    runs: gr.Dropdown
    kind: gr.Radio
    said: gr.HTML
    figure: gr.Plot
    table: gr.HTML

    @property
    def all(self) -> list[Any]:
        return list(vars(self).values())


def build() -> Overlay:
    with gr.Accordion("Several runs in one chart", open=False, elem_id="acr-overlay") as fold:
        with gr.Row():
            runs = gr.Dropdown(
                [], label=f"Fine-tunes, up to {MOST}", multiselect=True, max_choices=MOST, scale=3, min_width=260,
                elem_id="acr-overlay-runs",
            )  # fmt: skip
            kind = gr.Radio(list(KINDS.items()), value="eval", label="What is drawn", scale=2, min_width=260)
        said = area(EMPTY, elem_id="acr-overlay-said")
        figure = gr.Plot(label="Losses of several runs", visible=False, elem_id="acr-overlay-plot")
        table = area()
    return Overlay(fold, runs, kind, said, figure, table)


def parts(view: Overlay, look: Look, chosen: list[str], kind: str) -> Parts:
    known = _known(look, chosen)
    drawn = [(run_id, len(curve.train), len(curve.evals)) for run_id, _, curve in known]
    choices = {run.run: label(run) for run in [*look.page, *([look.run] if look.run else [])] if run.kind == "train"}
    choices |= {run_id: label(run) for run_id, run, _ in known}
    still = [run_id for run_id, _, _ in known]

    def offer() -> Updates:
        return {view.runs: gr.update(choices=[(name, run_id) for run_id, name in choices.items()], value=still)}

    return {"choices": (sorted(choices), offer), "overlay": ((kind, drawn), lambda: _draw(view, known, kind))}


def first_two(look: Look) -> list[str]:
    """What is drawn before anybody has chosen: the run that is shown and the newest other one of its task."""
    trained = [run for run in look.page if run.kind == "train"]
    shown = look.run if look.run and look.run.kind == "train" else next(iter(trained), None)
    if shown is None:
        return []
    other = (run.run for run in trained if run.run != shown.run and run.task == shown.task)
    return [shown.run, *list(other)[:1]]


def label(run: RunView) -> str:
    """Runs that were started again have one name: the beginning of the id tells them apart."""
    return f"{run.name} ({run.run[:4]})"


def _known(look: Look, chosen: Sequence[str]) -> Chosen:
    """The chosen runs that are still there, with their curves."""
    found = []
    for run_id in chosen[:MOST]:
        try:
            found.append((run_id, look.room.run(run_id), curve.read(look.room.metrics(run_id))))
        except NotFound:
            continue  # deleted meanwhile
    return found


def _draw(view: Overlay, known: Chosen, kind: str) -> Updates:
    if not known:
        return {view.said: EMPTY, view.figure: gr.Plot(visible=False), view.table: ""}
    named = [(label(run), one) for _, run, one in known]
    return {
        view.said: html.sentence(sentence(named), "acr-lead"),
        view.figure: gr.Plot(plots.overlay_figure(named, kind), visible=True),
        view.table: table(known),
    }


def sentence(named: Sequence[tuple[str, Curve]]) -> str:
    """Which of the curves is the best, and by how much."""
    best = sorted((one.best[1], one.best[0], name) for name, one in named if one.best)
    silent = [name for name, one in named if not one.best]
    without = f" No eval loss yet: {', '.join(silent)}." if silent else ""
    if not best:
        return f"None of these runs has an eval loss yet.{without if len(silent) > 1 else ''}"
    (lowest, step, name), others = best[0], best[1:]
    said = f"The lowest eval loss is {lowest:.3f} at step {step:,.0f} of {name}"
    behind = ", ".join(f"{other} {_above(loss - lowest)}" for loss, _, other in others)
    return f"{said}{f'; {behind}' if behind else ''}. Lower is better.{without}"


def _above(difference: float) -> str:
    return f"is {difference:.3f} above it" if difference >= 0.0005 else "comes as low"


def table(known: Chosen) -> Html:
    heads = ("Run", "State", "Steps", "Best eval loss", "at step", "Last train loss", "Took")
    return html.table(heads, [_row(run, one) for _, run, one in known], "The runs of this chart", numeric=range(2, 7))


def _row(run: RunView, one: Curve) -> list[Any]:
    step, loss = one.best or (None, None)
    took = words.duration(run.seconds) if run.seconds else "–"
    steps = f"{run.step:,}" if run.step is not None else "–"
    status = html.status_chip(run.status)
    return [
        label(run),
        status,
        steps,
        words.number(loss, 3),
        words.number(step, 0),
        words.number(run.train_loss, 3),
        took,
    ]
