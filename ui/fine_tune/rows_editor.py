"""The rows as a table, page by page: one is chosen, edited, relabelled or rejected; each change can be undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.errors import BadInput
from finetune import all_tasks
from finetune.rows.table import TableRow
from ui import html, words
from ui.fine_tune import teacher_view
from ui.fine_tune.state import Draft
from ui.handlers import Updates, area
from ui.html import Html
from ui.views import rows_view

PAGE = 10
CHOICE = """element.addEventListener('click', event => {
  const button = event.target.closest('[data-row]');
  if (button) trigger('click', {row: Number(button.dataset.row)});
});"""


@dataclass(frozen=True)
class View:
    fold: gr.Accordion
    which: gr.Dropdown
    table: gr.HTML
    earlier: gr.Button
    later: gr.Button
    skip: gr.State
    #: version that is on the screen: a change is made to that or refused
    seen: gr.State
    number: gr.Number
    show: gr.Button
    editor: gr.Column
    tokens: gr.HTML
    fields: list[gr.Textbox]
    answer: gr.Textbox
    label: gr.Radio
    save: gr.Button
    reject: gr.Button
    undo: gr.Button

    @property
    def page(self) -> list[Any]:
        return [self.table, self.earlier, self.later, self.skip, self.seen, self.undo]

    @property
    def row(self) -> list[Any]:
        return [self.number, self.editor, self.tokens, *self.fields, self.answer, self.label]

    @property
    def all(self) -> list[Any]:
        return [self.fold, self.which, *self.page, *self.row]

    @property
    def written(self) -> list[Any]:
        return [self.seen, self.number, self.answer, self.label, *self.fields]


def build() -> View:
    most = max(len(task.columns) for task in all_tasks().values())
    with gr.Accordion("Look at the rows and change them", open=False, elem_id="acr-rows-fold") as fold:
        which = gr.Dropdown([("every row", "")], value="", label="Which rows", filterable=False)
        table = gr.HTML("", apply_default_css=False, js_on_load=CHOICE, elem_id="acr-table")
        with gr.Row():
            earlier = gr.Button("Earlier rows", size="sm", min_width=110, interactive=False)
            later = gr.Button("Later rows", size="sm", min_width=110, elem_id="acr-table-later")
            undo = gr.Button("Undo", size="sm", min_width=110, interactive=False, elem_id="acr-undo")
        with gr.Row():
            number = gr.Number(label="Row in line", precision=0, min_width=120, elem_id="acr-row-number")
            show = gr.Button("Show this row and its tokens", min_width=180, elem_id="acr-row-show")
        with gr.Column(visible=False) as editor:
            tokens = area(elem_id="acr-tokens")
            fields = [gr.Textbox(visible=False, lines=3, max_lines=10, elem_id=f"acr-field-{i}") for i in range(most)]
            answer = gr.Textbox(lines=1, max_lines=10, interactive=True, elem_id="acr-answer-field")
            label = gr.Radio([], visible=False, interactive=True, elem_id="acr-label")
            with gr.Row():
                save = gr.Button("Save this row", min_width=120, elem_id="acr-row-save")
                reject = gr.Button("Reject this row", variant="stop", min_width=120, elem_id="acr-row-reject")
    skip, seen = gr.State(0), gr.State(0)
    return View(
        *(fold, which, table, earlier, later, skip, seen, number, show),
        *(editor, tokens, fields, answer, label, save, reject, undo),
    )


def fill(view: View, draft: Draft | None) -> Updates:
    """Closed, with the findings to choose by; rows are read when it is opened."""
    named = [name for name, _ in _findings(draft)] if draft else []
    named += [teacher_view.DOUBT] if draft and draft.taught else []
    return {
        view.which: gr.Dropdown(choices=[("every row", ""), *named], value=""),
        view.editor: gr.Column(visible=False),
    }


def closed(view: View) -> Updates:
    return {view.fold: gr.Accordion(open=False), view.table: "", view.skip: 0}


def _findings(draft: Draft) -> list[tuple[str, list[int]]]:
    """Those with lines, by what the menu says of them."""
    found = (one for one in draft.checked.get("findings", ()) if one["lines"])
    return [(words.short(f"{one['check']}: {one['message']}", 80), one["lines"]) for one in found]


def page(view: View, draft: Draft, which: str, skip: int) -> Updates:
    """One page of the rows, or the first rows of a finding."""
    table = draft.table
    lines, sure = dict(_findings(draft)).get(which), dict[int, str]()
    if which == teacher_view.DOUBT and draft.taught:
        (rows, sure), more, skip = teacher_view.by_doubt(draft), False, 0
    elif lines:
        rows, more, skip = table.rows_at(lines), False, 0
    else:
        rows = table.page(skip, PAGE + 1)
        more, rows = len(rows) > PAGE, rows[:PAGE]
    version = table.version
    undo = f"Undo: {version.what}" if version.parent else "Nothing to undo"
    return {
        view.table: _table(draft, rows, sure),
        view.skip: skip,
        view.seen: version.number,
        view.earlier: gr.Button(interactive=skip > 0),
        view.later: gr.Button(interactive=more),
        view.undo: gr.Button(undo, interactive=version.parent is not None),
    }


def _table(draft: Draft, rows: Sequence[TableRow], sure: Mapping[int, str]) -> Html:
    """`sure` says how sure a teacher was of rows that it labelled."""
    columns = (*draft.task.columns, draft.task.target)
    told = ("line", "teacher", *columns) if sure else ("line", *columns, "problem")
    cells = [
        {column: rows_view.excerpt(row.row.get(column, "")) for column in columns}
        | {"line": _number(row.number), "problem": row.problem or "–", "teacher": sure.get(row.number, "–")}
        for row in rows
    ]
    numbers = [row.number for row in rows]
    where = f"Rows in lines {min(numbers):,} to {max(numbers):,}" if rows else "No row is there"
    version = draft.versions.current
    caption = f"{where}, version {version.number} ({version.what})"
    return html.table(told, [[cell[name] for name in told] for cell in cells], caption)


def _number(number: int) -> Html:
    return html.el("button", f"{number}", type="button", data_row=number, aria_label=f"Show row {number}", cls="acr-go")


def row(view: View, draft: Draft, number: Any, tokens: Html) -> Updates:
    """The fields of one row, filled."""
    found, task = draft.table.row(_line(number)), draft.task
    boxes = [
        gr.Textbox(value=str(found.row.get(column, "")), label=column, visible=True) for column in task.columns
    ] + [gr.Textbox(visible=False)] * (len(view.fields) - len(task.columns))
    answer, choices = str(found.row.get(task.target, "")), list(task.choices)
    return {
        view.number: found.number,
        view.editor: gr.Column(visible=True),
        view.tokens: tokens,
        view.answer: gr.Textbox(value=answer, label=task.target, visible=not choices),
        view.label: gr.Radio(
            choices=choices, value=answer if answer in choices else None, label=task.target, visible=bool(choices)
        ),
        **dict(zip(view.fields, boxes, strict=True)),
    }


def save(draft: Draft, seen: int, number: Any, answer: str, label: str | None, *fields: str) -> None:
    """The row as it stands in the fields; one whose answer alone was changed is relabelled."""
    task, line = draft.task, _line(number)
    table = _as_seen(draft, seen)
    before = table.row(line).row
    target = (label if task.choices else answer) or ""
    values = dict(zip(task.columns, fields, strict=False))
    changed = {name: text for name, text in values.items() if text != str(before.get(name, ""))}
    if changed:
        table.edit(line, changed | {task.target: target})
    elif target != str(before.get(task.target, "")):
        table.relabel([line], target)
    else:
        raise BadInput(f"Row {line} is as it was: nothing to save")


def reject(draft: Draft, seen: int, number: Any, *_: Any) -> None:
    _as_seen(draft, seen).reject([_line(number)])


def undo(draft: Draft, seen: int, *_: Any) -> None:
    draft.versions.undo(seen)


def _as_seen(draft: Draft, seen: int) -> Any:
    table = draft.table
    if table.version.number != seen:
        raise BadInput("These rows were changed in another window: look at them again first")
    return table


def _line(number: Any) -> int:
    if not isinstance(number, int | float) or number != int(number) or number < 1:
        raise BadInput("Which row? Give the number of its line, from 1")
    return int(number)
