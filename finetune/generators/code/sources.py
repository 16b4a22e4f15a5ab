"""Where the elements of a function come from: a list, a text's words, a range, a dictionary, two lists side by side."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from finetune.generators.code import values
from finetune.generators.code.writer import Arguments, Pen

#: source -> the kind of its elements, how often it is drawn
KINDS = {
    "numbers": ("number", 26),
    "names": ("word", 22),
    "words": ("word", 11),
    "characters": ("character", 11),
    "range": ("number", 9),
    "values": ("number", 7),
    "keys": ("word", 4),
    "zip": ("pair", 5),
    "neighbours": ("pair", 5),
}
VARIABLES = {"number": "n", "word": "w", "character": "c", "pair": "a, b"}
CODE = {
    "numbers": "{a}",
    "names": "{a}",
    "words": "{a}.split()",
    "characters": "{a}",
    "range": "range(1, {a} + 1)",
    "values": "{a}.values()",
    "keys": "{a}",
    "zip": "zip({a}, {b})",
    "neighbours": "zip({a}, {a}[1:])",
}
NOUNS = {"number": "number", "word": "word", "character": "character", "pair": "pair"}
#: the arguments -> the elements
ELEMENTS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "numbers": lambda given: given[0],
    "names": lambda given: given[0],
    "words": lambda given: given[0].split(" "),
    "characters": lambda given: list(given[0]),
    "range": lambda given: [i + 1 for i in range(given[0])],
    "values": lambda given: [given[0][key] for key in given[0]],
    "keys": lambda given: [key for key in given[0]],
    "zip": lambda given: [(given[0][i], given[1][i]) for i in range(min(len(given[0]), len(given[1])))],
    "neighbours": lambda given: [(given[0][i - 1], given[0][i]) for i in range(1, len(given[0]))],
}


@dataclass(frozen=True)
class Source:
    name: str
    kind: str
    parameters: tuple[str, ...]
    noun: str
    place: str

    @property
    def code(self) -> str:
        a, b = self.parameters[0], self.parameters[-1]
        return CODE[self.name].replace("{a}", a).replace("{b}", b)

    @property
    def known_as(self) -> str:
        """In a combination: the keys of a dictionary are gone through as a list of names is."""
        return "names" if self.name == "keys" else self.name

    @property
    def variable(self) -> str:
        return VARIABLES[self.kind]

    @property
    def nouns(self) -> str:
        return self.noun[:-1] + "ies" if self.noun.endswith("ry") or self.noun.endswith("ty") else self.noun + "s"

    def elements(self, arguments: Arguments) -> list[Any]:
        return ELEMENTS[self.name]([arguments[name] for name in self.parameters])


def draw(pen: Pen, among: tuple[str, ...] = tuple(KINDS)) -> Source:
    name = pen.rng.choices(among, [KINDS[n][1] for n in among])[0]
    kind, w, rng = KINDS[name][0], pen.w, pen.rng
    nouns = w.words if name == "names" else w.numbers
    pool = {"words": w.texts, "characters": w.texts, "range": w.counts, "values": w.dicts, "keys": w.dicts}
    first = rng.choice(list(pool.get(name, nouns)))
    parameters = (first, rng.choice(w.seconds)) if name == "zip" else (first,)
    own = name in ("numbers", "names") and pen.chance(0.5)
    place = rng.choice(w.places["list" if name in ("numbers", "names") else name])
    source = Source(
        name,
        kind,
        parameters,
        nouns[first] if own else NOUNS[kind],
        place.replace("{a}", parameters[0]).replace("{b}", parameters[-1]),
    )
    for parameter in parameters:
        pen.parameters[parameter] = lambda: _argument(pen, name)
    return source


def _argument(pen: Pen, name: str) -> Any:
    rng, near = pen.rng, next(iter(pen.constants), None)
    whole = near if isinstance(near, int) else None
    match name:
        case "names":
            return values.words(rng, near)
        case "words" | "characters":
            return " ".join(values.words(rng, near)[: 3 if name == "characters" else 6])
        case "range":
            return rng.randint(4, 30)
        case "values" | "keys":
            return values.table(rng, pen.used, near)
        case _:
            return values.numbers(rng, pen.used, whole)
