"""Two to four answers beside each other: what differs is marked, each with its receipt, its time and its tokens."""

from collections.abc import Sequence

from backends import catalog
from finetune.ask import Answer
from finetune.compare.differences import Marked, differences
from finetune.compare.side_by_side import Pane, State
from finetune.task import Task
from ui import html, words
from ui.handlers import said
from ui.html import Html
from ui.views import answers

HIDDEN = html.note("No answer came from here. Why, and who it was, is shown with the names.")


def title(pane: Pane) -> str:
    """Who stands in a pane, as it is offered and as it is named."""
    who = f"adapter {pane.adapter}" if pane.adapter else f"{catalog.base_named(pane.base).title} alone"
    return f"{who}, {words.ENGINES[pane.engine]}"


def view(task: Task, panes: Sequence[Pane], states: Sequence[State], hidden: bool) -> Html:
    """All panes as they are now. While names are hidden, nothing is shown that tells one pane from another: no name,
    no time, no receipt, and no text before all have ended.
    """
    ended = sum(state.ended for state in states)
    if hidden and ended < len(states):
        bar = html.progress(f"{ended} of {words.count(len(states), 'answer')} finished", ended / len(states))
        return html.el("div", bar, cls="acr-card")
    given = [state.answer for state in states]
    marked = _marked(given)
    columns = [
        html.el("section", html.el("h3", _head(number, pane, hidden)), _pane(task, state, marks, hidden))
        for number, (pane, state, marks) in enumerate(zip(panes, states, marked, strict=True), 1)
    ]
    return html.join(_sentence(marked), html.el("div", *columns, cls="acr-pair"))


def _head(number: int, pane: Pane, hidden: bool) -> str:
    return f"Answer {number}" if hidden else f"{number}. {title(pane)}"


def _pane(task: Task, state: State, marks: Marked | None, hidden: bool) -> Html:
    if state.error:
        return HIDDEN if hidden else said(state.error)
    if state.answer is None:
        place = state.chunks[-1].waiting if state.chunks else None
        return answers.queued(place) if place else answers.writing(state.text)
    panel, _ = answers.panel(task, state.answer)
    return html.join(panel, word_for_word(marks or []), None if hidden else _facts(state.answer))


def word_for_word(marks: Marked) -> Html:
    """The text as it came, with the words marked that the other answer lacks."""
    text = html.join(*(html.el("mark", piece) if differs else piece for piece, differs in marks))
    return html.el("p", text, cls="acr-words", role="group", aria_label="The answer word for word")


def _facts(answer: Answer) -> Html:
    usage, base = answer.usage, catalog.base_named(answer.receipt.base)
    facts = html.facts(
        [
            ("Seconds", f"{usage.seconds:.2f}"),
            ("First token after", f"{usage.first_token_seconds:.2f} s"),
            ("Tokens", f"{usage.new_tokens:,}"),
            ("Tokens a second", f"{usage.tokens_per_second:.1f}"),
        ]
    )
    return html.join(facts, html.el("p", answers.receipt(answer.receipt, base, usage.seconds), cls="acr-receipt"))


def _marked(given: Sequence[Answer | None]) -> list[Marked | None]:
    """The differences between the answers that are there; those still to come have none."""
    there = [answer.text.strip() for answer in given if answer]
    found = iter(differences(there) if there else [])
    return [next(found) if answer else None for answer in given]


def _sentence(marked: Sequence[Marked | None]) -> Html | None:
    there = [marks for marks in marked if marks is not None]
    if len(there) < len(marked) or len(there) < 2:
        return None
    if not any(differs for marks in there for _, differs in marks):
        return html.sentence("The answers are the same, word for word.")
    return html.sentence(
        "Underlined: in the first answer what another one lacks, in the others what the first one lacks."
    )
