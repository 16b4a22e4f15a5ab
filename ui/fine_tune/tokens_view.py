"""One row as its very tokens, those that are learned marked; and the same row as the text of its prompt."""

from finetune.check.lengths import Lengths
from ui import html, words
from ui.fine_tune.state import Draft
from ui.html import Html
from ui.room import Room

#: tokens of a row that are drawn
SHOWN = 1_500
RETURN = "↵"


def tokens(room: Room, draft: Draft, number: int) -> Html:
    """Every token of the row in line `number`, as training sees it."""
    from backends.bases import tokenizer

    limit = draft.recipe.max_length
    counted = Lengths(draft.task, draft.format_on(room.base), tokenizer.load(draft.settings, room.base), limit)
    pieces = counted.tokens_of(draft.task.clean(draft.table.row(number).row))
    learned = sum(trained for _, trained in pieces)
    over = len(pieces) - limit
    said = f"Row {number}: {words.count(len(pieces) - learned, 'token')} are read, {learned:,} are learned (marked)."
    cut = f" It is {words.count(over, 'token')} longer than max_length ({limit}) and left out." if over > 0 else ""
    beyond = f" The first {SHOWN:,} are shown." if len(pieces) > SHOWN else ""
    drawn = (_token(piece, trained) for piece, trained in pieces[:SHOWN])
    return html.join(
        html.sentence(said + cut + beyond),
        html.el("div", *drawn, cls="acr-tokens", tabindex="0", role="region", aria_label=f"Tokens of row {number}"),
    )


def _token(piece: str, trained: bool) -> Html:
    return html.el("mark" if trained else "span", piece.replace("\n", f"{RETURN}\n") or "∅")


def rendered(room: Room, draft: Draft) -> Html:
    """The prompt of the first row that can be used, and its answer, in the chosen format."""
    row = draft.read and next(iter(draft.table.page(0, 1)), None)
    if not row or row.problem:
        return html.sentence("The first row cannot be used: look at the check.")
    clean = draft.task.clean(row.row)
    fmt = draft.format_on(room.base)
    prompt = "".join(segment.text for segment in fmt.prompt(draft.task, clean))
    answer = html.el("mark", draft.task.answer_of(clean), fmt.end or " and the base's end token")
    body = html.el("pre", html.el("code", prompt, answer), cls="acr-code acr-rendered", tabindex="0")
    return html.join(html.sentence(f"Row {row.number} in the format {fmt.name}; what is learned is marked."), body)
