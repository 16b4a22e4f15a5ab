"""Entities and how they are related: a picture of the graph and a table of the same facts beside it.

The picture is a tree that grows from the user downwards, one row each, so that it is readable on a narrow screen. A
relationship with someone who stands in the tree already gets a row that points to them.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from finetune.outputs.observer_graph import USER, Graph, key
from finetune.task import Task
from ui import html, words
from ui.html import Html, el
from ui.panels import Panel

WIDTH, ROW, BOX, INDENT, DEEPEST, LETTER = 340, 62, 38, 22, 5, 7.8
WHEN = {"ongoing": "now", "completed": "past", "future": "planned"}
SIGNS = {
    "Person": "●",
    "Organization": "■",
    "Place": "▲",
    "Concept": "◆",
    "Technology": "▣",
    "Role": "★",
    "Temporal": "◔",
}


class Line(NamedTuple):
    """A row of the tree: a name, the relationship that leads there, and the row that it comes from."""

    name: str
    depth: int
    tie: dict[str, Any] | None = None
    above: int = 0
    again: bool = False


def show(task: Task, value: Any) -> Html:
    if not value["entities"] and not value["relationships"]:
        return html.empty("Nothing to remember", "This conversation tells no fact about the user or their people.")
    picture = el("div", _picture(value), cls="acr-graph-box")
    return el("div", el("div", picture, _table(value), cls="acr-pair"), cls="acr-panel acr-graph-panel")


def _picture(graph: Graph) -> Html:
    lines = list(_lines(graph))
    types = {key(entity["name"]): entity["type"] for entity in graph["entities"]}
    told = "; ".join(_said(tie) for tie in graph["relationships"]) or "no relationship"
    listed = ", ".join(f"{entity['name']} ({entity['type']})" for entity in graph["entities"])
    return el(
        "svg",
        el("title", f"Graph of {_counts(graph)}"),
        el("desc", f"{told}. Entities: {listed or 'only the user'}."),
        *(_edge(lines, at) for at, line in enumerate(lines) if line.tie),
        *(_node(line, at, types.get(key(line.name), "Person")) for at, line in enumerate(lines)),
        viewBox=f"0 {_top(0) - 2} {WIDTH} {ROW * len(lines) - _top(0) + 2}",
        role="img",
        cls="acr-graph",
    )


def _counts(graph: Graph) -> str:
    entities = words.count(len(graph["entities"]), "entity", "entities")
    return f"{entities} and {words.count(len(graph['relationships']), 'relationship')}"


def _said(tie: dict[str, Any]) -> str:
    return f"{tie['subject']} {_words(tie)} {tie['object']} ({WHEN[tie['temporal']]})"


def _words(tie: dict[str, Any]) -> str:
    return str(tie["predicate"]).replace("_", " ").lower()


def _lines(graph: Graph) -> Iterator[Line]:
    """The user's tree, then those of the entities that it does not reach, each thing drawn in full once."""
    ties = graph["relationships"]
    led_to = {key(tie["object"]) for tie in ties}
    names = [entity["name"] for entity in graph["entities"]]
    roots = [USER] if any(key(USER) == key(tie["subject"]) for tie in ties) else []
    roots += sorted(names, key=lambda name: key(name) in led_to)
    drawn: set[str] = set()
    count = 0

    def grown(line: Line) -> Iterator[Line]:
        nonlocal count
        at, count = count, count + 1
        seen = key(line.name) in drawn
        yield line._replace(again=seen)
        if not seen:
            drawn.add(key(line.name))
            for tie in ties:
                if key(tie["subject"]) == key(line.name):
                    yield from grown(Line(tie["object"], line.depth + 1, tie, at))

    for root in roots:
        if key(root) not in drawn:
            yield from grown(Line(root, 0))


def _left(line: Line) -> int:
    return 2 + INDENT * min(line.depth, DEEPEST)


def _top(at: int) -> int:
    return ROW * at + ROW - BOX - 2


def _edge(lines: list[Line], at: int) -> Html:
    """From below the box above, down and to the right, with an arrow and its words over the box that it leads to."""
    line = lines[at]
    assert line.tie
    start, left, middle = _left(lines[line.above]) + 9, _left(line), _top(at) + BOX // 2
    path = f"M{start} {_top(line.above) + BOX} V{middle} H{left - 6}"
    head = f"{left - 1},{middle} {left - 8},{middle - 4} {left - 8},{middle + 4}"
    label = f"{_words(line.tie)} · {WHEN[line.tie['temporal']]}"
    return el(
        "g",
        el("path", d=path, cls="acr-tie"),
        el("polygon", points=head, cls="acr-tie-head"),
        el("text", label, x=left + 2, y=_top(at) - 6, cls="acr-tie-words"),
    )


def _node(line: Line, at: int, kind: str) -> Html:
    left, top = _left(line), _top(at)
    room = int((WIDTH - left - 26) / LETTER)
    name = line.name if len(line.name) <= room else line.name[: room - 1] + "…"
    under = "see above" if line.again else f"{SIGNS[kind]} {kind}"
    width = min(WIDTH - left - 2, round(max(len(name), len(under)) * LETTER) + 22)
    return el(
        "g",
        el("rect", x=left, y=top, width=width, height=BOX, rx=9, cls="acr-node" + (" acr-again" if line.again else "")),
        el("text", name, x=left + 10, y=top + 16, cls="acr-node-name"),
        el("text", under, x=left + 10, y=top + 31, cls="acr-node-kind"),
    )


def _table(graph: Graph) -> Html:
    types = {key(entity["name"]): entity["type"] for entity in graph["entities"]}

    def named(name: str) -> Html:
        return html.join(name, el("small", types[key(name)]) if key(name) in types else None)

    rows = [
        (named(tie["subject"]), _words(tie), named(tie["object"]), WHEN[tie["temporal"]])
        for tie in graph["relationships"]
    ]
    tied = {key(tie[end]) for tie in graph["relationships"] for end in ("subject", "object")}
    rows += [(named(e["name"]), "–", "–", "–") for e in graph["entities"] if key(e["name"]) not in tied]
    return html.table(("From", "Relationship", "To", "When"), rows, _counts(graph))


PANEL = Panel("graph", show)
