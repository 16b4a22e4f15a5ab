"""How a defect, or what looks like one, gets into ordinary rows. A change gives the rows that it touched, from 0."""

from collections.abc import Callable
from random import Random
from typing import Any

Rows = list[dict[str, Any]]
Change = Callable[[Random, Rows], list[int]]


def some(chance: Random, rows: Rows, most: int = 3) -> list[int]:
    return sorted(chance.sample(range(len(rows)), chance.randint(1, most)))


def woven(texts: Callable[[Random], str], column: str | None = None) -> Change:
    """Put a text into a sentence of some rows: at the end, the beginning or in the middle."""

    def change(chance: Random, rows: Rows) -> list[int]:
        places = some(chance, rows)
        for i in places:
            where = column or chance.choice(("question", "answer"))
            sentences = rows[i][where].split(". ")
            sentences.insert(chance.randint(0, len(sentences)), texts(chance))
            rows[i][where] = ". ".join(sentences)
        return places

    return change


def instead(texts: Callable[[Random], str], column: str = "answer") -> Change:
    """Put a text in the place of some rows' own."""

    def change(chance: Random, rows: Rows) -> list[int]:
        places = some(chance, rows)
        for i in places:
            rows[i][column] = texts(chance)
        return places

    return change


def either(*changes: Change) -> Change:
    return lambda chance, rows: chance.choice(changes)(chance, rows)


def one_of(*texts: str) -> Callable[[Random], str]:
    return lambda chance: chance.choice(texts)
