"""The rows of a comparison on the page: chosen by verdict, kind and text, in pages, taken away as CSV or JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from backends.lora.adapter_zip import fresh_folder
from finetune.compare import chosen_rows, exchange
from ui import words
from ui.handlers import QUIET, Updates, area, speaks_in
from ui.html import Html
from ui.room import Room
from ui.runs import download
from ui.views import report_view, reports

PAGE = 20
ALL = ("all", "")
#: between the two halves of a slice in the value of a menu
BETWEEN = "\x1f"


@dataclass(frozen=True)
class RowsFilter:
    verdict: gr.Dropdown
    kind: gr.Dropdown
    text: gr.Textbox
    table: gr.HTML
    skip: gr.State
    earlier: gr.Button
    later: gr.Button
    csv: gr.Button
    json: gr.Button

    @property
    def shown(self) -> list[Any]:
        """What changes with the rows on the screen."""
        return [self.table, self.skip, self.earlier, self.later]

    @property
    def all(self) -> list[Any]:
        return [self.verdict, self.kind, self.text, *self.shown]

    @property
    def chosen(self) -> list[Any]:
        return [self.verdict, self.kind, self.text]


def build() -> RowsFilter:
    with gr.Row():
        menu = [ALL, *((word, name) for name, (word, _) in words.VERDICTS.items())]
        verdict = gr.Dropdown(menu, value="", label="Verdict", filterable=False, min_width=150)
        kind = gr.Dropdown([ALL], value="", label="Kind of row", filterable=False, min_width=150)
        text = gr.Textbox(label="With this text", placeholder="in the input or an answer", max_lines=1, min_width=150)
    table = area(elem_id="acr-rows")
    with gr.Row():
        earlier = gr.Button("Worse rows", size="sm", min_width=120, interactive=False)
        later = gr.Button("Better rows", size="sm", min_width=120, elem_id="acr-rows-later")
        csv = gr.Button("These rows as CSV", size="sm", min_width=140, elem_id="acr-rows-csv")
        json = gr.Button("These rows as JSON", size="sm", min_width=140, elem_id="acr-rows-json")
    return RowsFilter(verdict, kind, text, table, gr.State(0), earlier, later, csv, json)


def wire(view: RowsFilter, room: Room, asked: list[Any], message: gr.HTML) -> None:
    """`asked` are the components that name the report (ui/views/reports.py)."""

    @speaks_in(message, clear=False)
    def choose(*values: Any) -> Updates | None:
        return turn(0, *values)

    def turn(skip: int, *values: Any) -> Updates | None:
        report = reports.chosen(room, *values[:-3])
        return _drawn(view, report, skip, *values[-3:]) if report else None

    def turned(by: int) -> Any:
        @speaks_in(message, clear=False)
        def go(skip: int, *values: Any) -> Updates | None:
            return turn(max(0, skip + by), *values)

        return go

    def taken(kind: str) -> Any:
        def make(*values: Any) -> Path:
            report = reports.needed(room, *values[:-4])
            return _file(report | {"rows": _rows(report, *values[-4:-1])}, kind)

        return make

    inputs = [*asked, *view.chosen]
    gr.on(
        [view.verdict.input, view.kind.input, view.text.input],
        choose,
        inputs,
        [*view.shown, message],
        trigger_mode="always_last",
        **QUIET,
    )
    for button, by in ((view.earlier, -PAGE), (view.later, PAGE)):
        button.click(turned(by), [view.skip, *inputs], [*view.shown, message], **QUIET)
    for button, kind in ((view.csv, "csv"), (view.json, "json")):
        download.on_click(button, taken(kind), inputs, message)


def fresh(view: RowsFilter, report: dict[str, Any]) -> Updates:
    """For another report: nothing chosen out, its own kinds of rows to choose by."""
    kinds = [(f"{by}: {value}", f"{by}{BETWEEN}{value}") for by, value in chosen_rows.kinds(report)]
    unset = {view.verdict: "", view.kind: gr.Dropdown(choices=[ALL, *kinds], value=""), view.text: ""}
    return unset | _drawn(view, report, 0, "", "", "")


def _drawn(view: RowsFilter, report: dict[str, Any], skip: int, *chosen: str) -> Updates:
    rows = _rows(report, *chosen)
    skip = skip if skip < len(rows) else 0
    return {
        view.table: page_of(report, rows, skip),
        view.skip: skip,
        view.earlier: gr.Button(interactive=skip > 0),
        view.later: gr.Button(interactive=skip + PAGE < len(rows)),
    }


def page_of(report: dict[str, Any], rows: Sequence[dict[str, Any]], skip: int) -> Html:
    """The rows on one page, and where they stand among all."""
    here = rows[skip : skip + PAGE]
    where = f"Rows {skip + 1:,} to {skip + len(here):,} of {len(rows):,}, worst first"
    return report_view.rows_table(report, here, where if rows else "No row is like that")


def _rows(report: dict[str, Any], verdict: str, kind: str, text: str) -> list[dict[str, Any]]:
    by, _, value = (kind or "").partition(BETWEEN)
    return chosen_rows.chosen(report, verdict or None, (by, value) if by else None, text or "")


def _file(report: dict[str, Any], kind: str) -> Path:
    path = fresh_folder() / f"{report['task']}-rows.{kind}"
    path.write_text(exchange.WRITERS[kind](report), encoding="utf-8")
    return path
