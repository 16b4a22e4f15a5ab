"""The only place that makes HTML from data. Everything that is not `Html` already is escaped, so text of a
model, a file or a person can never become markup.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from ui import words


class Html(str):
    """Markup made here. Joining or formatting it gives a plain `str` again, which is escaped once more."""


Content = Html | str | int | float | None
VOID = frozenset({"br", "col", "hr"})


def el(name: str, *children: Content, **attributes: Any) -> Html:
    """An element: `el("p", text, cls="note")`; `aria_label` is aria-label. None and False are left out."""
    shown = {key: value for key, value in attributes.items() if value not in (None, False)}
    tags = "".join(f' {_attribute(key)}="{escape(str(value), quote=True)}"' for key, value in shown.items())
    if name in VOID and not children:
        return Html(f"<{name}{tags}>")
    return Html(f"<{name}{tags}>{join(*children)}</{name}>")


def _attribute(key: str) -> str:
    return {"cls": "class", "for_": "for"}.get(key, key.replace("_", "-"))


def join(*children: Content) -> Html:
    """Pieces one after the other; text is escaped, None is nothing."""
    return Html("".join(c if isinstance(c, Html) else escape(str(c)) for c in children if c is not None))


def sentence(text: Content, cls: str = "acr-sentence") -> Html:
    return el("p", text, cls=cls)


def chip(word: str, shape: str = "", tone: str = "plain") -> Html:
    """A word with a shape before it; colour (tone: good, bad, busy, plain) repeats what the word says."""
    mark = el("span", shape, aria_hidden="true", cls="acr-shape") if shape else None
    return el("span", mark, word, cls=f"acr-chip acr-{tone}")


TONES = {
    "succeeded": "good",
    "failed": "bad",
    "lost": "bad",
    "running": "busy",
    "starting": "busy",
    "cancelling": "busy",
}


def status_chip(status: str) -> Html:
    word, shape = words.STATUS.get(status, (status, "?"))
    return chip(word, shape, TONES.get(status, "plain"))


def table(headers: Sequence[str], rows: Iterable[Sequence[Content]], caption: str, numeric: Sequence[int] = ()) -> Html:
    """A real table with a caption; it scrolls inside its own box when the screen is narrow."""
    head = el("tr", *(el("th", h, scope="col", cls=_cell(i, numeric)) for i, h in enumerate(headers)))
    body = (el("tr", *(el("td", c, cls=_cell(i, numeric)) for i, c in enumerate(row))) for row in rows)
    whole = el("table", el("caption", caption), el("thead", head), el("tbody", *body))
    return el("div", whole, cls="acr-table", tabindex="0", role="region", aria_label=caption)


def _cell(column: int, numeric: Sequence[int]) -> str | None:
    return "acr-num" if column in numeric else None


def progress(what: str, fraction: float | None) -> Html:
    """A progress bar with its words; without a fraction it only says that something happens."""
    if fraction is None:
        bar = el("progress", aria_label=what)
    else:
        bar = el("progress", max="1", value=f"{min(max(fraction, 0), 1):.3f}", aria_label=what)
    return el("div", el("p", what), bar, cls="acr-progress")


def problem(text: str) -> Html:
    """What went wrong, visibly and for as long as it matters."""
    return el("div", el("strong", "✕ "), text, cls="acr-note acr-bad")


def note(*content: Content, tone: str = "plain") -> Html:
    return el("div", *content, cls=f"acr-note acr-{tone}")


def empty(title: str, *lines: Content) -> Html:
    """An empty place that says what will appear in it and how."""
    return el("div", el("h3", title), *(el("p", line) for line in lines), cls="acr-empty")


def code(text: str, label: str) -> Html:
    return el("pre", el("code", text), cls="acr-code", tabindex="0", role="region", aria_label=label)


def folded(title: str, *content: Content, opened: bool = False) -> Html:
    return el("details", el("summary", title), *content, open="open" if opened else None)


def link(text: str, url: str) -> Html:
    """A link out of the page; only https, so that no address can be a script."""
    if not url.startswith("https://"):
        return el("span", text)
    return el("a", text, href=url, target="_blank", rel="noopener noreferrer")


def facts(pairs: Iterable[tuple[str, Content]]) -> Html:
    """Names and values side by side."""
    return el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in pairs), cls="acr-facts")
