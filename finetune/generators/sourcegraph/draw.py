"""Drawing: one split's wordings and names behind one random source, and the clause that everything becomes."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from finetune.generators.sourcegraph.names import Names
from finetune.generators.sourcegraph.words import Words

SLOT = re.compile(r"\{(\w)\}")
START = "\0"  # stands before a filled slot, so that a name at the beginning is never capitalised


@dataclass(frozen=True)
class Clause:
    """Words of the request and the items that they ask for."""

    said: str = ""
    items: tuple[str, ...] = ()
    #: the sentence needs no "find" before this and ends in a question mark
    question: bool = False
    #: said before everything else
    front: bool = False

    def has(self, name: str) -> bool:
        return any(item.startswith(f"{name}:") for item in self.items)


class Draw:
    """Random choices of one request."""

    def __init__(self, rng: random.Random, words: Words, phrases: dict[str, str]) -> None:
        self.rng, self.words, self.phrases = rng, words, phrases
        self.names = Names(rng, words)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def weighted(self, weights: dict[str, int]) -> str:
        return self.rng.choices(list(weights), list(weights.values()))[0]

    def say(self, kind: str, **slots: str) -> str:
        """A wording of that kind with its slots filled."""
        wording = self.rng.choice(self.phrases[kind].split("|"))
        return SLOT.sub(lambda slot: START + slots[slot[1]], wording)

    def code(self, kind: str) -> str:
        """A wording of that kind as it would stand in code: filled with words of the domain."""
        n, m = self.nouns()
        slots = {"v": self.names.verb(), "n": n, "m": m, "a": self.names.adjective(), "N": m.capitalize()}
        return self.say(kind, **slots).replace(START, "")

    def nouns(self) -> list[str]:
        """Two different ones."""
        return self.rng.sample(self.names.nouns, 2)

    def clause(self, kind: str, *items: str, **slots: str) -> Clause:
        return Clause(self.say(kind, **slots), items)

    def some(self, makers: list[Callable[[], Clause]], chance: float, least: int = 0) -> list[Clause]:
        """A few of these clauses, each next one less likely, in any order."""
        count = least
        while count < len(makers) and self.chance(chance):
            count += 1
            chance *= 0.6
        return [make() for make in self.rng.sample(makers, count)]
