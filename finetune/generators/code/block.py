"""A building block of a function: its Python, what it does, and how each split says it (the texts: blocks/*.txt)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SPLITS = ("train", "val", "test")
FOLDER = Path(__file__).parent / "blocks"


@dataclass(frozen=True)
class Block:
    """`{v}` is the element, `{k}` a constant or parameter, `@` a generator; in words `{e}` an element, `{i}` all."""

    name: str
    code: str
    #: in a few words, the same in every split: the comment in the function
    short: str
    says: dict[str, tuple[str, ...]]
    #: the code's meaning once more, apart from its text: (element or elements, constant) -> value
    run: Callable[[Any, Any], Any]
    constants: tuple[Any, ...] = ()


def read(
    file: str, runs: dict[str, Callable[[Any, Any], Any]], constants: dict[str, tuple[Any, ...]]
) -> dict[str, Block]:
    """The blocks of a file: a line `name: code ## short`, then the wordings of train, val and test."""
    lines = (FOLDER / f"{file}.txt").read_text(encoding="utf-8").splitlines()
    found = {}
    for head, *wordings in zip(*(lines[i::4] for i in range(4)), strict=True):
        name, _, rest = head.partition(": ")
        code, _, short = rest.partition(" ## ")
        says = {split: tuple(text.strip().split(" | ")) for split, text in zip(SPLITS, wordings, strict=True)}
        found[name] = Block(name, code, short, says, runs[name], constants.get(name, ()))
    return found
