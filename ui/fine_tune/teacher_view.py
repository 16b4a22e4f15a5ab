"""Step 2, where rows have no label: a larger model labels them; its labels are a new version, to be looked at first."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import gradio as gr

from backends import catalog
from backends.errors import BadInput, NotFound, Refused
from finetune.rows import teacher
from finetune.rows.table import TableRow
from finetune.rows.teacher import Label, Teacher
from ui import html, words
from ui.fine_tune.state import Draft
from ui.handlers import Updates, area
from ui.html import Html
from ui.room import Room

#: what the menu above the rows calls them
DOUBT = "Labelled by the teacher, least sure first"
SHOWN = 50
ABOUT = (
    f"Each row is asked {teacher.ASKED} times, in the form of the task; what most answers say becomes the label. The "
    "labels are a new version of your rows: look at the least sure ones first, change them, or undo all."
)


@dataclass(frozen=True)
class View:
    box: gr.Column
    said: gr.HTML
    model: gr.Textbox
    ask: gr.Button
    stop: gr.Button

    @property
    def all(self) -> list[Any]:
        return [self.box, self.said, self.ask, self.stop]


def build(room: Room) -> View:
    with gr.Column(visible=False) as box:
        said = area(elem_id="acr-teacher-said")
        with gr.Row():
            model = gr.Textbox(
                room.settings.openai_model or "", label="Model of the server", max_lines=1, elem_id="acr-teacher-model"
            )
            ask = gr.Button("Let it label them", min_width=160, elem_id="acr-teacher")
            stop = gr.Button("Stop", visible=False, min_width=100, elem_id="acr-teacher-stop")
    return View(box, said, model, ask, stop)


def offered(room: Room) -> bool:
    """Its owner pays for each answer, so strangers on a public Space are not offered one."""
    return bool(room.settings.openai_url) and not room.settings.public


def count(room: Room, draft: Draft) -> int:
    """Rows without a label, for the findings; they are not counted where nobody could label them."""
    return sum(1 for _ in teacher.unlabelled(draft.table)) if offered(room) else 0


def fill(view: View, room: Room, draft: Draft | None) -> Updates:
    waiting = draft.checked.get("unlabelled", 0) if draft else 0
    told = draft.taught.get("said", "") if draft else ""
    return {
        view.box: gr.Column(visible=offered(room) and bool(waiting or told)),
        view.said: _said(waiting, told),
        view.ask: gr.Button(visible=bool(waiting), interactive=True),
        view.stop: gr.Button(visible=False),
    }


def _said(waiting: int, told: str) -> Html:
    heading = html.el(
        "strong", f"{words.count(waiting, 'row')} without a label" if waiting else "Labelled by a teacher"
    )
    return html.join(heading, html.sentence(ABOUT), html.note(told, tone="busy") if told else None)


def label(view: View, room: Room, draft: Draft, model: Any) -> Iterator[Updates]:
    """Label every row that has none. Stopped or broken off, what was said until then is kept as a version too."""
    if not offered(room):
        raise Refused("No teacher can be asked here: its owner sets ACR_OPENAI_URL, and not on a public Space")
    table, name = draft.table, _model(model)
    wanted = dict(islice(teacher.unlabelled(table), teacher.MOST))
    if not wanted:
        raise NotFound("Every row that has its inputs has a label already")
    said: list[Label] = []
    begin: Updates = {view.ask: gr.Button(interactive=False), view.stop: gr.Button(visible=True)}
    yield begin | {view.said: html.progress(f"Asking {name}", 0.0)}
    try:
        for one in Teacher(draft.settings, draft.task, name, draft.folder).label(wanted.values()):
            said.append(one)
            bill = teacher.bill(draft.settings, said)
            yield {view.said: html.progress(f"{len(said)} of {len(wanted)} rows: {bill}", len(said) / len(wanted))}
    finally:
        _keep(draft, name, dict(zip(wanted, said, strict=False)))


def _keep(draft: Draft, model: str, said: dict[int, Label]) -> None:
    answers = {number: one.answer for number, one in said.items() if one.answer is not None}
    failed = [f"line {number}: {one.problem}" for number, one in said.items() if one.answer is None]
    if answers:
        draft.table.answer(answers, f"{words.count(len(answers), 'row')} labelled by {model}"[:80])
    unsure = sum(one.agreed < one.asked for one in said.values() if one.answer is not None)
    bill = teacher.bill(draft.settings, said.values())
    told = f"{model}: {bill}. {words.count(unsure, 'label')} not unanimous."
    more = f" Not labelled: {'; '.join(failed[:3])}{' and more' if len(failed) > 3 else ''}." if failed else ""
    draft.change(taught={"model": model, "said": told + more})


def by_doubt(draft: Draft) -> tuple[list[TableRow], dict[int, str]]:
    """The first rows of the teacher that are worth a look, and how sure it was of each."""
    table, labels = draft.table, Teacher(draft.settings, draft.task, draft.taught["model"], draft.folder).labels
    doubtful = teacher.by_doubt(table, labels)[:SHOWN]
    sure = {number: f"{one.agreed} of {one.asked} agree" for number, one in doubtful}
    rows = {row.number: row for row in table.rows_at(list(sure))}
    return [rows[number] for number in sure], sure


def _model(given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise BadInput("Which model? Give the name that the server knows it by")
    return catalog.base_named(catalog.REMOTE + given.strip()).title
