"""The words and wordings of a split, read from the text files beside this one. Nothing stands in two splits.

words/*.txt has a line per slot, `slot: entry, entry`; an entry of several words fills several slots. wordings/*.txt has
blocks, the first line of each the calculation that the lines below it ask for; `[this|that]` is one of several turns.
"""

import random
import re
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent
#: the slots that one entry of a kind fills
SLOTS = {"name": ("name", "she", "her"), "box": ("box", "boxes")}
SLOT = re.compile(r"\{(\w+)\}")
TURN = re.compile(r"\[([^\[\]]*)\]")
ARTICLE = re.compile(r"\b([Aa])(?= [aeiou][a-z])")
START = re.compile(r"(?:\A|(?<=[.?!] ))[a-z]")

Pools = dict[str, tuple[str, ...]]


@lru_cache(maxsize=6)
def load(folder: str, split: str) -> Pools:
    """`words` by slot, or `wordings` by calculation."""
    text = (FOLDER / folder / f"{split}.txt").read_text(encoding="utf-8").strip()
    if folder == "words":
        pairs = (line.split(": ", 1) for line in text.splitlines())
        return {slot: tuple(words.split(", ")) for slot, words in pairs}
    blocks = (block.splitlines() for block in text.split("\n\n"))
    return {kind: tuple(lines) for kind, *lines in blocks}


def filled(rng: random.Random, wording: str, numbers: dict[str, str], words: Pools) -> str:
    """A wording with its turns taken and its slots filled, each sentence with a capital letter."""
    slots = dict(numbers)
    for kind, entries in words.items():
        names = SLOTS.get(kind, (kind,))
        slots |= zip(names, rng.choice(entries).split(" ", len(names) - 1), strict=True)
    chosen = TURN.sub(lambda turn: rng.choice(turn[1].split("|")), wording)
    text = ARTICLE.sub(r"\1n", SLOT.sub(lambda slot: slots[slot[1].casefold()], chosen))
    return START.sub(lambda letter: letter[0].upper(), text) if " " in text else text
