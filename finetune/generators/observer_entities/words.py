"""The words and wordings of a split: the grading task's names and things where they fit, and our own beside them.

words/*.txt has a line per slot; its lines in capitals are ties between people, `PREDICATE woman|man time: words`.
wordings/*.txt has blocks with a blank line between them. The first line of a block of facts says what each of its
lines tells, `PREDICATE slot time`, several with a comma between; a last word names what the fact is about if that is
not the speaker. In a line `{1}` is the first fact's thing, `{1-}` the same without its article, `{I}`, `{me}`, `{my}`
the one who it is about, `<am|is>` the form for the user and for others, `[this|that|]` one of several turns.
"""

import re
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from finetune.generators.observer.words import load as shared_words
from finetune.generators.pools import Pools, read
from finetune.outputs.observer_grammar import NAME

_read = partial(read, Path(__file__).parent)
ARTICLE = re.compile(r"\A(?:an?|the|two|three) ")
#: slot of a fact -> entity type, and the slots of the words that may fill it
SLOTS = {
    "firm": ("Organization", ("firm",)),
    "school": ("Organization", ("school",)),
    "place": ("Place", ("city", "country", "town")),
    "role": ("Role", ("job", "role")),
    "taste": ("Concept", ("dish", "drink", "music")),
    "topic": ("Concept", ("topic", "hobby")),
    "skill": ("Concept", ("language", "hobby")),
    "game": ("Concept", ("sport", "instrument")),
    "food": ("Concept", ("food",)),
    "illness": ("Concept", ("illness",)),
    "tool": ("Technology", ("tool",)),
    "device": ("Technology", ("device",)),
    "event": ("Concept", ("event",)),
    "date": ("Temporal", ("date",)),
}
#: of the grading task's lines
SHARED: tuple[str, ...] = ("city", "country", "firm", "job", "dish", "drink", "music", "topic", "hobby", "language")
SHARED += ("sport", "food", "illness", "tool", "woman", "man")


class Fact(NamedTuple):
    predicate: str
    slot: str
    time: str
    about: str = ""  # "" = the one who the wording is about, "of" = the fact before, else the slot that it follows


class Kin(NamedTuple):
    predicate: str
    gender: str
    time: str


def bare(word: str) -> str:
    """The name of a thing: without its article."""
    return ARTICLE.sub("", word)


@lru_cache(maxsize=3)
def pools(split: str) -> Pools:
    """Words by slot; each is short enough to be a name in an answer. Firms are names, not `a law firm`."""
    found = {slot: words for slot, words in _read("words", split).items() if not slot[:2].isupper()}
    shared = shared_words("words", split)
    for slot in SHARED:
        fit = (word for word in shared[slot] if slot != "firm" or word[0].isupper())
        found[slot] = tuple(dict.fromkeys([*fit, *found.get(slot, ())]))
    return {slot: tuple(word for word in words if len(bare(word)) <= NAME) for slot, words in found.items()}


@lru_cache(maxsize=3)
def kin(split: str) -> dict[Kin, tuple[str, ...]]:
    return {Kin(*head.split()): words for head, words in _read("words", split).items() if head[:2].isupper()}


def facts(split: str) -> dict[tuple[Fact, ...], tuple[str, ...]]:
    """Wordings by the facts that they tell."""
    known = {head: lines for head, lines in _read("wordings", split).items() if head[:2].isupper()}
    return {tuple(Fact(*fact.split()) for fact in head.split(", ")): lines for head, lines in known.items()}


def kinds(split: str) -> dict[str, tuple[str, ...]]:
    """The other wordings by kind: kin, tell, before, ask, nothing, reply, answer."""
    return {head: lines for head, lines in _read("wordings", split).items() if not head[:2].isupper()}
