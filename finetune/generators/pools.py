"""Words and wordings of a split, read from text files beside a generator.

words/*.txt has a line per slot, `slot: word, word`. wordings/*.txt has blocks with a blank line between them, the first
line of a block its kind. What stands in a word or a wording is the generator's own.
"""

from functools import lru_cache
from pathlib import Path

Pools = dict[str, tuple[str, ...]]


@lru_cache(maxsize=24)
def read(beside: Path, folder: str, split: str) -> Pools:
    """`words` by slot, or `wordings` by kind."""
    text = (beside / folder / f"{split}.txt").read_text(encoding="utf-8").strip()
    if folder == "words":
        pairs = (line.split(": ", 1) for line in text.splitlines())
        # numbers hold commas, so a comma only parts words when a blank follows
        return {slot: tuple(words.split(", ")) for slot, words in pairs}
    blocks = (block.splitlines() for block in text.split("\n\n"))
    return {kind: tuple(lines) for kind, *lines in blocks}
