"""Writes one JavaScript function from shapes: text with slots, filled at random, names kept in scope.

In a shape, `@kind` is a slot, `@kind=name` also keeps what was written so that `@name` repeats it, `@kind*` is several
of them on lines of their own, `@kind&` several joined by && or ||. A kind is a key of the shapes or a method below.
Names that a line declares are known from the next line on.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence

from finetune.generators.javascript.words import Domain, Words

SLOT = re.compile(r"@([a-z]+)([*&]?)(?:=([a-z]+))?")
Shapes = Mapping[str, Sequence[str]]
DEEPEST = 3  # blocks inside one another


class Writer:
    """One function's worth of state: what is in scope, how its names look, what it is mostly made of."""

    def __init__(self, rng: random.Random, words: Words, shapes: Shapes, mix: Mapping[str, float], spread: int) -> None:
        self.rng, self.words, self.shapes, self.mix = rng, words, shapes, mix
        self.domain: Domain = rng.choice(words.domains)
        self.spread = spread  # how many rows a table, cases a switch may have
        self.snake = rng.random() < 0.08
        self.bare = False  # local names without domain words, as in small utilities
        self.depth = 0
        self._decks: dict[Sequence[str], list[str]] = {}
        self.used: set[str] = set()
        #: what stands where no object is in scope
        self.owner = rng.choice(("this", self._fresh(self.domain.nouns)))
        self.scope: dict[str, list[str]] = {"list": [], "val": [], "obj": []}
        self._pending: list[tuple[str, str]] = []
        self._loops: list[tuple[str, str]] = []
        self._kinds: dict[str, Callable[[], str]] = {
            "body": self.body,
            "n": self._number,
            "s": self._string,
            "field": lambda: self._dealt(self.domain.fields),
            "noun": lambda: self._dealt(self.domain.nouns),
            "nouns": lambda: plural(self._dealt(self.domain.nouns)),
            "verb": lambda: self._dealt(self.domain.verbs),
            "adj": lambda: self._dealt(self.words.adjectives),
            "key": lambda: self._cased(self._measure()),
            "fn": self.function_name,
            "const": lambda: f"{self._cased(self.rng.choice(self.domain.fields)).upper()}_{self.rng.choice(LIMITS)}",
            "list": self._list,
            "val": self._value,
            "obj": self._object,
            "i": lambda: self._loop("val", self.words.counters),
            "item": lambda: self._loop("obj", self.domain.nouns),
            "newlist": lambda: self._declare("list", self.words.lists, self._plural),
            "newval": lambda: self._declare("val", self.words.values, self._measure),
            "newobj": lambda: self._declare("obj", self.words.objects, self._qualified),
            "newfn": lambda: self._fresh([self.function_name()]),
        }

    def fill(self, shape: str, names: dict[str, str] | None = None) -> str:
        """The shape with every slot written."""
        names = {} if names is None else names
        lines, outer = [], len(self._loops)
        waiting, self._pending = self._pending, []
        for line in shape.split("\n"):
            indent = line[: len(line) - len(line.lstrip())]
            text = SLOT.sub(lambda slot: self._slot(slot, names).replace("\n", "\n" + indent), line)  # noqa: B023
            lines.append(text)
            self._publish()
        self._pending = waiting
        self._forget_loops(outer)
        return "\n".join(lines)

    def block(self, lines: int) -> str:
        """Statements of the mix until there are so many lines; what they declare ends with the block."""
        before = {kind: list(names) for kind, names in self.scope.items()}
        written: list[str] = []
        while sum(text.count("\n") + 1 for text in written) < lines:
            text = self._statement()
            if not text.startswith("return"):
                written.append(text)
            elif self.depth:  # nothing comes after a return; the function's own is written last, elsewhere
                written.append(text)
                break
        self.scope = before
        return "\n".join(written)

    def body(self) -> str:
        """What stands inside a loop or a branch: shorter the deeper it is."""
        self.depth += 1
        text = self.block(self.rng.randint(1, max(1, 5 - self.depth)))
        self.depth -= 1
        return text

    def parameter(self, kind: str) -> str:
        """Declare a parameter of a kind of the scope, or of a utility's `num` and `text`."""
        pools = {"num": self.words.numbers, "text": self.words.texts}
        if kind in pools:
            name = self._declare("val", pools[kind])
        else:
            made = {"list": "newlist", "obj": "newobj"}.get(kind, "newval")
            name = self._kinds[made]()
        self._publish()
        return name

    def function_name(self) -> str:
        thing = self.rng.choice(self.domain.nouns)
        tail = self.rng.choice((thing, thing, plural(thing), thing + capital(self._dealt(self.domain.fields))))
        return self._cased(self._dealt(self.domain.verbs) + capital(tail))

    def _slot(self, slot: re.Match[str], names: dict[str, str]) -> str:
        kind, mark, bind = slot.groups()
        if kind in names and not mark:
            return names[kind]
        if mark == "*":
            return "\n".join(self.make(kind) for _ in range(self.rng.randint(2, max(3, self.spread))))
        if mark == "&":
            glue = self.rng.choice((" && ", " || "))
            return glue.join(self.make(kind) for _ in range(self.rng.randint(2, 4)))
        text = self.make(kind)
        if bind:
            names[bind] = text
        return text

    def make(self, kind: str, names: dict[str, str] | None = None) -> str:
        """One of a kind."""
        return self._kinds[kind]() if kind in self._kinds else self.fill(self.rng.choice(self.shapes[kind]), names)

    def _statement(self) -> str:
        kinds = [k for k in self.mix if self.depth < DEEPEST or k in ("flat", "dense", "table")]
        kind = self.rng.choices(kinds, [self.mix[k] for k in kinds])[0] if kinds else "flat"
        return self.make(kind)

    def _dealt(self, words: Sequence[str]) -> str:
        """A word as from a shuffled deck: none comes again before all the others came."""
        deck = self._decks.setdefault(words, [])
        if not deck:
            deck.extend(self.rng.sample(words, len(words)))
        return deck.pop()

    def _publish(self) -> None:
        for kind, name in self._pending:
            self.scope[kind].append(name)
        self._pending.clear()

    def _loop(self, kind: str, pool: Sequence[str]) -> str:
        """A new name that ends with the shape it stands in, and may come again."""
        name = self._declare(kind, pool)
        self._loops.append((kind, name))
        return name

    def _forget_loops(self, keep: int) -> None:
        for kind, name in self._loops[keep:]:
            self.scope[kind] = [known for known in self.scope[kind] if known != name]
            self.used.discard(name)
        del self._loops[keep:]

    def _declare(self, kind: str, pool: Sequence[str], made: Callable[[], str] | None = None) -> str:
        """A new name for a variable of this kind, from the pool or made of the domain's words."""
        own = made is not None and not self.bare and self.rng.random() < 0.55
        name = self._fresh([made()] if own and made else pool)
        self._pending.append((kind, name))
        return name

    def _fresh(self, pool: Sequence[str]) -> str:
        free = [name for name in map(self._cased, pool) if name not in self.used]
        if not free:
            base = self._cased(self.rng.choice(pool))
            free = [next(f"{base}{n}" for n in range(2, 99) if f"{base}{n}" not in self.used)]
        name = self.rng.choice(free)
        self.used.add(name)
        return name

    def _cased(self, name: str) -> str:
        return re.sub(r"([A-Z])", lambda m: "_" + m[0].lower(), name) if self.snake else name

    def _plural(self) -> str:
        thing = self.rng.choice(self.domain.nouns)
        return plural(self.rng.choice((thing, self.rng.choice(self.words.adjectives) + capital(thing))))

    def _measure(self) -> str:
        return self._dealt(self.domain.nouns) + capital(self._dealt(self.domain.fields))

    def _qualified(self) -> str:
        thing = self.rng.choice(self.domain.nouns)
        return self.rng.choice((thing, self.rng.choice(self.words.adjectives) + capital(thing)))

    def _number(self) -> str:
        return self._dealt(NUMBERS)

    def _string(self) -> str:
        words = (self._dealt(self.domain.states), self._dealt(self.domain.fields))
        return f"'{self.rng.choice((*words, '-'.join(words), ' '.join(words)))}'"

    def _list(self) -> str:
        lists, roll = self.scope["list"], self.rng.random()
        if lists and (roll < 0.75 or not self.scope["obj"]):
            return self.rng.choice(lists)
        thing = self._cased(plural(self.rng.choice(self.domain.nouns)))
        return f"{self._object()}.{thing}" if self.scope["obj"] else thing

    def _value(self) -> str:
        roll = self.rng.random()
        if self.scope["val"] and roll < 0.6:
            return self.rng.choice(self.scope["val"])
        if self.scope["list"] and roll < 0.7:
            return f"{self.rng.choice(self.scope['list'])}.length"
        return f"{self._object()}.{self.rng.choice(self.domain.fields)}"

    def _object(self) -> str:
        return self.rng.choice(self.scope["obj"]) if self.scope["obj"] else self.owner


NUMBERS = ("0", "1", "2", "3", "4", "5", "8", "10", "12", "24", "60", "100", "250", "1000")
LIMITS = ("LIMIT", "DEFAULT", "STEP", "MAX", "MIN")


def capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def plural(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeo":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
