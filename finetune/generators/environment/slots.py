"""Fills the slots of one line of a subject: one draw of names, numbers and words for its sentence, question, answer."""

import random
import re

from finetune.generators.environment.domains import Domain
from finetune.outputs.environment_answer import stands

SLOT = re.compile(r"\{([A-Za-z]+)([12+-]?)(?::([\d.]+)-([\d.]+)(?:/(\d+))?)?\}")
BOUNDS = re.compile(r"([\d.]+)-([\d.]+)(?:/(\d+))?")
TURN = re.compile(r"<([^<>]*)>")
ASIDE = re.compile(r"\[([^\[\]]*)\]")
ASIDES = 0.6  # how often a sentence has its aside
YEARS, FUTURE = range(1991, 2027), range(2027, 2042)


class Slots:
    """What one line says: a slot has the same value wherever it stands."""

    def __init__(self, rng: random.Random, domain: Domain, subject: str, kind: str, used: set[str]) -> None:
        self.rng, self.domain, self.subject, self.kind, self.used = rng, domain, subject, kind, used
        self.values = dict(zip("yz", map(str, sorted(rng.sample(YEARS, 2))), strict=True))
        self.values["f"] = str(rng.choice(FUTURE))
        #: which of the two values of a pair is asked for, and which one is larger
        self.asked, self.larger = rng.choice("12"), ""

    def draw_pair(self, options: str) -> str:
        """Two words of a pool and a value for each, by `pair POOL LOW-HIGH`; the pool's name."""
        _, pool, between = options.split()
        for index in "12":
            self._word(pool, index)
        bounds = BOUNDS.fullmatch(between)
        assert bounds, options
        first = second = self._number(*bounds.groups())
        while second == first:
            second = self._number(*bounds.groups())
        self.values |= {"v1": first, "v2": second}
        self.larger = "1" if float(first.replace(",", "")) > float(second.replace(",", "")) else "2"
        return pool

    def ask_the_other(self) -> None:
        self.asked = "2" if self.asked == "1" else "1"

    def say(self, text: str, *, told: bool = False) -> str:
        """A wording with its slots filled; `told` is for the text itself, which has asides."""

        def aside(found: re.Match[str]) -> str:
            if not told or self.rng.random() > ASIDES:
                return ""
            return found[1] if found[1].startswith(",") else f" ({found[1].strip()})"

        text = TURN.sub(lambda turn: self.rng.choice(turn[1].split("|")), ASIDE.sub(aside, text))
        text = SLOT.sub(self._filled, text)
        return text[0].upper() + text[1:]

    def keywords(self, answer: str) -> list[str]:
        """What an answer cannot do without: the drawn values that stand in it."""
        return [value for value in dict.fromkeys(self.values.values()) if stands(value, answer)]

    def _filled(self, slot: re.Match[str]) -> str:
        name, mark, *bounds = slot.groups()
        if name == "S":
            return self.subject
        if name == "it":
            return self.rng.choice(("it", f"the {self.kind}", self.subject))
        if name == "kind":
            return self.kind
        name = name.lower()
        mark = {"+": self.larger, "-": "2" if self.larger == "1" else "1"}.get(mark, mark)
        if not mark and name + "1" in self.values:
            mark = self.asked
        if bounds[0] and name not in self.values:
            self.values[name] = self._number(*bounds)
        return self.values.get(name + mark) or self._word(name, mark)

    def _word(self, pool: str, index: str) -> str:
        """A word of a pool that this row has not used yet."""
        words = self.domain.pools[pool]
        word = self.rng.choice([word for word in words if word not in self.used] or words)
        self.used.add(word)
        self.values[pool + index] = word
        return word

    def _number(self, low: str, high: str, step: str | None) -> str:
        if "." in low:
            return f"{self.rng.uniform(float(low), float(high)):.1f}"
        return f"{self.rng.randrange(int(low), int(high) + 1, int(step or 1)):,}"
