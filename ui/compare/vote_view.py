"""The blind vote on the screen: two answers without names, and the result when there are votes enough."""

from typing import Any

from finetune import task_named
from finetune.compare.differences import differences
from finetune.compare.votes import ballots, judge, tally
from finetune.compare.votes.ballots import Ballot, Question
from finetune.compare.votes.pairs import Comparison
from finetune.task import Task, Unreadable
from ui import html, panels, words
from ui.compare import panes_view
from ui.html import Html
from ui.room import Room

EMPTY = html.empty(
    "Which answer would you rather have?",
    "You see the answers of both, without names, on sides that are drawn anew for every row.",
    "Some pairs come again with the sides swapped: that shows how steady a vote is.",
)


def question(comparison: Comparison, asked: Question) -> Html:
    """The input, then both answers; the page is told both names, but not which is which."""
    task = task_named(comparison.task)
    done = html.progress(f"Vote {asked.number + 1} of {asked.total}", asked.number / asked.total)
    marked = differences([asked.left.strip(), asked.right.strip()])
    sides = [
        html.el("section", html.el("h3", side), _panel(task, text), panes_view.word_for_word(marks))
        for side, text, marks in zip(("Left", "Right"), (asked.left, asked.right), marked, strict=True)
    ]
    inputs = (html.join(html.el("h3", f.label), html.code(asked.input[f.column], f.label)) for f in task.inputs)
    between = html.sentence(f"One is {comparison.contestants[0].title}, the other {comparison.contestants[1].title}.")
    return html.join(html.el("div", done, between, *inputs, cls="acr-card"), html.el("div", *sides, cls="acr-pair"))


def _panel(task: Task, text: str) -> Html:
    try:
        return panels.result(task, task.parse(text))
    except Unreadable as problem:
        return panels.refused(str(problem))


def finished(ballot: Ballot) -> Html:
    same = f" In {words.count(ballot.comparison.same, 'row')} both said the same." if ballot.comparison.same else ""
    return html.note(f"You have voted on all {words.count(ballot.total, 'pair')}.{same}", tone="good")


def result(room: Room, ballot: Ballot) -> Html:
    """One sentence and the figures behind it, but not before the voter has seen enough pairs."""
    if missing := ballot.missing():
        return html.sentence(f"The result appears after {words.count(missing, 'more vote', 'more votes')}.")
    poll = ballots.poll(room.settings, ballot.comparison.id)
    own, everybody = tally.tally(poll, ballot.voter), tally.tally(poll)
    judges = judge.summary(room.settings, poll.comparison, tally.settled(poll))
    return html.el(
        "div",
        html.el("p", own["sentence"], cls="acr-lead"),
        html.facts([*_wins(own), *_habits(own)]),
        _others(everybody) if everybody["voters"] > 1 else None,
        *map(_judge, judges),
        cls="acr-card",
    )


def _wins(found: dict[str, Any]) -> list[tuple[str, str]]:
    wins = [(system["title"], _share(found["wins"][system["name"]])) for system in found["systems"]]
    return [*wins, ("Equally good", f"{found['tie']:,}"), ("Both bad", f"{found['both_bad']:,}")]


def _habits(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("The left one chosen", _share(found["side"]["left"])),
        ("Same vote when it came again", _share(found["self_agreement"])),
        ("Void: an answer names its author", f"{found['void']:,}"),
    ]


def _others(found: dict[str, Any]) -> Html:
    said = f"{words.count(found['voters'], 'voter')}: {found['sentence']}"
    return html.sentence(f"{said} Two voters agree in {_agreement(found['between_voters'])}.")


def _judge(found: dict[str, Any]) -> Html:
    agreed = _agreement(found["agreement"])
    return html.sentence(
        f"The judge {found['model']} was asked about {words.count(found['items'], 'pair')} in both orders and had no "
        f"steady verdict in {found['no_verdict']:,}. It agrees with the votes in {agreed}."
    )


def _share(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "–"
    hits = round(figure["value"] * figure["n"])
    return f"{hits:,} of {figure['n']:,} ({100 * figure['low']:.0f} to {100 * figure['high']:.0f} %)"


def _agreement(figure: dict[str, Any]) -> str:
    kappa = "" if figure["kappa"] is None else f", Cohen's kappa {words.number(figure['kappa'])}"
    return _share(figure) + kappa
