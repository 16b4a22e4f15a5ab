"""One answer on the screen: text while it comes, then the typed panel, the receipt, the raw text folded."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from backends import adapters
from backends.base import AnswerReceipt, Chunk, Waiting
from backends.catalog import Base
from backends.errors import AppError
from finetune import ask
from finetune.ask import Answer
from finetune.scoring import proof
from finetune.task import Task, Unreadable
from ui import html, panels, words
from ui.html import Html
from ui.room import Room

#: the page is redrawn at most this often while text streams
REDRAW = 0.06


def streamed(task: Task, base: Base, chunks: Iterable[Chunk]) -> Iterator[Html]:
    """Every state of the answer area, the finished one last. Closing this stops the engine."""
    seen: list[Chunk] = []
    drawn = 0.0
    for chunk in chunks:
        if chunk.waiting:
            yield queued(chunk.waiting)
            continue
        seen.append(chunk)
        if time.monotonic() - drawn > REDRAW:
            drawn = time.monotonic()
            yield writing("".join(c.text for c in seen))
    yield finished(task, base, ask.collect(seen))


def preparing(state: dict[str, Any]) -> Html:
    """The base is not ready yet: the question waits and the page says for what."""
    bar = html.progress(f"Preparing the base first: {state['what']}", state.get("fraction"))
    return html.el("div", bar, cls="acr-card")


def queued(place: Waiting) -> Html:
    """Others are answered first: the place, and how long it takes about."""
    about = f", about {words.duration(place.seconds)}" if place.seconds is not None else ""
    who = "you are the next one" if place.place == 1 else f"number {place.place} of {place.of}"
    bar = html.progress(f"Others are being answered just now: {who}{about}", None)
    return html.el("div", bar, cls="acr-card")


def writing(text: str) -> Html:
    shown = html.code(text, "The answer so far") if text else None
    return html.el("div", html.progress("Answering", None), shown, cls="acr-card")


def finished(task: Task, base: Base, answer: Answer) -> Html:
    """The panel, who answered, and the text as it came."""
    shown, refused = panel(task, answer)
    raw = html.folded("Raw answer", html.code(answer.text, "Raw answer"), opened=refused)
    return html.join(shown, html.el("p", receipt(answer.receipt, base, answer.usage.seconds), cls="acr-receipt"), raw)


def panel(task: Task, answer: Answer) -> tuple[Html, bool]:
    """The panel for what the parser read, or what it refused and True; never a mended value."""
    try:
        return panels.result(task, ask.read(task, answer), answer.probabilities), False
    except Unreadable as problem:
        return panels.refused(str(problem)), True


def doubts(room: Room, name: str | None, engine: str = "llama_cpp") -> Html | None:
    """What the engine's measurement says against an adapter that answered, in red; None when it does its work.

    The first time it takes some seconds, so ask when the answer is already shown.
    """
    if name is None:
        return None
    try:
        found = adapters.find(room.settings, name)
        said = proof.problems(proof.effect(room.engine, room.settings, found, engine))
    except AppError as error:
        said = [str(error)]
    return html.join(*(html.problem(text) for text in said)) if said else None


def receipt(given: AnswerReceipt, base: Base, seconds: float) -> str:
    """Who answered, as the engine reports it for this very answer."""
    engine = words.ENGINES.get(given.engine, given.engine)
    if given.adapter is None:
        who = f"the base alone ({base.title if given.base == base.name else given.base}), adapter off"
    else:
        who = f"adapter {given.adapter} ({(given.sha256 or 'no digest')[:8]}), scale {given.scale:.1f}"
    note = f"; {given.note}" if given.note else ""
    return f"Answered by {who}, engine {engine}; {words.duration(seconds)}{note}"
