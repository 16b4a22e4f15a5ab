"""Pairs of answers to choose between: from the rows of a report or from two panes; and what gives an author away."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from backends import catalog
from backends.errors import BadInput, NotFound
from backends.files import dump_json

#: a name as people write it: "gemma-3-270m" is also "Gemma 3 270M", and its family alone says enough
FAMILY = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True)
class Contestant:
    """Who answers: a system of a report, or a pane. `adapter` is None for a base alone."""

    name: str
    title: str
    base: str
    adapter: str | None = None


@dataclass(frozen=True)
class Pair:
    """One question and the answers of both contestants, by their names."""

    item: str
    input: Mapping[str, str]
    answers: Mapping[str, str]

    @property
    def differs(self) -> bool:
        return len({answer.strip() for answer in self.answers.values()}) > 1


@dataclass(frozen=True)
class Comparison:
    """Two contestants and the pairs in which they differ; `same` counts those in which there is nothing to choose."""

    id: str
    task: str
    contestants: tuple[Contestant, Contestant]
    pairs: tuple[Pair, ...]
    same: int = 0

    @property
    def names(self) -> tuple[str, str]:
        return self.contestants[0].name, self.contestants[1].name


def of_report(report: Mapping[str, Any]) -> Comparison:
    """The candidate against the baseline of a stored report; its id is a digest of what they answered."""
    if not (report.get("candidate") and report.get("baseline")):
        raise BadInput("This report has no two systems to choose between: compare an adapter with the base first")
    names = (str(report["candidate"]), str(report["baseline"]))
    titles = {system["name"]: system["title"] for system in report["systems"]}
    base, adapters = report["base"], report.get("adapters", {})
    contestants = [Contestant(n, titles[n], base, n if n in adapters else None) for n in names]
    both = [row for row in report["rows"] if all(name in row["answers"] for name in names)]
    pairs = sorted((_pair(row, names) for row in both), key=lambda pair: int(pair.item))
    if not pairs:
        raise NotFound("No row of this report was answered by both systems")
    differing = tuple(pair for pair in pairs if pair.differs)
    name = _id(report["task"], [vars(c) for c in contestants], [[p.item, p.input, p.answers] for p in pairs])
    return Comparison(name, report["task"], (contestants[0], contestants[1]), differing, len(pairs) - len(differing))


def of_panes(
    task: str, input: Mapping[str, str], first: tuple[Contestant, str], second: tuple[Contestant, str]
) -> Comparison:
    """One fresh question put to two panes; its id is that of the two contestants, whatever was asked."""
    (a, one), (b, other) = sorted((first, second), key=lambda pane: pane[0].name)
    pair = Pair(_id("q", input, [one, other]), input, {a.name: one, b.name: other})
    return Comparison(_id(task, vars(a), vars(b)), task, (a, b), (pair,))


def _id(kind: str, *told: Any) -> str:
    return f"{kind}-{hashlib.sha256(dump_json(told, sort_keys=True).encode()).hexdigest()[:16]}"


def _pair(row: Mapping[str, Any], names: Iterable[str]) -> Pair:
    return Pair(
        str(row["row"]),
        {column: str(value) for column, value in row["input"].items()},
        {name: row["answers"][name]["answer"] for name in names},
    )


def gives_away(pair: Pair, contestants: Iterable[Contestant]) -> str | None:
    """The name of an adapter, base or model that stands in an answer, or None. One that the question itself holds
    tells nothing about who answered.
    """
    question = "\n".join(pair.input.values())
    for name in sorted(set().union(*map(_names, contestants))):
        if any(_says(answer, name) for answer in pair.answers.values()) and not _says(question, name):
            return name
    return None


def _names(who: Contestant) -> set[str]:
    base = catalog.base_named(who.base)
    model = base.hub_id.rpartition("/")[2]
    family = FAMILY.match(model.lower())
    return {name for name in (who.adapter, base.name, base.title, model, family and family[0]) if name}


def _says(text: str, name: str) -> bool:
    """As whole words, whatever stands between them: "Gemma-3 270M" is "gemma-3-270m"."""
    words = re.findall(r"[a-z]+|\d+", name.lower())
    pattern = r"[\W_]*".join(map(re.escape, words))
    return bool(words) and re.search(rf"(?<![a-z0-9]){pattern}(?![a-z0-9])", text.lower()) is not None
