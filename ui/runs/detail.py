"""The chosen run: its card, its curve as a chart and as a table, the end of its log."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from finetune.runs import client
from finetune.runs.client import RunView
from ui.handlers import Updates, area
from ui.runs import doctor_view
from ui.runs.look import Look, Parts
from ui.views import plots, run_view

#: the address names the run on the screen, so that it can be kept and shared
ADDRESS = """() => requestAnimationFrame(() => {
  const run = document.querySelector('#acr-run [data-run]')?.dataset.run;
  const url = new URL(window.location);
  if (run === (url.searchParams.get('run') ?? undefined)) return;
  if (run) url.searchParams.set('run', run); else url.searchParams.delete('run');
  history.replaceState(null, '', url);
})"""


@dataclass(frozen=True)
class Detail:
    card: gr.HTML
    figure: gr.Plot
    table_fold: gr.Accordion
    table: gr.HTML
    log_fold: gr.Accordion
    log: gr.HTML

    @property
    def all(self) -> list[Any]:
        return list(vars(self).values())


def build(card: gr.HTML) -> Detail:
    """Everything below the card and its buttons."""
    figure = gr.Plot(label="Loss", visible=False, elem_id="acr-loss")
    with gr.Accordion("The curve as a table", open=False, visible=False) as table_fold:
        table = area()
    with gr.Accordion("Log", open=False, visible=False) as log_fold:
        log = area()
    card.change(None, None, None, js=ADDRESS, api_visibility="private")
    return Detail(card, figure, table_fold, table, log_fold, log)


def parts(view: Detail, look: Look) -> Parts:
    run = look.run
    if run is None:
        return {"run": ("", lambda: _nothing(view))}
    numbers = (run.to_json(), run.resumable, run.note, look.place)
    points = (run.run, len(look.curve.train), len(look.curve.evals))
    return {"run": (numbers, lambda: _state(view, look, run)), "curve": (points, lambda: _curve(view, look, run))}


def _nothing(view: Detail) -> Updates:
    hidden = {fold: gr.Accordion(visible=False) for fold in (view.table_fold, view.log_fold)}
    return {view.card: run_view.CHOOSE, view.figure: gr.Plot(visible=False), **hidden}


def _state(view: Detail, look: Look, run: RunView) -> Updates:
    return {
        view.card: run_view.detail(run, look.curve, doctor_view.shown(look.room, run), look.place),
        view.log: run_view.log(client.log_tail(look.room.settings, run.run)),
        view.log_fold: gr.Accordion(visible=True),
    }


def _curve(view: Detail, look: Look, run: RunView) -> Updates:
    drawn = run.kind == "train" and bool(look.curve.train or look.curve.evals)
    figure = gr.Plot(plots.loss_figure(look.curve), visible=True) if drawn else gr.Plot(visible=False)
    return {
        view.figure: figure,
        view.table: run_view.losses_table(look.curve),
        view.table_fold: gr.Accordion(visible=run.kind == "train"),
    }
