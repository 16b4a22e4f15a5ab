"""Sourcegraph search queries: their items, and the two evaluators of the seed (formats.md 3.3 and 3.4).

`lenient` is the seed document's: operator names only, 70 % of the expected ones. `items` is the strict reading:
`op:value` and keywords, values compared exactly; the headline figure item_f1 is made of it.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

OPERATORS = frozenset(
    ("repo", "file", "lang", "language", "l", "content", "type", "case", "rev", "fork", "archived", "visibility")
    + ("context", "author", "committer", "before", "after", "message", "count", "timeout", "patterntype", "select")
)
#: real syntax that the seed's list does not know
SHORT = {"r": "repo", "f": "file", "l": "lang", "language": "lang"}
#: real filters that the seed's list does not know either; its evaluator counts them as made up
UNLISTED = frozenset({"r", "f", "repogroup"})
JOINERS = frozenset({"AND", "OR", "NOT"})
#: what models make up, and what to write instead
ADVICE = {
    "path": "use file: instead",
    "branch": "use rev: or @branch after the repository",
    "extension": r"use file:\.ext$",
    "ext": r"use file:\.ext$",
} | dict.fromkeys(("in", "is", "sort", "stars"), "this is GitHub syntax, Sourcegraph does not have it")
ENOUGH = 0.70

_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_URL = re.compile(r"https?://\S*")
_OPERATOR = re.compile(r"-?\b([A-Za-z]+):")
_ITEM = re.compile(
    r"""(?P<minus>-?)(?:(?P<op>[A-Za-z]+):(?P<value>"[^"]*"|'[^']*'|\S*)|(?P<word>"[^"]*"|'[^']*'|\S+))"""
)
_BALANCED = r"(?:\\.|[^\s()]|\((?:\\.|[^\s()]|\([^\s()]*\))*\))"
_SHOWN = re.compile(
    rf"""-?(?P<op>[A-Za-z]+):(?P<value>"[^"]*"|'[^']*'|{_BALANCED}*)|"[^"]*"|'[^']*'|{_BALANCED}+|(?P<parenthesis>[()])"""
)


def operators(query: str) -> list[str]:
    """Operator names outside quotes and addresses, lower-cased, in order."""
    bare = _URL.sub(" ", _QUOTED.sub(" ", query))
    return [name.lower() for name in _OPERATOR.findall(bare)]


@dataclass(frozen=True)
class Lenient:
    """The seed's verdict on one answer."""

    syntax_valid: bool
    hallucinations: tuple[str, ...]
    semantic_match: bool

    @property
    def correct(self) -> bool:
        return self.syntax_valid and self.semantic_match


def lenient(expected: str, actual: str) -> Lenient:
    """Syntax: only known operators. Meaning: 70 % of the expected names, or one shared word if none is expected."""
    asked, given = set(operators(expected)), operators(actual)
    unknown = tuple(dict.fromkeys(name for name in given if name not in OPERATORS))
    if asked:
        match = len(asked & set(given)) / len(asked) >= ENOUGH
    else:
        match = bool(set(expected.lower().split()) & set(actual.lower().split()))
    return Lenient(not unknown, unknown, match)


@dataclass(frozen=True)
class Piece:
    """A part of a query as it is shown: an operator with its value, a word, AND/OR/NOT, or a parenthesis."""

    kind: Literal["operator", "word", "joiner", "parenthesis"]
    text: str
    operator: str = ""  # lower-case, without the minus
    value: str = ""
    negated: bool = False


def pieces(query: str) -> list[Piece]:
    """The query in pieces, for showing. Parentheses around terms stand alone; those inside a word belong to it."""
    found: list[Piece] = []
    for match in _SHOWN.finditer(query):
        text, operator = match[0], match["op"]
        if operator:
            name = operator.lower()
            found.append(Piece("operator", text, name, match["value"], negated=text.startswith("-")))
        elif match["parenthesis"]:
            found.append(Piece("parenthesis", text))
        else:
            found.append(Piece("joiner" if text in JOINERS else "word", text))
    return found


def items(query: str) -> Counter[str]:
    """`-?op:value` and keywords: names in their long form, values as they are, keywords unquoted and lower-cased."""
    found: Counter[str] = Counter()
    for match in _ITEM.finditer(query):
        if name := match["op"]:
            found[f"{match['minus']}{SHORT.get(name.lower(), name.lower())}:{match['value']}"] += 1
        else:
            word = match["word"]
            unquoted = word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word
            found[match["minus"] + unquoted.lower()] += 1
    return found


def overlap(expected: str, actual: str) -> float:
    """Share of the expected items that stand in the answer; the strict evaluator matches only at 1.0."""
    asked, given = set(items(expected)), set(items(actual))
    return len(asked & given) / len(asked) if asked else 0.0


def item_f1(expected: str, actual: str) -> float:
    """F1 of expected against actual items: a missing one costs recall, an extra one precision."""
    asked, given = items(expected), items(actual)
    shared = sum((asked & given).values())
    total = asked.total() + given.total()
    return 2 * shared / total if total else 0.0
