"""An answer in words, and the context that it was given: the sentence closest to it marked, foreign numbers named."""

import re
from typing import Any

from finetune.outputs import environment_answer as answers
from finetune.task import Task
from ui import html
from ui.html import Html, el
from ui.panels import Panel

#: an answer whose best sentence shares less than this with it is not from the context
CLOSE = 0.4
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def show(task: Task, value: Any) -> Html:
    if not value:
        return html.empty("No answer yet", "The answer to your question appears here, in one sentence.")
    return el("div", el("blockquote", str(value), cls="acr-answer-text"), cls="acr-panel acr-passage-panel")


def source(context: str, answer: str) -> Html:
    """The context with the sentence that is closest to the answer, and the answer's numbers that it does not hold."""
    if not context.strip():
        return html.note("No context was given, so there is nothing that the answer could be checked against.")
    sentences = answers.SENTENCE.split(context.strip())
    likeness = [answers.word_f1(sentence, answer) for sentence in sentences]
    close = max(likeness) >= CLOSE
    best = likeness.index(max(likeness)) if close else None
    pieces = (el("mark", text) if i == best else el("span", text) for i, text in enumerate(sentences))
    text = el("p", *(html.join(piece, " ") for piece in pieces), cls="acr-passage")
    said = "Marked: what is closest to the answer." if close else "No sentence of the context is close to the answer."
    return html.join(text, html.sentence(said, "acr-sentence acr-muted acr-small"), _foreign(context, answer))


def _foreign(context: str, answer: str) -> Html | None:
    known = set(NUMBER.findall(context))
    foreign = [number for number in dict.fromkeys(NUMBER.findall(answer)) if number not in known]
    if not foreign:
        return None
    label = f"not in the context: {', '.join(foreign)}"
    return el("p", html.chip(label, "✕", "bad"), " The answer holds a number that the text does not give.")


PANEL = Panel("passage", show)
