"""The words in which texts differ, so that two answers that look alike can be told apart."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

#: a number is one word, so that 3.3 and 1.0 differ as a whole
WORD = re.compile(r"\d+(?:[.,]\d+)*|\w+|\s+|[^\w\s]")

#: pieces of a text, each with whether another text lacks it
Marked = list[tuple[str, bool]]


def differences(texts: Sequence[str]) -> list[Marked]:
    """Each text in pieces: in the first those that any other lacks, in the others those that the first lacks."""
    first, *others = [WORD.findall(text) for text in texts]
    missing = [False] * len(first)
    marked = []
    for words in others:
        own = [True] * len(words)
        lacking = [True] * len(first)
        for a, b, size in SequenceMatcher(None, first, words, autojunk=False).get_matching_blocks():
            own[b : b + size] = [False] * size
            lacking[a : a + size] = [False] * size
        missing = [known or new for known, new in zip(missing, lacking, strict=True)]
        marked.append(_pieces(words, own))
    return [_pieces(first, missing), *marked]


def _pieces(words: Sequence[str], differ: Sequence[bool]) -> Marked:
    """Neighbours of one kind joined; white space alone is no difference."""
    pieces: Marked = []
    for word, differs in zip(words, differ, strict=True):
        differs = differs and not word.isspace()
        if pieces and pieces[-1][1] == differs:
            pieces[-1] = (pieces[-1][0] + word, differs)
        else:
            pieces.append((word, differs))
    return pieces
