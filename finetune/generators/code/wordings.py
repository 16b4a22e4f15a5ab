"""How a split says what is wanted: sentences, places, results. No sentence and no name stands in two splits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wordings:
    """`{sig}` is name(arguments), `{r}` what is returned, `{ns}` the elements, `{f}` which of them, `{m}` a change."""

    frames: tuple[str, ...]
    #: frames that go step by step: choose, replace, return
    steps: tuple[str, ...]
    places: dict[str, tuple[str, ...]]
    that: str
    #: the elements themselves, and what is made of each
    items: tuple[str, ...]
    changed: tuple[str, ...]
    #: the same where the wording of a change ends in its element
    changed_last: tuple[str, ...]
    those: str
    forms: dict[str, tuple[str, ...]]
    verbs: tuple[str, ...]
    numbers: dict[str, str]
    words: dict[str, str]
    texts: tuple[str, ...]
    counts: tuple[str, ...]
    dicts: tuple[str, ...]
    seconds: tuple[str, ...]
    bounds: tuple[str, ...]
    strings: tuple[str, ...]
    labels: tuple[str, ...]


def split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def nouns(text: str) -> dict[str, str]:
    return dict(pair.split("/") for pair in text.split())
