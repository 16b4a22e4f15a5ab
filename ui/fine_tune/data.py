"""Step 1: where the rows come from, which column is what, how they are parted; and what was read."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import gradio as gr

from backends.errors import AppError, BadInput
from finetune import all_tasks, task_named
from finetune.check import chats
from finetune.rows import parts, row_files
from finetune.rows.parts import Shares
from finetune.task import Task
from ui import html, words
from ui.fine_tune import prepared, sources
from ui.fine_tune.state import ENDINGS, FILE, HUB, PASTED, SAMPLE, Draft
from ui.handlers import Updates, area
from ui.html import Html
from ui.room import Room
from ui.views import rows_view

ORIGINS = {
    SAMPLE: "The sample set",
    FILE: "My own file",
    PASTED: "Pasted text",
    HUB: "A dataset on the Hub",
}
#: columns of which the role can be changed; a file with more shows those that have one first
COLUMNS = 12
BESIDE = "kept beside"


@dataclass(frozen=True)
class View:
    task: gr.Dropdown
    origin: gr.Radio
    boxes: dict[str, gr.Column]
    sample: gr.Button
    upload: gr.File
    text: gr.Textbox
    use_text: gr.Button
    hub: list[Any]
    fetch: gr.Button
    read: gr.HTML
    roles_fold: gr.Accordion
    examples: gr.HTML
    roles: list[gr.Dropdown]
    parts_fold: gr.Accordion
    shares: list[Any]
    part: gr.Button
    take_test: gr.Button

    @property
    def all(self) -> list[Any]:
        single = [self.task, self.origin, *self.boxes.values(), self.sample, self.upload, self.read]
        return [*single, self.roles_fold, self.examples, *self.roles, self.parts_fold, *self.shares, self.take_test]


def build(room: Room) -> View:
    known = list(all_tasks().values())
    with gr.Row():
        with gr.Column(scale=5, min_width=280):
            choices = [(task.title, task.name) for task in known]
            task = gr.Dropdown(choices, value=known[0].name, label="Task", info=known[0].summary, filterable=False)
            origin = gr.Radio([(word, key) for key, word in ORIGINS.items()], value=SAMPLE, label="Rows to learn from")
            boxes, inputs = _boxes(room)
        with gr.Column(scale=6, min_width=280):
            read = area(_nothing(known[0]), elem_id="acr-read")
            with gr.Accordion("What each column is", open=False, visible=False, elem_id="acr-roles") as roles_fold:
                seen = area()
                roles = [
                    gr.Dropdown([], label="column", visible=False, filterable=False, elem_id=f"acr-role-{number}")
                    for number in range(COLUMNS)
                ]
            with gr.Accordion("How the rows are parted", open=False, visible=False, elem_id="acr-parts") as parts_fold:
                shares, part, take_test = _shares()
    return View(task, origin, boxes, *inputs, read, roles_fold, seen, roles, parts_fold, shares, part, take_test)


def _boxes(room: Room) -> tuple[dict[str, gr.Column], list[Any]]:
    """A box of controls for each origin, of which one is to be seen."""
    most = room.settings.max_upload >> 20
    with gr.Column(elem_id="acr-from-sample") as from_sample:
        area(html.sentence("Made for this task, checked, with its own held-out rows: good for a first look."))
        sample = gr.Button("Start with the sample set", variant="primary", elem_id="acr-sample")
    with gr.Column(visible=False) as from_file:
        label = f"JSONL, JSON, CSV, TSV, Parquet or text, up to {most} MB"
        upload = gr.File(label=label, file_types=list(ENDINGS), height=150, elem_id="acr-upload")
    with gr.Column(visible=False) as from_text:
        info = "JSON lines, cells copied from a spreadsheet, CSV with a header, or lines with Q: and A:"
        text = gr.Textbox(label="Rows as text", info=info, lines=8, max_lines=16, elem_id="acr-pasted")
        use_text = gr.Button("Read this text", elem_id="acr-use-text")
    with gr.Column(visible=False) as from_hub:
        hub = [
            gr.Textbox(label="Dataset", placeholder="owner/name", max_lines=1, elem_id="acr-hub"),
            gr.Textbox(label="Configuration", placeholder="the dataset's own", max_lines=1),
            gr.Textbox(label="Split", value="train", max_lines=1),
            gr.Number(label="Rows at most", value=sources.CAP, precision=0),
        ]
        fetch = gr.Button("Fetch these rows", elem_id="acr-fetch")
    boxes = dict(zip(ORIGINS, (from_sample, from_file, from_text, from_hub), strict=True))
    return boxes, [sample, upload, text, use_text, hub, fetch]


def _shares() -> tuple[list[Any], gr.Button, gr.Button]:
    even = Shares()
    with gr.Row():
        val = gr.Number(label="To validate with, %", value=round(100 * even.val), min_width=120, elem_id="acr-val")
        test = gr.Number(label="To test with later, %", value=round(100 * even.test), min_width=120, elem_id="acr-test")
        seed = gr.Number(label="Seed", value=even.seed, precision=0, min_width=120)
    together = "Rows with one value of this column stay in one part, such as all rows of one author."
    group = gr.Dropdown([("nothing", "")], value="", label="Keep together by", info=together, filterable=False)
    part = gr.Button("Part the rows like this", elem_id="acr-part")
    take_test = gr.Button("Take the test rows", visible=False, elem_id="acr-take-test")
    return [val, test, seed, group], part, take_test


def fill(view: View, draft: Draft | None, task: Task | None = None) -> Updates:
    """Everything of this step for a draft, from what it remembers: no row is read for it."""
    if draft is None:
        return _empty(view, task or task_named(next(iter(all_tasks()))))
    boxes = {box: gr.Column(visible=key == draft.origin) for key, box in view.boxes.items()}
    shares, own = draft.shares, draft.origin != SAMPLE
    beside = [("nothing", ""), *((name, name) for name in draft.read.get("beside", ()))]
    values = (round(100 * shares.val, 2), round(100 * shares.test, 2), shares.seed)
    return {
        view.task: gr.Dropdown(value=draft.task_name, info=draft.task.summary),
        view.origin: draft.origin,
        view.sample: gr.Button(variant="secondary"),
        view.read: _summary(draft),
        view.roles_fold: gr.Accordion(visible=bool(draft.columns)),
        view.examples: _examples(draft),
        view.parts_fold: gr.Accordion(visible=own),
        view.take_test: gr.Button(visible=own and bool(draft.read.get("counts", {}).get("test"))),
        view.shares[3]: gr.Dropdown(choices=beside, value=shares.group if (shares.group,) * 2 in beside else ""),
        **boxes,
        **dict(zip(view.shares, values, strict=False)),
        **dict(zip(view.roles, _roles(draft), strict=True)),
    }


def _empty(view: View, task: Task) -> Updates:
    folds = {fold: gr.Accordion(visible=False) for fold in (view.roles_fold, view.parts_fold)}
    first = {view.task: gr.Dropdown(value=task.name, info=task.summary), view.read: _nothing(task), view.upload: None}
    return folds | first | {view.sample: gr.Button(variant="primary")}


def _roles(draft: Draft) -> list[Any]:
    names = [(BESIDE, ""), *((name, name) for name in (*draft.task.columns, draft.task.target))]
    shown = [
        gr.Dropdown(choices=names, value=one["role"], label=f"Column {one['column']}", info=one["why"], visible=True)
        for one in draft.columns
    ]
    return shown + [gr.Dropdown(visible=False)] * (COLUMNS - len(shown))


def look(draft: Draft) -> tuple[Draft, str]:
    """The draft with what was read of its rows, or with the problem that a person must be told."""
    before = [one["column"] for one in draft.columns]
    draft = draft.change(columns=[], read={})
    try:
        draft = draft.change(columns=_columns(draft, before))
        return _read(draft), ""
    except AppError as problem:
        return draft, str(problem)


def _read(draft: Draft) -> Draft:
    made = prepared.prepared(draft)
    counts = {"train": len(made.train), "val": len(made.val), "test": len(made.test)}
    read = {
        "key": draft.parts_key,
        "counts": counts,
        "labels": rows_view.labels(draft.task, made.train),
        "first": rows_view.first_cells(draft.task, made.train),
        "beside": parts.columns(made.train, draft.task)[:50],
    }
    return draft.change(read=read)


def _columns(draft: Draft, before: list[str]) -> list[dict[str, str]]:
    """The columns with their roles, those that have one first; but none leaves the place that it had `before`, because
    a person's next choice may be on its way already."""
    table = draft.table
    found, sample = table.reading, _first_row(draft)
    shown = [
        {
            "column": guess.column,
            "role": found.roles.get(guess.column, "") if found.roles else guess.role,
            "why": f"{guess.role}, {guess.confidence:.0%} sure: {guess.why}" if guess.role else guess.why,
            "example": words.short(str(sample.get(guess.column, ""))),
        }
        for guess in found.guesses
    ]
    place = {column: number for number, column in enumerate(before)}
    return sorted(shown, key=lambda one: (place.get(one["column"], len(place)), not one["role"]))[:COLUMNS]


def _examples(draft: Draft) -> Html:
    """Values stand here and not in the menus' help, which Gradio reads as Markdown."""
    cells = [[one["column"], rows_view.excerpt(one["example"])] for one in draft.columns]
    return html.table(("column", "in the first row"), cells, "The columns of the file") if cells else html.Html("")


def _first_row(draft: Draft) -> dict[str, Any]:
    for line in islice(row_files.lines(draft.table.path, draft.settings), 1):
        try:
            return chats.flat(line.row or {})
        except BadInput:
            return dict(line.row or {})
    return {}


def with_roles(draft: Draft, roles: tuple[str, ...]) -> tuple[Draft, str]:
    """The roles that a person chose, one for each column that is shown."""
    chosen = {one["column"]: role for one, role in zip(draft.columns, roles, strict=False) if role}
    draft.versions.read_as(chosen)
    return look(draft)


def with_shares(draft: Draft, val: Any, test: Any, seed: Any, group: str) -> tuple[Draft, str]:
    if None in (val, test, seed):
        raise BadInput("A share and the seed need a number")
    return look(draft.change(shares=Shares(val / 100, test / 100, int(seed), group or "")))


def _summary(draft: Draft) -> Html:
    if not draft.read:
        return html.empty(
            f"{draft.title} cannot be trained on yet",
            "Look at what each column is, or go on: the check names every row that stands in the way.",
        )
    task, counts = draft.task, draft.read["counts"]
    return rows_view.summary(task, draft.title, counts, draft.read["labels"], draft.read["first"])


def _nothing(task: Task) -> Html:
    return html.empty(
        "Your rows appear here",
        f"A training needs {', '.join(task.columns)} and {task.target}. Other names are fine: columns are recognised "
        "by words and values, and one click changes what they are.",
        "Nothing starts before you press Start in the last step.",
    )
