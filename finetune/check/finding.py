"""Finding: one thing that the doctor saw in a file, in one plain sentence, its rows, and what --fix does about it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

Level = Literal["fatal", "warning", "note"]  # only a fatal one blocks the start
SHOWN = 10  # lines that are named


@dataclass(frozen=True)
class Finding:
    check: str
    level: Level
    count: int
    lines: tuple[int, ...]
    message: str
    #: what `--fix` does about it; empty = a person must decide
    fix: str = ""

    def public(self) -> dict[str, Any]:
        """The shape that scripts rely on."""
        return {key: value for key, value in asdict(self).items() if key != "fix"} | {"lines": list(self.lines)}


@dataclass
class Seen:
    """One readable row. `length` is None where it surely fits (finetune/check/lengths.py)."""

    line: int
    #: 0 = the file itself, 1, 2 ... = files of held-out rows beside it
    source: int
    row: dict[str, Any]
    #: the input columns and the answer, as text
    fields: tuple[str, ...]
    length: "Length | None" = None
    text: str = field(init=False)

    def __post_init__(self) -> None:
        self.text = "\n".join(self.fields)

    @property
    def answer(self) -> str:
        return self.fields[-1]


@dataclass(frozen=True)
class Length:
    """Tokens of a row: what is read, what is learned, and what ends it."""

    prompt: int
    answer: int
    end: int

    @property
    def total(self) -> int:
        return self.prompt + self.answer + self.end


class Check(Protocol):
    """Sees every row once, in the order of the file, and says at the end what it found."""

    def see(self, row: Seen) -> None: ...

    def findings(self) -> Iterator[Finding]: ...


class RowCheck:
    """A check that judges each row on its own."""

    def __init__(
        self,
        name: str,
        hit: Callable[[Seen], Any],
        sentence: str,
        level: Level = "warning",
        *,
        mend: Callable[[str], str] | None = None,
        fix: str = "",
        fatal_if_all: bool = False,
    ) -> None:
        self.name, self.hit, self.sentence, self.level = name, hit, sentence, level
        self.mend, self.fix, self.fatal_if_all = mend, fix, fatal_if_all
        self.rows = self.count = 0
        self.lines: list[int] = []

    def see(self, row: Seen) -> None:
        if row.source:
            return
        self.rows += 1
        if self.hit(row):
            self.count += 1
            if self.count <= SHOWN:
                self.lines.append(row.line)

    def findings(self) -> Iterator[Finding]:
        if self.count:
            every = self.fatal_if_all and self.count == self.rows
            level: Level = "fatal" if every else self.level
            share = " (every row: nothing is left to learn from)" if every else ""
            message = f"{rows(self.count)}{share}: {self.sentence}"
            yield Finding(self.name, level, self.count, tuple(self.lines), message, self.fix)


def rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
