"""Step 2: what the data doctor found, in sentences; one click puts right what is safe. Only fatal findings block."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from finetune import examples
from finetune.check import mend
from finetune.check.examine import Report, examine
from finetune.check.finding import Finding
from finetune.recipes import recipe
from ui import html, words
from ui.fine_tune import data, teacher_view
from ui.fine_tune.state import SAMPLE, Draft
from ui.handlers import Updates, area
from ui.html import Html
from ui.room import Room

#: level -> (word, shape, tone)
LEVELS = {
    "fatal": ("stands in the way", "✕", "bad"),
    "warning": ("look at this", "!", "busy"),
    "note": ("good to know", "i", "plain"),
}
WAITING = html.progress("Reading every row as training would read it", None)


@dataclass(frozen=True)
class View:
    findings: gr.HTML
    mend: gr.Button
    again: gr.Button

    @property
    def all(self) -> list[Any]:
        return [self.findings, self.mend, self.again]


def build() -> View:
    findings = area(elem_id="acr-findings")
    with gr.Row():
        mended = gr.Button("Put right what is safe", visible=False, min_width=180, elem_id="acr-mend")
        again = gr.Button("Check again", size="sm", min_width=120, elem_id="acr-check-again")
    return View(findings, mended, again)


def fill(view: View, draft: Draft | None) -> Updates:
    if draft is None or not draft.checked:
        return {view.findings: "", view.mend: gr.Button(visible=False)}
    told = [Finding(**one) for one in draft.checked["findings"]]
    fixes = [finding for finding in told if finding.fix]
    stale = draft.checked["key"] != draft.rows_key
    return {
        view.findings: _view(draft, told, stale),
        view.mend: gr.Button(
            f"Put right what is safe ({words.count(len(fixes), 'finding')})",
            visible=bool(fixes) and not stale,
            variant="secondary" if draft.checked["ok"] else "primary",
        ),
    }


def is_stale(draft: Draft) -> bool:
    return draft.checked.get("key") != draft.rows_key


def checked(room: Room, draft: Draft) -> tuple[Draft, str]:
    """The draft with its findings, and with its rows read anew where they changed."""
    report = _report(room, draft)
    found = {
        "key": draft.rows_key,
        "rows": report.rows,
        "ok": report.ok,
        "findings": [asdict(finding) for finding in report.findings],
        "unlabelled": teacher_view.count(room, draft),
    }
    draft = draft.change(checked=found)
    return (draft, "") if draft.read.get("key") == draft.parts_key else data.look(draft)


def mended(room: Room, draft: Draft) -> list[str]:
    """Make a new version of the rows with all that is safe put right, and say what was done."""
    report, table, told = _report(room, draft), draft.table, []

    def write(path: Path) -> None:
        told.extend(mend.write(table.path, path, draft.task, draft.settings, report))

    draft.versions.add(write, "put right by the check", table.version.number)
    return told


def _report(room: Room, draft: Draft) -> Report:
    table, task = draft.table, draft.task
    held_out = [examples.path_of(task.name, name) for name in ("val", "test")] if draft.origin == SAMPLE else []
    longest = recipe.named(recipe.default_for(task.name)).max_length
    roles = table.version.roles or None
    return examine(table.path, task, draft.settings, room.base, longest, held_out=held_out, roles=roles)


def _view(draft: Draft, findings: Sequence[Finding], stale: bool) -> Html:
    fatal = sum(finding.level == "fatal" for finding in findings)
    rows = words.count(draft.checked["rows"], "row")
    if stale:
        said = html.note(html.el("strong", "The rows were changed since. "), "Check them again.", tone="busy")
    elif fatal:
        many = "one thing stands" if fatal == 1 else f"{fatal} things stand"
        said = html.note(html.el("strong", f"✕ {rows} examined: {many} in the way. "), "Nothing else does.", tone="bad")
    else:
        said = html.note(html.el("strong", f"✓ {rows} examined: nothing stands in the way."), tone="good")
    items = (html.el("li", _finding(finding)) for finding in findings)
    return html.join(said, html.el("ul", *items, cls="acr-findings") if findings else None)


def _finding(finding: Finding) -> Html:
    word, shape, tone = LEVELS[finding.level]
    lines = ", ".join(f"{line:,}" for line in finding.lines)
    more = " and more" if finding.count > len(finding.lines) > 0 else ""
    where = html.el("small", f"Lines {lines}{more}. ") if lines else None
    safe = html.el("small", f"Safe to put right: {finding.fix}.") if finding.fix else None
    return html.join(html.chip(word, shape, tone), html.el("p", finding.message), where, safe)
