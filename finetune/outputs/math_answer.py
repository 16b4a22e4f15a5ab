r"""Reads a worked solution: its steps, its final answer and the number that this is.

The final answer is what the seed's forms or ours mark: a last line `Answer: 42`, `\boxed{42}`, `Final Answer: ...`,
`#### 42`. Where none is marked the last number counts for the lenient figure only. Numbers may have separators of
thousands, a unit, a percent sign, a decimal point, or be a fraction. Not covered: algebra; such answers are compared as
texts.
"""

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TypedDict

from finetune.outputs.math_grammar import FORM
from finetune.task import Unreadable

TOLERANCE = Fraction(1, 10**6)
THOUGHT = re.compile(r"<think>(.*?)(?:</think>|\Z)", re.DOTALL)
BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
#: "Final Answer: 42", "**Answer:** 42", "The final answer is 42.", and "#### 42" of GSM8K
MARKED = re.compile(
    r"^[\s>*#_-]*(?:(?:so|thus|hence|therefore),?\s+)?(?:the\s+)?(?:final\s+)?answer[*_]*(?:\s*(?:is|:|=)[*_:]*)+\s*(\S.*)$|^####\s*(\S.*)$",
    re.IGNORECASE | re.MULTILINE,
)
HEADED = re.compile(r"^[\s>*#_-]*final answer[\s*_:]*\n+\s*(\S.*)$", re.IGNORECASE | re.MULTILINE)
GROUPED = re.compile(r"(?<=\d)(?:,|\\,|\{,\}|[\u00a0\u202f\u2009 ])(?=\d{3}(?!\d))")
FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*(-?[\d.]+)\s*\}\s*\{\s*(-?[\d.]+)\s*\}")
FIGURE = re.compile(
    r"[-\u2212]?\s?\$?\s?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?(?:\s*/\s*-?\d+(?:\.\d+)?)?(?!\.?\d)"
)
MIXED = re.compile(r"(-?\d+) +(\d+)\s*/\s*(\d+)")
#: the exponent of a unit: 12 m^2
SQUARED = re.compile(r"(?<=[A-Za-z}])\^\{?\d\}?")
#: what stands beside a number that is only a part of the answer
ALGEBRA = re.compile(r"[-+*/^<>|&_]|(?<![A-Za-z])[abknxyz](?![A-Za-z])|\\(?:sqrt|pi|frac|log)")
LONGEST = 200  # characters of a final answer that is read as a number


class Solution(TypedDict):
    """A solution as it was read."""

    steps: list[str]
    #: None when no final answer is marked
    final: str | None
    #: the last number in it
    last: str | None
    thought: str
    #: exactly the form that the task asks for
    formed: bool


def read(answer: str) -> Solution:
    """The solution in a text of ours or of the seed's; Unreadable where it holds no answer and no number."""
    thought = "\n".join(part.strip() for part in THOUGHT.findall(answer))
    text = THOUGHT.sub("", answer).strip()
    final, steps = _final(text)
    last = _last(text)
    if final is None and last is None:
        raise Unreadable("there is no number and no final answer in this text")
    lines = [line.rstrip() for line in steps.splitlines() if line.strip()]
    return {
        "steps": lines,
        "final": final,
        "last": last,
        "thought": thought,
        "formed": FORM.fullmatch(text) is not None,
    }


def _final(text: str) -> tuple[str | None, str]:
    """The marked final answer and what stands before it; the last mark counts, a box over the other ones."""
    if boxes := list(BOXED.finditer(text)):
        inside = _braced(text, boxes[-1].end())
        if inside:
            start = text.rfind("\n", 0, boxes[-1].start()) + 1
            return inside, text[:start] if MARKED.search(text, start) else text
    for pattern in (MARKED, HEADED):
        if marks := list(pattern.finditer(text)):
            found = next(group for group in marks[-1].groups() if group)
            return _plain(found), text[: marks[-1].start()]
    return None, text


def _braced(text: str, start: int) -> str | None:
    """What stands up to the brace that closes."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at].strip()
    return None


def _plain(text: str) -> str:
    """Without the marks of emphasis and mathematics around it and the full stop after it."""
    text = text.strip().strip("*_`").strip()
    for left, right in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
        if text.startswith(left) and text.rstrip(".").endswith(right) and len(text) > len(left) + len(right):
            text = text.rstrip(".")[len(left) : -len(right)].strip()
    return text.strip("*_`").rstrip(".").strip() or text


def _last(text: str) -> str | None:
    found = FIGURE.findall(_ungrouped(text))
    return re.sub(r"[\s$]", "", found[-1]) if found else None


def _ungrouped(text: str) -> str:
    return GROUPED.sub("", FRACTION.sub(r"\1/\2", text))


def number(text: str) -> Fraction | None:
    """The number that a final answer is, whatever unit it has: `$1,250`, `x = -3/4`, `12 apples`, `50%` (which is 50).

    None where it is no number or holds more than one.
    """
    if len(text) > LONGEST:
        return None
    text = SQUARED.sub("", _ungrouped(_plain(text).replace("\u2212", "-")).rpartition("=")[2])
    if mixed := MIXED.fullmatch(text.strip()):
        part = _value(f"{mixed[2]}/{mixed[3]}")
        return None if part is None else int(mixed[1]) + (-part if mixed[1].startswith("-") else part)
    found = FIGURE.findall(text)
    if len(found) != 1 or ALGEBRA.search(text.replace(found[0], " ", 1)):
        return None
    return _value(re.sub(r"[\s$]", "", found[0]))


def _value(figure: str) -> Fraction | None:
    above, _, below = figure.partition("/")
    try:
        return Fraction(Decimal(above)) / Fraction(Decimal(below or "1"))
    except (InvalidOperation, ZeroDivisionError):
        return None


def same(expected: str, given: str | None) -> bool:
    """Equal as numbers within the seed's 1e-6, else equal as the seed compares texts."""
    if given is None:
        return False
    wanted, got = number(expected), number(given)
    if wanted is not None and got is not None:
        return abs(wanted - got) <= TOLERANCE
    return same_text(expected, given)


def same_text(expected: str, given: str | None) -> bool:
    """The seed's own comparison: white space collapsed, small letters, no other mercy."""
    return given is not None and " ".join(expected.split()).lower() == " ".join(given.split()).lower()
