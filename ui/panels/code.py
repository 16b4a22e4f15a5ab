"""A Python function: the code coloured as an editor would, what is said about it apart, what it defines."""

import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from typing import Any

from finetune.outputs import python_code
from finetune.task import Task
from ui import html
from ui.html import Html, el
from ui.panels import Panel

CLASSES = {tokenize.STRING: "acr-py-text", tokenize.NUMBER: "acr-py-number", tokenize.COMMENT: "acr-py-comment"}


def show(task: Task, value: Any) -> Html:
    code, explanation = value["code"], value["explanation"]
    if not code.strip():
        return html.empty("No function yet", "The function appears here, ready to be copied.")
    block = el("pre", el("code", *_coloured(code)), cls="acr-code", tabindex="0", role="region", aria_label="Python")
    said = el("p", el("strong", "In words: "), explanation) if explanation else None
    return el("div", _heads(code), block, said, cls="acr-panel acr-python-panel")


def _heads(code: str) -> Html:
    """What a caller can use, with its parameters."""
    defined = python_code.functions(python_code.parsed(code))
    heads = (html.chip(f"{name}({parameters})", "✓", "good") for name, parameters in defined.items())
    return el("p", "Defines ", *(piece for head in heads for piece in (head, " ")))


def _coloured(code: str) -> Iterator[Html | str]:
    """The text letter by letter as it is, with keywords, texts, numbers and comments marked."""
    starts = [0, *(found.end() for found in re.finditer("\n", code))]
    done = 0
    for token in _tokens(code):
        kind = "acr-py-word" if keyword.iskeyword(token.string) else CLASSES.get(token.type)
        if not kind:
            continue
        begin, end = (starts[line - 1] + column for line, column in (token.start, token.end))
        yield code[done:begin]
        yield el("span", code[begin:end], cls=kind)
        done = end
    yield code[done:]


def _tokens(code: str) -> list[tokenize.TokenInfo]:
    """Nothing where the tokenizer gives up on what the parser takes."""
    try:
        return list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, IndentationError):
        return []


PANEL = Panel("code", show)
