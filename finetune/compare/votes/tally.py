"""What votes say: wins with intervals and a sign test, side bias, how often voters agree with themselves and others.

A question is counted once: by the voter's first vote on it, with several voters by what most of them chose.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from finetune import stats
from finetune.compare.votes.ballots import BOTH_BAD, LEFT, RIGHT, TIE, Poll, Vote

#: item -> what was preferred there: a contestant's name, a tie or both bad
Choices = Mapping[str, str]


def tally(poll: Poll, voter: str | None = None) -> dict[str, Any]:
    """Everything about a poll, or about one voter in it."""
    votes = poll.votes if voter is None else {voter: poll.votes.get(voter, ())}
    valid = {who: [vote for vote in cast if not vote["void"]] for who, cast in votes.items()}
    firsts = [first_choices(cast) for cast in valid.values()]
    counts = Counter(majority(firsts).values())
    names = [who.name for who in poll.contestants]
    wins = [counts[name] for name in names]
    found = {
        "comparison": poll.comparison,
        "task": poll.task,
        "systems": [{"name": who.name, "title": who.title} for who in poll.contestants],
        "voters": len(votes),
        "votes": sum(map(len, votes.values())),
        "void": sum(bool(vote["void"]) for cast in votes.values() for vote in cast),
        "items": counts.total(),
        "wins": {name: stats.rate(won, sum(wins)).to_json() for name, won in zip(names, wins, strict=True)},
        "tie": counts[TIE],
        "both_bad": counts[BOTH_BAD],
        "sign_test_p": stats.mcnemar(*wins),
        "side": _side([vote for cast in valid.values() for vote in cast]),
        "self_agreement": _with_oneself(valid.values()),
        "between_voters": agreement([pair for a, b in combinations(firsts, 2) for pair in shared(a, b)]),
    }
    return found | {"sentence": sentence(found, "You" if voter else "The voters")}


def settled(poll: Poll) -> dict[str, str]:
    """What was preferred at each question that has a valid vote."""
    return majority(first_choices(vote for vote in cast if not vote["void"]) for cast in poll.votes.values())


def first_choices(votes: Iterable[Vote]) -> dict[str, str]:
    """Each item's first vote; the later ones are its repeats."""
    return {vote["item"]: vote["preferred"] for vote in reversed(list(votes))}


def majority(choices: Iterable[Choices]) -> dict[str, str]:
    """Per item what most voters chose; where no choice leads, the voters are tied."""
    said: dict[str, Counter[str]] = {}
    for one in choices:
        for item, choice in one.items():
            said.setdefault(item, Counter())[choice] += 1
    return {item: _leading(counts) for item, counts in said.items()}


def _leading(counts: Counter[str]) -> str:
    (choice, most), *rest = counts.most_common(2)
    return TIE if rest and rest[0][1] == most else choice


def shared(first: Choices, second: Choices) -> list[tuple[str, str]]:
    """The two choices on every item that both know."""
    return [(first[item], second[item]) for item in first if item in second]


def agreement(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """How often two choices are the same, and Cohen's kappa: the same beyond what their habits alone would give."""
    return stats.rate(sum(a == b for a, b in pairs), len(pairs)).to_json() | {"kappa": kappa(pairs)}


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """1 = always the same, 0 = no more than by chance; None where neither ever chose otherwise."""
    n = len(pairs)
    first, second = (Counter(side) for side in zip(*pairs, strict=True)) if pairs else (Counter(), Counter())
    by_chance = sum(first[choice] * second[choice] for choice in first) / (n * n) if n else 1.0
    if by_chance == 1.0:
        return None
    return round((sum(a == b for a, b in pairs) / n - by_chance) / (1 - by_chance), 6)


def _side(votes: Iterable[Vote]) -> dict[str, Any]:
    """Share of votes for the left among those for one side; sides are drawn, so far from a half is a habit."""
    counts = Counter(vote["choice"] for vote in votes)
    left, right = counts[LEFT], counts[RIGHT]
    return {"left": stats.rate(left, left + right).to_json(), "p": stats.mcnemar(left, right)}


def _with_oneself(voters: Iterable[Sequence[Vote]]) -> dict[str, Any]:
    pairs = []
    for votes in voters:
        first = first_choices(votes)
        seen: set[str] = set()
        for vote in votes:
            if vote["item"] in seen:
                pairs.append((first[vote["item"]], vote["preferred"]))
            seen.add(vote["item"])
    return agreement(pairs)


def sentence(found: Mapping[str, Any], who: str) -> str:
    """The result as one says it aloud."""
    (name, won) = max(found["wins"].items(), key=lambda win: win[1]["value"] or 0.0)
    if not won["n"]:
        return f"{who} preferred neither so far: no vote is for one of the two."
    title = next(system["title"] for system in found["systems"] if system["name"] == name)
    hits = round(won["value"] * won["n"])
    interval = f"95 % interval {100 * won['low']:.0f} to {100 * won['high']:.0f} %"
    if hits * 2 == won["n"]:
        return f"{who} preferred each of the two in {hits} of {won['n']}: no better than a coin toss ({interval})."
    said = f"{who} preferred {title} in {hits} of {won['n']}"
    if won["low"] <= 0.5:
        return f"{said}; the interval includes a coin toss ({interval})."
    return f"{said}; that is more than a coin toss would give ({interval})."
