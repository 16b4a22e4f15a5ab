"""All building blocks with what they do, by the kind of value that they are about: number, word, character, pair."""

from collections.abc import Callable
from typing import Any

from finetune.generators.code.block import Block, read

SMALL = (2, 3, 4, 5, 6, 7, 8, 9)
ANY = (*SMALL, 10, 11, 12, 15, 16, 18, 20)
LENGTHS = (2, 3, 4, 5, 6, 7)
LETTERS = ("a", "e", "i", "o", "n", "r", "s", "t", "l")
ENDS = ("!", "s", "ed", "-", "x", "er")


def digit_sum(number: int) -> int:
    return number if number < 10 else number % 10 + digit_sum(number // 10)


def running(values: list[Any]) -> list[Any]:
    return [sum(values[: i + 1]) for i in range(len(values))]


Runs = dict[str, Callable[[Any, Any], Any]]
NUMBER_FILTERS: Runs = {
    "even": lambda v, k: not v & 1,
    "odd": lambda v, k: bool(v & 1),
    "more": lambda v, k: v > k,
    "less": lambda v, k: v < k,
    "least": lambda v, k: not v < k,
    "most": lambda v, k: not v > k,
    "multiple": lambda v, k: v // k * k == v,
    "no_multiple": lambda v, k: v // k * k != v,
    "ending": lambda v, k: str(v).endswith(str(k)),
    "positive": lambda v, k: v > 0,
    "negative": lambda v, k: v < 0,
    "equal": lambda v, k: v == k,
    "unequal": lambda v, k: v != k,
}
NUMBER_MAPS: Runs = {
    "square": lambda v, k: v * v,
    "cube": lambda v, k: v * v * v,
    "double": lambda v, k: v + v,
    "half": lambda v, k: (v - v % 2) // 2,
    "negate": lambda v, k: 0 - v,
    "absolute": lambda v, k: max(v, -v),
    "plus": lambda v, k: k + v,
    "minus": lambda v, k: -(k - v),
    "times": lambda v, k: k * v,
    "remainder": lambda v, k: v - v // k * k,
    "quotient": lambda v, k: (v - v % k) // k,
    "last_digit": lambda v, k: int(str(v)[-1]),
    "digits": lambda v, k: len(f"{v}"),
    "digit_sum": lambda v, k: digit_sum(v),
    "text": lambda v, k: f"{v}",
    "distance": lambda v, k: max(v - k, k - v),
    "cap": lambda v, k: v if v < k else k,
    "floor": lambda v, k: v if v > k else k,
}
WORD_FILTERS: Runs = {
    "longer": lambda v, k: len(v) > k,
    "shorter": lambda v, k: len(v) < k,
    "exact": lambda v, k: len(v) == k,
    "starts": lambda v, k: v[: len(k)] == k,
    "ends": lambda v, k: v[-len(k) :] == k,
    "contains": lambda v, k: v.find(k) >= 0,
    "lacks": lambda v, k: v.find(k) < 0,
    "palindrome": lambda v, k: list(v) == list(reversed(v)),
    "upper": lambda v, k: v.isupper(),
    "lower": lambda v, k: v.islower(),
    "numeric": lambda v, k: all(c in "0123456789" for c in v),
    "initial": lambda v, k: v[:1].isupper(),
}
WORD_MAPS: Runs = {
    "length": lambda v, k: len(v),
    "upper": lambda v, k: v.upper(),
    "lower": lambda v, k: v.lower(),
    "capital": lambda v, k: v[:1].upper() + v[1:].lower(),
    "reverse": lambda v, k: "".join(reversed(v)),
    "first": lambda v, k: v[:1],
    "last": lambda v, k: v[-1:],
    "head": lambda v, k: v[:k],
    "tail": lambda v, k: v[-k:],
    "behead": lambda v, k: v[1:],
    "curtail": lambda v, k: v[: len(v) - 1],
    "count": lambda v, k: len(v.split(k)) - 1,
    "append": lambda v, k: f"{v}{k}",
    "prepend": lambda v, k: f"{k}{v}",
    "remove": lambda v, k: "".join(v.split(k)),
    "repeat": lambda v, k: "".join([v] * k),
    "letters": lambda v, k: "".join(sorted(v)),
}
CHARACTER_FILTERS: Runs = {
    "vowel": lambda v, k: v in set("aeiou"),
    "no_vowel": lambda v, k: v not in set("aeiou"),
    "digit": lambda v, k: v in set("0123456789"),
    "letter": lambda v, k: v.lower() in set("abcdefghijklmnopqrstuvwxyz"),
    "upper": lambda v, k: v in set("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "lower": lambda v, k: v in set("abcdefghijklmnopqrstuvwxyz"),
    "blank": lambda v, k: not v.isspace(),
    "same": lambda v, k: v == k,
    "other": lambda v, k: v != k,
}
CHARACTER_MAPS: Runs = {
    "upper": lambda v, k: v.upper(),
    "lower": lambda v, k: v.lower(),
    "twice": lambda v, k: v + v,
    "append": lambda v, k: f"{v}{k}",
}
PAIR_FILTERS: Runs = {
    "same": lambda v, k: v[0] == v[1],
    "different": lambda v, k: v[0] != v[1],
    "falling": lambda v, k: v[0] > v[1],
    "rising": lambda v, k: v[0] < v[1],
}
PAIR_MAPS: Runs = {
    "sum": lambda v, k: v[0] + v[1],
    "product": lambda v, k: v[0] * v[1],
    "difference": lambda v, k: v[0] - v[1],
    "gap": lambda v, k: max(v) - min(v),
    "larger": lambda v, k: max(v),
    "smaller": lambda v, k: min(v),
}
RESULTS: Runs = {
    "list": lambda v, k: list(v),
    "tuple": lambda v, k: tuple(v),
    "set": lambda v, k: set(v),
    "sum": lambda v, k: running([0, *v])[-1],
    "count": lambda v, k: len(v),
    "max": lambda v, k: sorted([*v])[-1] if v else 0,
    "min": lambda v, k: sorted([*v])[0] if v else 0,
    "average": lambda v, k: sum(v) / len(v),
    "sorted": lambda v, k: sorted(v),
    "descending": lambda v, k: sorted(v)[::-1],
    "alphabetical": lambda v, k: sorted(v),
    "distinct": lambda v, k: sorted(dict.fromkeys(v)),
    "variety": lambda v, k: len(dict.fromkeys(v)),
    "first": lambda v, k: v[0] if v else None,
    "start": lambda v, k: v[:k],
    "backwards": lambda v, k: list(reversed(v)),
    "dashes": lambda v, k: "-".join(v),
    "commas": lambda v, k: ", ".join(v),
    "spaces": lambda v, k: " ".join(v),
    "glue": lambda v, k: "".join(v),
    "running": lambda v, k: running(v),
}
CONSTANTS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("more", "less", "least", "most", "plus", "minus", "distance", "cap", "floor"), ANY),
    **dict.fromkeys(("multiple", "no_multiple", "times", "remainder", "quotient"), SMALL[1:]),
    **dict.fromkeys(("equal", "unequal"), SMALL),
    "ending": tuple(range(10)),
    **dict.fromkeys(("longer", "shorter", "exact"), LENGTHS),
    **dict.fromkeys(("starts", "ends", "contains", "lacks", "remove", "same", "other"), LETTERS),
    **dict.fromkeys(("append", "prepend"), ENDS),
    **dict.fromkeys(("head", "tail", "repeat", "start"), (2, 3, 4)),
}
KINDS = ("number", "word", "character")
FILTERS: dict[str, dict[str, Block]] = {
    "number": read("number_filters", NUMBER_FILTERS, CONSTANTS),
    "word": read("word_filters", WORD_FILTERS, CONSTANTS),
    "character": read("character_filters", CHARACTER_FILTERS, CONSTANTS),
    "pair": read("pair_filters", PAIR_FILTERS, {}),
}
MAPS: dict[str, dict[str, Block]] = {
    "number": read("number_maps", NUMBER_MAPS, CONSTANTS),
    "word": read("word_maps", WORD_MAPS, CONSTANTS | {"count": LETTERS}),
    "character": read("character_maps", CHARACTER_MAPS, CONSTANTS),
    "pair": read("pair_maps", PAIR_MAPS, {}),
}
#: what a map turns its element into, where it is another kind
TURNS = {("word", "length"): "number", ("word", "count"): "number", ("number", "text"): "word"} | {
    ("pair", name): "number" for name in PAIR_MAPS
}
_RESULTS = read("results", RESULTS, CONSTANTS)
_USED = {
    "number": "list tuple set sum max min average sorted descending distinct variety first start backwards running",
    "word": "list tuple set alphabetical distinct variety first start backwards dashes commas spaces",
    "character": "list set glue alphabetical distinct variety first",
}
#: what can be made of several values of a kind
RESULT = {kind: {name: _RESULTS[name] for name in names.split()} for kind, names in _USED.items()}
COUNT = _RESULTS["count"]
#: a result of values that are neither chosen nor changed
PLAIN = {
    "sum": "sum(@)",
    "sorted": "sorted(@)",
    "descending": "sorted(@, reverse=True)",
    "alphabetical": "sorted(@)",
    "distinct": "sorted(set(@))",
    "variety": "len(set(@))",
}
#: blocks about digits as they are written: asked of numbers without a sign
UNSIGNED = {"ending", "last_digit", "digits", "digit_sum", "remainder", "quotient", "half"}
#: blocks that say nothing where no number is negative
SIGNED = {"positive", "negative", "absolute", "negate"}
