"""The words and wordings of a split (finetune/generators/pools.py). Nothing stands in two splits.

An entry of several words fills several slots; the kind of a wording is the calculation that it asks for;
`[this|that]` is one of several turns.
"""

import random
import re
from functools import partial
from pathlib import Path

from finetune.generators import pools
from finetune.generators.pools import Pools

#: the slots that one entry of a kind fills
SLOTS = {"name": ("name", "she", "her"), "box": ("box", "boxes")}
SLOT = re.compile(r"\{(\w+)\}")
TURN = re.compile(r"\[([^\[\]]*)\]")
ARTICLE = re.compile(r"\b([Aa])(?= [aeiou][a-z])")
START = re.compile(r"(?:\A|(?<=[.?!] ))[a-z]")

load = partial(pools.read, Path(__file__).parent)


def filled(rng: random.Random, wording: str, numbers: dict[str, str], words: Pools) -> str:
    """A wording with its turns taken and its slots filled, each sentence with a capital letter."""
    slots = dict(numbers)
    for kind, entries in words.items():
        names = SLOTS.get(kind, (kind,))
        slots |= zip(names, rng.choice(entries).split(" ", len(names) - 1), strict=True)
    chosen = TURN.sub(lambda turn: rng.choice(turn[1].split("|")), wording)
    text = ARTICLE.sub(r"\1n", SLOT.sub(lambda slot: slots[slot[1].casefold()], chosen))
    return START.sub(lambda letter: letter[0].upper(), text) if " " in text else text
