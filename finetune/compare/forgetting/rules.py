"""Rules that tell a right answer from a wrong one without a model: all rules of a prompt must hold.

Plain comparisons only: the rules stand in files that travel, so none of them is a pattern or code.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from backends.errors import BadInput

NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
CLOSE = 1e-9


def _is(text: str, wanted: list[str]) -> bool:
    """One of the texts, whatever its case; quotes around it and a full stop are no fault."""
    return _bare(text) in map(_bare, wanted)


def _bare(text: str) -> str:
    return " ".join(text.split()).strip("\"'`.").casefold()


def _number(text: str, wanted: float) -> bool:
    """The last number of the answer, so that `7 + 5 = 12` is 12."""
    found = _numbers(text)
    return bool(found) and abs(found[-1] - wanted) < CLOSE


def _between(text: str, ends: list[float]) -> bool:
    found = _numbers(text)
    return len(found) == 1 and ends[0] <= found[0] <= ends[1]


def _numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in NUMBER.findall(text)]


def _json(text: str, wanted: Any) -> bool:
    """The answer as a whole is this JSON value. Compared as text, because in Python True is 1."""
    try:
        return json.dumps(json.loads(text), sort_keys=True) == json.dumps(wanted, sort_keys=True)
    except (ValueError, RecursionError):
        return False


def _has(text: str, word: str) -> bool:
    return word.casefold() in text.casefold()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


RULES: dict[str, Callable[[str, Any], bool]] = {
    "is": _is,
    "number": _number,
    "between": _between,
    "json": _json,
    "words": lambda text, n: len(text.split()) == n,
    "most_words": lambda text, n: len(text.split()) <= n,
    "parts": lambda text, n: len(list(filter(str.strip, text.split(",")))) == n,
    "lines": lambda text, n: len(_lines(text)) == n,
    "each_starts": lambda text, mark: all(line.startswith(mark) for line in _lines(text)),
    "starts": lambda text, word: text.casefold().startswith(word.casefold()),
    "ends": lambda text, mark: text.endswith(mark),
    "upper": lambda text, wanted: text.isupper() is wanted,
    "lower": lambda text, wanted: text.islower() is wanted,
    "contains_all": lambda text, words: all(_has(text, word) for word in words),
    "contains_any": lambda text, words: any(_has(text, word) for word in words),
    "lacks": lambda text, words: not any(_has(text, word) for word in words),
}


def check(rule: Mapping[str, Any]) -> None:
    """Refuse a rule that does not exist."""
    if wrong := [name for name in rule if name not in RULES] or (not rule and ["nothing"]):
        raise BadInput(f"column rule: {str(wrong[0])[:40]!r} is no rule; known: {', '.join(RULES)}")


def holds(rule: Mapping[str, Any], answer: str) -> bool:
    return all(RULES[name](answer.strip(), wanted) for name, wanted in rule.items())
