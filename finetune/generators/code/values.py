"""Arguments to try a function with: drawn so that its filters keep some and drop some."""

import random
from collections.abc import Set
from typing import Any

TEXT = (
    "apple river stone tree cat noon level Paris NASA Berlin 42 7 radar lemon note car house sister art eat "
    "OK Rome table train rose sun onion letter x11 civic Oslo green area insert salt alert 2024 tent otto USA"
)
WORDS = TEXT.split()
DIGITS = {"ending", "last_digit", "digits", "digit_sum"}


def number(rng: random.Random, used: Set[str], near: int | None) -> int:
    """A number for blocks of these names, often close to the constant that they compare with."""
    if used & {"positive", "negative"} and rng.random() < 0.2:
        return 0
    if near is not None and rng.random() < 0.4:
        return max(0, near + rng.choice((-1, 0, 0, 1)))
    if used & DIGITS:
        return rng.randint(0, 130)
    return rng.randint(-12, 20) if used & {"positive", "negative", "absolute", "negate"} else rng.randint(0, 30)


def numbers(rng: random.Random, used: Set[str], near: int | None) -> list[int]:
    return [number(rng, used, near) for _ in range(rng.randint(3, 6))]


def words(rng: random.Random, near: Any = None) -> list[str]:
    """A few words; with a text to look for, it occurs in some."""
    chosen = [rng.choice(WORDS) for _ in range(rng.randint(3, 5))]
    if isinstance(near, str) and rng.random() < 0.7:
        fits = [word for word in WORDS if near in word] or [near + "one"]
        chosen[rng.randrange(len(chosen))] = rng.choice(fits)
    return chosen


def table(rng: random.Random, used: Set[str], near: Any) -> dict[str, int]:
    found = words(rng, near)
    return {word: number(rng, used, near if isinstance(near, int) else None) for word in found}
