"""What the functions are about: domains and names, one text file a split, read from the folder words/.

No noun, field, verb, value or name stands in two splits. A file has a line per domain (nouns | fields | verbs | values
in quotes), a blank line, then the pools that local variables and parameters are named from.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "words"


@dataclass(frozen=True)
class Domain:
    """One subject: things, what they have, what is done to them, and values that stand in quotes."""

    nouns: tuple[str, ...]
    fields: tuple[str, ...]
    verbs: tuple[str, ...]
    states: tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """The words of one split; everything but the domains names local variables and parameters."""

    domains: tuple[Domain, ...]
    adjectives: tuple[str, ...]
    values: tuple[str, ...]
    lists: tuple[str, ...]
    objects: tuple[str, ...]
    counters: tuple[str, ...]
    numbers: tuple[str, ...]
    texts: tuple[str, ...]


@lru_cache(maxsize=3)
def words(split: str) -> Words:
    domains, _, pools = (FOLDER / f"{split}.txt").read_text().partition("\n\n")
    rows = [line.split("|") for line in domains.splitlines()]
    named = dict(line.split(":") for line in pools.splitlines())
    return Words(
        domains=tuple(Domain(*(tuple(part.split()) for part in row)) for row in rows),
        **{name: tuple(pool.split()) for name, pool in named.items()},
    )
