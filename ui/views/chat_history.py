"""A conversation about one text on Ask: the earlier questions and answers, a button that clears them.

It is kept in the visitor's session on the server. Another text or task begins a new one; the last few turns are read
again with each question, the others are let go.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from backends.base import Chunk
from finetune import ask
from finetune.outputs.environment_chat import TURNS
from finetune.task import Row, Task, Unreadable
from ui import html, words
from ui.handlers import QUIET, area
from ui.html import Html, el
from ui.panels import passage
from ui.views.tasks_form import TaskForm

EMPTY = html.empty(
    "Your conversation appears here",
    f"Ask on about the same text: the last {TURNS} questions and answers are read along.",
)


class Turn(NamedTuple):
    """A question, its answer, and who gave it: None is the base alone."""

    question: str
    answer: str
    who: str | None


@dataclass(frozen=True)
class Conversation:
    """What was said about one text of one task."""

    task: str = ""
    text: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()

    def about(self, task: Task, row: Row) -> "Conversation":
        """This conversation, or a new one where the text or the task is another."""
        text = tuple(row[column] for column in task.columns[1:])
        return self if (self.task, self.text) == (task.name, text) else Conversation(task.name, text)

    def asking(self, task: Task, row: Row) -> Row:
        """The row as it is asked: with the turns before it, where the task has conversations."""
        turns = self.about(task, row).turns
        return task.chat(row, [(turn.question, turn.answer) for turn in turns]) if task.chat and turns else row

    def after(self, task: Task, row: Row, chunks: Sequence[Chunk], who: str | None) -> "Conversation":
        """With one turn more; an answer that cannot be read is none."""
        known = self.about(task, row)
        try:
            turn = Turn(row[task.columns[0]].strip(), str(ask.read(task, ask.collect(chunks))), who)
        except Unreadable:
            return known
        return Conversation(known.task, known.text, (*known.turns, turn)[-TURNS:])


class ChatHistory:
    """Draws the conversation, there only for the tasks that have one. `said` goes to a handler of the tab."""

    def __init__(self, form: TaskForm) -> None:
        self.said = gr.State(Conversation())
        with gr.Column(visible=form.tasks[0].chat is not None) as group:
            self.shown = area(EMPTY, elem_id="acr-conversation")
            self.clear = gr.Button(
                "Clear the conversation", size="sm", interactive=False, min_width=180, elem_id="acr-conversation-clear"
            )
        self.clear.click(lambda: (Conversation(), *_drawn(Conversation())), None, self.outputs, **QUIET)
        with_chat = {task.name for task in form.tasks if task.chat}
        form.chosen.input(lambda name: gr.Column(visible=name in with_chat), form.chosen, group, **QUIET)

    @property
    def outputs(self) -> list[Any]:
        return [self.said, self.shown, self.clear]

    def updates(self, conversation: Conversation) -> dict[Any, Any]:
        return dict(zip(self.outputs, (conversation, *_drawn(conversation)), strict=True))


def heard(chunks: Iterable[Chunk], into: list[Chunk]) -> Iterator[Chunk]:
    """The chunks of an answer, kept while they pass."""
    for chunk in chunks:
        into.append(chunk)
        yield chunk


def _drawn(conversation: Conversation) -> tuple[Html, gr.Button]:
    return drawn(conversation), gr.Button(interactive=bool(conversation.turns))


def drawn(conversation: Conversation) -> Html:
    """The turns in order, then the text with the place that the last answer is closest to."""
    if not conversation.turns:
        return EMPTY
    turns = conversation.turns
    title = f"Conversation: {words.count(len(turns), 'question')}"
    limit = f"The last {TURNS} are read along with the next question."
    context = html.folded("The context and where the last answer comes from", _source(conversation), opened=True)
    listed = el("ol", *map(_turn, turns), cls="acr-turns")
    return el("div", el("h3", title), html.sentence(limit, "acr-sentence acr-muted"), listed, context, cls="acr-card")


def _turn(turn: Turn) -> Html:
    who = f"adapter {turn.who}" if turn.who else "the base alone"
    asked = el("p", el("strong", "You: "), turn.question)
    return el("li", asked, el("p", el("strong", f"Answer, by {who}: "), turn.answer))


def _source(conversation: Conversation) -> Html:
    return passage.source(" ".join(conversation.text), conversation.turns[-1].answer)
