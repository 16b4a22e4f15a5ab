"""Writes one query and its plan. Both come from the same pieces of work, so the plan is right by construction.

The order of the work is not always that of the text ("Before you plot it, look up .."), one verb can mean any tool
("find"), and asides name tools that are not wanted: neither a word nor a place gives the plan away.
"""

import random
import re
from dataclasses import dataclass

from finetune.generators.pools import Pools
from finetune.outputs.router_grammar import ROUTE_CHARS
from finetune.outputs.router_plan import Step, compact, written

SEARCH, MATH, CODE = "/general-search", "/math", "/code"
#: name -> the tools in order
ROUTES = {
    "search": (SEARCH,),
    "math": (MATH,),
    "code": (CODE,),
    "search>math": (SEARCH, MATH),
    "search>code": (SEARCH, CODE),
    "math>code": (MATH, CODE),
    "code>math": (CODE, MATH),
    "math>search": (MATH, SEARCH),
    "search>math>code": (SEARCH, MATH, CODE),
    "math>search>code": (MATH, SEARCH, CODE),
    "math>code>search": (MATH, CODE, SEARCH),
    "search>math>code>math": (SEARCH, MATH, CODE, MATH),
}
KINDS = {SEARCH: "search", MATH: "math", CODE: "code"}
JOINTS = ("one", "two", "three", "four")
SLOT = re.compile(r"\{([A-Za-z]+)\}")
PLACE = re.compile(r"\{(\d)(\.?)\}|\[(\d)\]")
ARTICLE = re.compile(r"\A(the|an?) ")


@dataclass(frozen=True)
class Work:
    """A piece of work: a verb, what is done, and whether it is said as a question."""

    tool: str
    verb: str
    what: str
    question: bool = False

    @property
    def said(self) -> str:
        return f"{self.verb} {self.what}"

    @property
    def sentence(self) -> str:
        return _capital(self.said) + ("?" if self.question else ".")

    @property
    def step(self) -> Step:
        return Step(self.tool, ARTICLE.sub("", self.what))


class Writer:
    """Draws rows from the words and wordings of one split."""

    def __init__(self, rng: random.Random, words: Pools, wordings: Pools) -> None:
        self.rng, self.words, self.wordings = rng, words, wordings

    def row(self, route: str) -> dict[str, str] | None:
        """A row with this route; None when the drawn pieces are longer than the plan's form allows."""
        tools = ROUTES[route]
        joint = self.rng.choice(self.wordings[JOINTS[len(tools) - 1]])
        places = [int(found[1] or found[3]) for found in PLACE.finditer(joint)]
        works = [self._work(tool, number, f"[{number}]" in joint) for number, tool in enumerate(tools, 1)]
        query = PLACE.sub(lambda place: _said(place, works), joint)
        query, steps = self._as_typed(self._among_asides(query, tools), [work.step for work in works])
        if len(compact({"": [f"{s.tool}({s.argument})" for s in steps]})) - len('{"":[]}') > ROUTE_CHARS[len(tools)]:
            return None
        return {
            "query": query,
            "plan": written([work.verb for work in works], steps),
            "route": route,
            "order": "as said" if places == sorted(places) else "turned round",
        }

    def _work(self, tool: str, number: int, alone: bool) -> Work:
        """Later pieces often go on from an earlier one; only a sentence of its own can be a question."""
        kind = KINDS[tool]
        if number > 1 and self.rng.random() < 0.55:
            return self._drawn(tool, f"{kind}+")
        if alone and self.rng.random() < 0.4:
            return self._drawn(tool, f"{kind}?", question=True)
        return self._drawn(tool, kind)

    def _drawn(self, tool: str, kind: str, question: bool = False) -> Work:
        verbs, what = self.rng.choice(self.wordings[kind]).split(" > ", 1)
        return Work(tool, self.rng.choice(verbs.split("/")), SLOT.sub(self._word, what), question)

    def _word(self, slot: re.Match[str]) -> str:
        match slot[1]:
            case "n":
                return str(self.rng.randint(2, 12))
            case "N":
                return str(self.rng.choice((self.rng.randint(13, 99), self.rng.randint(100, 9999))))
            case "p":
                return str(self.rng.choice((2, 3, 5, 8, 12, 15, 20, 30, 45)))
            case "y":
                return str(self.rng.randint(1900, 2024))
            case name:
                return self.rng.choice(self.words[name])

    def _among_asides(self, query: str, tools: tuple[str, ...]) -> str:
        if self.rng.random() > 0.4:
            return query
        unused = [f"no {kind}" for tool, kind in KINDS.items() if tool not in tools]
        kind = self.rng.choice(unused) if unused and self.rng.random() < 0.45 else "aside"
        aside = SLOT.sub(self._word, self.rng.choice(self.wordings[kind]))
        return f"{aside} {query}" if self.rng.random() < 0.5 else f"{query} {aside}"

    def _as_typed(self, query: str, steps: list[Step]) -> tuple[str, list[Step]]:
        """As people write: often without the last dot, sometimes all in small letters."""
        if query.endswith(".") and self.rng.random() < 0.25:
            query = query[:-1]
        if self.rng.random() < 0.12:
            return query.lower(), [Step(step.tool, step.argument.lower()) for step in steps]
        return query, steps


def _said(place: re.Match[str], works: list[Work]) -> str:
    work = works[int(place[1] or place[3]) - 1]
    if place[3]:
        return work.sentence
    return _capital(work.said) if place[2] else work.said


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
