"""The subjects of a split, read from the text files in domains/. No subject, name or wording stands in two of them.

A block is a subject, a line a pool of words (`who: two wardens, a university`), an opening sentence (`intro:`) or one
of three kinds of things that a text can tell:
- `fact | sentence | question | answer | what is asked`: the last is what a text that lacks it does not say.
- `pair POOL LOW-HIGH | sentence | question | answer | comparing question | its answer`: two values, `{v1}` and `{v2}`,
  for two words of the pool; without a number a slot is the one asked for, with + or - that of the larger or smaller.
- `none | question | what is asked`: no text tells this.
`{S}` is the name, `{it}` stands for it, `{y}` and `{z}` are years, `{f}` one to come, `{a:3-40/5}` is a number;
`[...]` is an aside that may be left out, and answers leave it out; `<this|that>` is one of several wordings.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "domains"


@dataclass
class Domain:
    name: str
    pools: dict[str, tuple[str, ...]] = field(default_factory=dict)
    intros: list[str] = field(default_factory=list)
    #: the parts of each line, the kind with its options first
    facts: list[list[str]] = field(default_factory=list)
    pairs: list[list[str]] = field(default_factory=list)
    untold: list[list[str]] = field(default_factory=list)

    def add(self, line: str) -> None:
        kind, *parts = line.split(" | ")
        if parts:
            {"fact": self.facts, "pair": self.pairs, "none": self.untold}[kind.split()[0]].append([kind, *parts])
            return
        name, words = line.split(": ", 1)
        if name == "intro":
            self.intros.append(words)
        else:
            self.pools[name] = tuple(words.split(", "))


@lru_cache(maxsize=3)
def load(split: str) -> tuple[Domain, ...]:
    blocks = (FOLDER / f"{split}.txt").read_text(encoding="utf-8").strip().split("\n\n")
    found = []
    for heading, *lines in map(str.splitlines, blocks):
        domain = Domain(heading.removeprefix("# "))
        for line in lines:
            domain.add(line)
        found.append(domain)
    return tuple(found)
