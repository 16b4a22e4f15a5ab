"""The numbers of a calculation, drawn where errors arise: carries, borrows, different lengths, minus signs."""

import random
import re
from fractions import Fraction

from finetune.generators.math import plan

#: how many digits a number has
LENGTHS = {1: 15, 2: 30, 3: 30, 4: 25}
#: by how many digits both factors have; long ones are rare, as they fill a whole answer
FACTORS = {
    (1, 1): 12,
    (2, 1): 18,
    (3, 1): 13,
    (4, 1): 9,
    (2, 2): 28,
    (3, 2): 10,
    (3, 3): 4,
    (4, 2): 3,
    (4, 3): 2,
    (4, 4): 1,
}
#: by how many digits divisor and quotient have
DIVISIONS = {(1, 1): 12, (1, 2): 22, (1, 3): 20, (1, 4): 6, (2, 1): 14, (2, 2): 14, (2, 3): 3, (3, 1): 6, (4, 1): 3}
NEGATIVE = 0.2
NAME = re.compile(r"[a-c]")
Lines = tuple[list[str], Fraction]


def number(rng: random.Random, digits: int, least: int = 0) -> int:
    low = least if digits == 1 else 10 ** (digits - 1)
    return rng.randint(max(low, least), 10**digits - 1)


def lengths(rng: random.Random) -> tuple[int, int]:
    first, second = rng.choices(list(LENGTHS), list(LENGTHS.values()), k=2)
    return first, second


def pair(rng: random.Random, sign: str) -> tuple[int, int]:
    """Two whole numbers of at most four digits, each negative in a fifth of the draws."""
    a, b = UNSIGNED[sign](rng)
    return (-a if rng.random() < NEGATIVE else a), (-b if rng.random() < NEGATIVE else b)


def _terms(rng: random.Random) -> tuple[int, int]:
    """Of several draws the one with most carries, half of the time."""
    drawn = [tuple(number(rng, digits) for digits in lengths(rng)) for _ in range(2 if rng.random() < 0.5 else 1)]
    a, b = max(drawn, key=lambda pair: carries(*pair))
    return a, b


def _difference(rng: random.Random) -> tuple[int, int]:
    a, b = _terms(rng)
    return (a, b) if rng.random() < 0.2 else (max(a, b), min(a, b))


def _factors(rng: random.Random) -> tuple[int, int]:
    digits = list(rng.choices(list(FACTORS), list(FACTORS.values()))[0])
    rng.shuffle(digits)
    return number(rng, digits[0], 1), number(rng, digits[1], 1)


def _division(rng: random.Random) -> tuple[int, int]:
    """Mostly without remainder; else by 2, 4, 5 or 8, so that the decimals end."""
    if rng.random() < 0.2:
        return number(rng, rng.choice((1, 2, 2, 3))), rng.choice((2, 4, 5, 8))
    while True:
        by, times = rng.choices(list(DIVISIONS), list(DIVISIONS.values()))[0]
        b, quotient = number(rng, by, 2), number(rng, times, 1)
        if b * quotient < 10_000:
            return b * quotient, b


UNSIGNED = {"+": _terms, "-": _difference, "*": _factors, "/": _division}


def carries(a: int, b: int) -> int:
    """How many columns of a+b carry."""
    found = carry = 0
    while a or b:
        carry = int(a % 10 + b % 10 + carry > 9)
        found, a, b = found + carry, a // 10, b // 10
    return found


def bare(rng: random.Random, kind: str) -> tuple[dict[str, int], Lines]:
    """Numbers and solution of an operation on two numbers."""
    if kind == "^":
        exponent = rng.choice((2, 2, 2, 3, 3, 4))
        a, b = rng.randint(1, {2: 25, 3: 12, 4: 10}[exponent]), exponent
        return {"a": a, "b": b}, plan.power(a, b)
    if kind == "lowest":
        shared = rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10))
        b = rng.randint(2, 20)
        a = rng.randint(1, b - 1)
        return {"a": a * shared, "b": b * shared}, plan.lowest(a * shared, b * shared)
    a, b = pair(rng, kind)
    return {"a": a, "b": b}, plan.two(a, kind, b)


def worded(rng: random.Random, calculation: str) -> tuple[dict[str, int], Lines]:
    """Numbers and solution of a word problem, drawn until every part of it is a whole number from 0 on."""
    while True:
        values = _story(rng, calculation)
        try:
            lines, value = plan.expression(_with_numbers(calculation, values))
        except plan.NotWhole:
            continue
        if value > 0:
            return values, (lines, value)


def _with_numbers(calculation: str, values: dict[str, int]) -> str:
    return NAME.sub(lambda name: str(values[name[0]]), calculation)


def _story(rng: random.Random, calculation: str) -> dict[str, int]:
    """Values of everyday size; a division is drawn from its result."""
    large = rng.random() < 0.35
    values = {name: number(rng, rng.choice((3, 3, 4) if large else (1, 2, 2, 3)), 2) for name in "abc"}
    if re.search(r"[abc)]\*b|[ab]\*[bc12]", calculation) or calculation in ("(a+b)*c", "(a-b)*c"):
        small, big = rng.choice(((2, 9), (2, 9), (10, 40))), rng.choice(((3, 60), (11, 99), (100, 400)))
        values |= {"a": rng.randint(*big), "b": rng.randint(*small)}
        if ")*c" in calculation:
            values |= {"b": rng.randint(2, 60), "c": rng.randint(2, 9)}
    if calculation.startswith("c-"):
        values["c"] = values["a"] * values["b"] + rng.randint(1, 400)
    if calculation.startswith("a/b"):
        values["b"] = rng.randint(2, 12) if rng.random() < 0.8 else rng.randint(13, 40)
        values["a"] = values["b"] * rng.randint(2, rng.choice((12, 60, 240)))
        values["c"] = rng.randint(2, 12) if calculation != "a/b+c" else values["c"]
    if ")/c" in calculation:
        values["c"] = rng.randint(2, 9)
        values["b"] = rng.randint(2, 90)
        total = values["c"] * rng.randint(3, 60)
        values["a"] = total - values["b"] if "+" in calculation else total + values["b"]
    if calculation.startswith("a/2"):
        values["a"] = 2 * rng.randint(3, 400)
    return values
