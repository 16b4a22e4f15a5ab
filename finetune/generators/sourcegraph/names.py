"""Names made of a split's words: identifiers to search for, repositories and their owners, people, dates."""

import random
import re
from collections.abc import Callable
from datetime import date, timedelta

from finetune.generators.sourcegraph.words import Words

NEEDS_QUOTES = re.compile(r'[\s:"]|\A-')
UNITS = ("day", "week", "month", "year")
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
#: (value of lang:, how people write it)
LANGUAGES = (
    ("python", "Python|python|py"), ("go", "Go|golang|Golang"), ("typescript", "TypeScript|TS|typescript"),
    ("javascript", "JavaScript|JS|javascript"), ("java", "Java|java"), ("rust", "Rust|rust"), ("ruby", "Ruby|ruby"),
    ("c++", "C++|cpp"), ("c", "C"), ("c#", "C#|csharp"), ("php", "PHP|php"), ("kotlin", "Kotlin|kotlin"),
    ("swift", "Swift"), ("scala", "Scala"), ("shell", "shell|bash"), ("yaml", "YAML|yaml"), ("json", "JSON"),
    ("markdown", "Markdown|markdown"), ("css", "CSS"), ("html", "HTML"), ("lua", "Lua"), ("haskell", "Haskell"),
    ("dart", "Dart"), ("sql", "SQL"), ("dockerfile", "Dockerfile"), ("perl", "Perl"), ("elixir", "Elixir"),
)  # fmt: skip
EXTENSIONS = (
    "py",
    "go",
    "ts",
    "js",
    "java",
    "rs",
    "rb",
    "cc",
    "cpp",
    "h",
    "cs",
    "php",
    "kt",
    "swift",
    "sh",
    "sql",
    "tsx",
) + ("yaml", "yml", "json", "md", "css", "html", "toml", "proto", "xml")


def quoted(text: str) -> str:
    """A text as one item of a query: in quotes where blanks, colons or a leading minus would mean something else."""
    return f'"{text}"' if NEEDS_QUOTES.search(text) else text


def escaped(text: str) -> str:
    """A name as a regular expression that means just it, in the spelling that people use: only dots and + matter."""
    return re.sub(r"([.+])", r"\\\1", text)


class Names:
    """Draws names of one split; those of one request come from one domain."""

    def __init__(self, rng: random.Random, words: Words) -> None:
        self.rng, self.words = rng, words
        self.nouns = rng.choice(words.nouns)
        self._keywords: list[tuple[Callable[[], str], int]] = [
            (self.camel, 15), (self.pascal, 16), (self.snake, 12), (self.constant, 7), (self.noun, 15),
            (self.dotted, 5), (lambda: f"{self.camel()}()", 3), (self.coloned, 3), (self.number, 5), (self.code, 4),
            (self.file, 4), (lambda: f"--{self.noun()}-{self.verb()}", 1), (self.header, 2), (self.made_up, 8),
            (self.sigil, 3), (lambda: f"{self.noun()}-{self.noun()}", 3),
        ]  # fmt: skip

    def keyword(self) -> str:
        makers, weights = zip(*self._keywords, strict=True)
        return self.rng.choices(makers, weights)[0]()

    def noun(self) -> str:
        return self.rng.choice(self.nouns)

    def verb(self) -> str:
        return self.rng.choice(self.words.verbs)

    def adjective(self) -> str:
        return self.rng.choice(self.words.adjectives)

    def camel(self) -> str:
        parts = [self.verb(), self.noun(), *self._sometimes(self.noun, 0.4)]
        return parts[0] + "".join(part.capitalize() for part in parts[1:])

    def pascal(self) -> str:
        parts = [*self._sometimes(self.adjective, 0.25), self.noun(), *self._sometimes(self.noun, 0.3)]
        end = self.rng.choice(self.words.suffixes) if self.rng.random() < 0.6 else self.verb().capitalize()
        return "".join(part.capitalize() for part in parts) + end

    def snake(self) -> str:
        parts = [*self._sometimes(self.verb, 0.6), self.noun(), self.rng.choice((self.noun, self.adjective))()]
        return "_".join(parts)

    def constant(self) -> str:
        middle = self.made_up().upper() if self.rng.random() < 0.35 else self.adjective().upper()
        parts = [self.noun().upper(), middle, *self._sometimes(lambda: str(self.rng.randint(2, 512)), 0.25)]
        return "_".join(parts)

    def dotted(self) -> str:
        return ".".join([self.noun(), *self._sometimes(self.noun, 0.3), self.rng.choice((self.camel, self.noun))()])

    def coloned(self) -> str:
        return self.rng.choice((f"{self.noun().capitalize()}::{self.verb()}", f"{self.noun()}:{self.verb()}"))

    def number(self) -> str:
        return str(self.rng.choice((self.rng.randint(100, 999), self.rng.randint(1000, 65535))))

    def code(self) -> str:
        rng = self.rng
        address = ".".join(str(rng.randint(1, 254)) for _ in range(4))
        number = rng.randint(16, 65535)
        return rng.choice((f"E{number}", hex(number), address, f"ERR{number % 100}"))

    def file(self) -> str:
        stem = self.rng.choice((self.snake, self.pascal, self.noun, lambda: f"{self.noun()}-{self.verb()}"))()
        return f"{stem}.{self.rng.choice(EXTENSIONS)}"

    def header(self) -> str:
        return f"X-{self.noun().capitalize()}-{self.adjective().capitalize()}"

    def sigil(self) -> str:
        return self.rng.choice("$@#&*") + self.rng.choice((self.camel, self.noun))()

    def made_up(self) -> str:
        """A word that means nothing, so that copying letter by letter is learnt."""
        text = "".join(self.rng.choices(self.words.syllables, k=self.rng.randint(2, 3)))
        return self.rng.choice((text, text, text.upper(), text.capitalize(), f"{text}{self.rng.randint(1, 99)}"))

    def owner(self) -> str:
        firm, end = self.rng.choice(self.words.firms), self.rng.choice(self.words.firm_ends)
        first, last = self.rng.choice(self.words.given), self.rng.choice(self.words.surnames)
        number = self.rng.randint(2, 999)
        companies = (firm, firm + end, f"{firm}-{end}", firm.capitalize() + end.capitalize(), f"{self.made_up()}-{end}")
        people = (f"{first}{last}", f"{first[0]}{last}", f"{first}{number}", f"{first}-{last}", self.made_up())
        return self.rng.choice(companies + people)

    def repository(self) -> str:
        a, b = self.rng.sample(self.nouns, 2)
        role, platform = self.rng.choice(self.words.roles), self.rng.choice(self.words.platforms)
        plain = (a, f"{a}-{b}", f"{a}-{role}", f"{platform}-{a}", f"{a}_{b}", f"{platform}-{a}-{role}", f"{role}-{a}")
        styled = (f"{a.capitalize()}{role.capitalize()}", f"{a}.{platform}", f"{a[:3].upper()}-{role.capitalize()}")
        coined = (self.made_up(), f"{self.made_up()}-{role}", f"{self.adjective()}{a}", f"{a}{self.rng.randint(2, 9)}")
        return self.rng.choice(plain + styled + coined)

    def person(self) -> str:
        first, last = self.rng.choice(self.words.given), self.rng.choice(self.words.surnames)
        full = f"{first.capitalize()} {last.capitalize()}"
        return self.rng.choice((first, last, f"{first}.{last}", full.lower(), full))

    def folder(self) -> str:
        return self.rng.choice((*self.words.folders, self.noun()))

    def language(self) -> tuple[str, str]:
        value, spellings = self.rng.choice(LANGUAGES)
        return value, self.rng.choice(spellings.split("|"))

    def day(self) -> tuple[str, str]:
        """`(YYYY-MM-DD, how it is written)`; a month means its first day, a year its first of January."""
        day = date(2019, 1, 1) + timedelta(days=self.rng.randrange(2500))
        month = f"{day:%B}" if self.rng.random() < 0.7 else f"{day:%b}"
        kind = self.rng.choice(("iso", "iso", "english", "european", "month", "year"))
        if kind == "month":
            return f"{day:%Y-%m}-01", f"{month} {day.year}"
        if kind == "year":
            return f"{day.year}-01-01", str(day.year)
        spoken = {"english": f"{month} {day.day}, {day.year}", "european": f"{day.day} {month} {day.year}"}
        return day.isoformat(), spoken.get(kind, day.isoformat())

    def span(self) -> tuple[str, str]:
        """`(2 weeks ago, two weeks)`"""
        number, unit = self.rng.randint(1, 10), self.rng.choice(UNITS)
        if number == 1:
            return f"1 {unit} ago", unit
        written = NUMBERS[number - 1] if self.rng.random() < 0.5 else str(number)
        return f"{number} {unit}s ago", f"{written} {unit}s"

    def _sometimes(self, make: Callable[[], str], chance: float) -> list[str]:
        return [make()] if self.rng.random() < chance else []
