"""The words and wordings of a split, read from the text files beside this one. Nothing stands in two splits.

words/*.txt has a line per slot, `slot: word, word`. wordings/*.txt has blocks with a blank line between them, the
first line of a block its kind; `{slot}` is a word, `[this|that|]` one of several turns, here the last one is nothing.
"""

from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent

Pools = dict[str, tuple[str, ...]]


@lru_cache(maxsize=6)
def load(folder: str, split: str) -> Pools:
    """`words` by slot, or `wordings` by kind."""
    text = (FOLDER / folder / f"{split}.txt").read_text(encoding="utf-8").strip()
    if folder == "words":
        pairs = (line.split(": ", 1) for line in text.splitlines())
        # numbers hold commas, so a comma only parts words when a blank follows
        return {slot: tuple(words.split(", ")) for slot, words in pairs}
    blocks = (block.splitlines() for block in text.split("\n\n"))
    return {kind: tuple(lines) for kind, *lines in blocks}
