"""A search query with its operators marked; what is no operator is underlined, with what to write instead."""

from typing import Any

from finetune.outputs import sourcegraph_query as queries
from finetune.outputs.sourcegraph_query import Piece
from finetune.task import Task
from ui import html
from ui.html import Html, el
from ui.panels import Panel

#: colour by what an operator is about; the name in the chip says it too
GROUPS = {
    "where": ("repo", "repogroup", "r", "context", "rev", "fork", "archived", "visibility"),
    "files": ("file", "f", "lang", "language", "l"),
    "who": ("author", "committer", "before", "after", "message"),
    "what": ("type", "select", "content", "patterntype", "case", "count", "timeout"),
}
GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}
UNKNOWN_ADVICE = "Sourcegraph has no such operator: put the text in quotes to search for it"


def show(task: Task, value: Any) -> Html:
    query = str(value)
    pieces = queries.pieces(query)
    if not pieces:
        return html.empty("No query yet", "The query appears here with its operators marked.")
    line = (
        html.join(_glue(before, piece), _piece(piece)) for before, piece in zip([None, *pieces], pieces, strict=False)
    )
    return el("div", el("p", *line, cls="acr-query"), _verdict(query), cls="acr-panel acr-query-panel")


def _glue(before: Piece | None, piece: Piece) -> str:
    """What stands between two pieces, so that copying the line gives the query again."""
    return "" if before is None or before.text == "(" or piece.text == ")" else " "


def _piece(piece: Piece) -> Html:
    if made_up(piece.text):
        return el("mark", piece.text, cls="acr-made-up", title="made up: " + _advice(made_up(piece.text)[0]))
    if piece.kind != "operator":
        return el("span", piece.text, cls=f"acr-{piece.kind}")
    name = el("b", ("-" if piece.negated else "") + piece.operator + ":")
    return el("span", name, piece.value, cls=f"acr-op acr-op-{GROUP_OF[piece.operator]}")


def made_up(text: str) -> list[str]:
    """The operators in this text that are neither in the seed's list nor real filters beside it."""
    known = queries.OPERATORS | queries.UNLISTED
    return [name for name in dict.fromkeys(queries.operators(text)) if name not in known]


def _verdict(query: str) -> Html:
    """The same in words, one line for each operator that does not exist."""
    wrong = made_up(query)
    if not wrong:
        used = bool(queries.operators(query))
        return el("p", html.chip("every operator exists", "✓", "good") if used else html.chip("keywords only", "✓"))
    lines = (el("li", el("code", f"{name}:"), f" → {_advice(name)}") for name in wrong)
    label = "1 made-up operator" if len(wrong) == 1 else f"{len(wrong)} made-up operators"
    return html.join(el("p", html.chip(label, "✕", "bad")), el("ul", *lines, cls="acr-advice"))


def _advice(name: str) -> str:
    return queries.ADVICE.get(name, UNKNOWN_ADVICE)


PANEL = Panel("query", show)
