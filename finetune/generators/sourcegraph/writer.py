"""Writes one request and its query. Both come from the same clauses, so the query is right by construction.

Code words are kept as they are, and quoted only where blanks, colons or a leading minus would change their meaning.
"""

import random
from collections.abc import Sequence

from finetune.generators.sourcegraph.draw import START, Clause, Draw
from finetune.generators.sourcegraph.limits import Limits
from finetune.generators.sourcegraph.names import escaped, quoted
from finetune.generators.sourcegraph.places import Places
from finetune.generators.sourcegraph.words import Words

#: the order of a query's items; "words" are the texts that are searched for
ORDER = (
    ("repo", "-repo", "context", "fork", "archived", "visibility", "file", "-file", "lang", "-lang", "type")
    + ("author", "committer", "after", "before", "message", "words")
    + ("select", "count", "timeout", "case", "patterntype")
)
CATEGORIES = {"code": 66, "symbol": 6, "file": 5, "commit": 8, "diff": 8, "repo": 3, "browse": 4}
THINGS = {
    "what": 58,
    "ask": 11,
    "words": 8,
    "quoted": 7,
    "lang_what": 5,
    "both": 4,
    "either": 3,
    "without": 3,
    "regex": 3,
}
JOINED = {"both": (), "either": ("OR",), "without": ("NOT",)}


def query_of(clauses: Sequence[Clause]) -> str:
    """What the clauses ask for, in the usual order."""

    def place(item: str) -> int:
        name = item.split(":")[0]
        return ORDER.index(name if name in ORDER and ":" in item else "words")

    return " ".join(sorted((item for clause in clauses for item in clause.items), key=place))


class Writer:
    """One request: draws what is asked, where and how it is limited, then says it."""

    def __init__(
        self, rng: random.Random, words: Words, phrases: dict[str, str], famous: Sequence[tuple[str, str]]
    ) -> None:
        self.draw = Draw(rng, words, phrases)
        self.names = self.draw.names
        self.limits = Limits(self.draw)
        self.places = Places(self.draw, famous)

    def row(self) -> dict[str, str]:
        write = {
            "code": self._code,
            "symbol": self._symbol,
            "file": self._file,
            "commit": self._commit,
            "diff": self._diff,
            "repo": self._repo,
            "browse": self._browse,
        }
        category = self.draw.weighted(CATEGORIES)
        clauses = write[category]()
        query = query_of(clauses)
        return {"natural_language": self._sentence(clauses), "query": query, "category": _slice(category, clauses)}

    # What is asked: the first clause is the thing, the second the place, then limits.

    def _code(self) -> list[Clause]:
        thing, place = self._thing(), self._place(0.82)
        limits = self.limits
        makers = [limits.language, limits.file, limits.not_file, limits.breadth]
        if not thing.has("patterntype"):
            makers.append(limits.comparing)
        more = self.draw.some(makers, 0.33)
        if not place.said and not more:  # a bare word is no search worth teaching
            more = self.draw.some([limits.language, limits.file, limits.context], 0.0, least=1)
        return [thing, place, *more]

    def _thing(self) -> Clause:
        draw, kind = self.draw, self.draw.weighted(THINGS)
        x, y = self.names.keyword(), self.names.keyword()
        match kind:
            case "words":
                x, y = draw.nouns()
                return draw.clause(kind, x, y, x=x, y=y)
            case "quoted":
                text = draw.code("text")
                return draw.clause(kind, quoted(text), x=text)
            case "regex":
                text = draw.code("pattern")
                return draw.clause(kind, text, "patterntype:regexp", x=text)
            case "lang_what":
                value, spoken = self.names.language()
                return draw.clause(kind, f"lang:{value}", quoted(x), x=x, l=spoken)
            case "both" | "either" | "without":
                return draw.clause(kind, quoted(x), *JOINED[kind], quoted(y), x=x, y=y)
            case _:
                return Clause(draw.say(kind, x=x), (quoted(x),), question=kind == "ask")

    def _symbol(self) -> list[Clause]:
        x = self.draw.rng.choice((self.names.camel, self.names.pascal, self.names.snake, self.names.made_up))()
        kind = self.draw.weighted({"symbol": 2, "symbol_ask": 1, "function": 1})
        selected = ("select:symbol.function",) if kind == "function" else ()
        thing = Clause(self.draw.say(kind, x=x), ("type:symbol", x, *selected), question=kind == "symbol_ask")
        return [thing, self._place(0.75), *self.draw.some([self.limits.language, self.limits.not_file], 0.25)]

    def _file(self) -> list[Clause]:
        name = self.names.file()
        thing = self.draw.clause("file_named", f"file:{escaped(name)}$", x=name)
        return [thing, self._place(0.8), *self.draw.some([self.limits.not_file, self.limits.breadth], 0.25)]

    def _commit(self) -> list[Clause]:
        x = self.draw.rng.choice((self.names.keyword, self.names.noun))()
        some = [self.limits.person, self.limits.time, self.limits.message]
        if self.draw.chance(0.4):
            return [self.draw.clause("any_commits", "type:commit"), self._place(), *self.draw.some(some, 0.6, least=1)]
        thing = self.draw.clause("commits", "type:commit", quoted(x), x=x)
        return [thing, self._place(), *self.draw.some(some, 0.6)]

    def _diff(self) -> list[Clause]:
        x = self.names.keyword()
        kind = self.draw.weighted({"diffs": 2, "added": 1, "removed": 1, "history_ask": 1})
        selected = (f"select:commit.diff.{kind}",) if kind in ("added", "removed") else ()
        thing = Clause(self.draw.say(kind, x=x), ("type:diff", quoted(x), *selected), question=kind == "history_ask")
        return [
            thing,
            self._place(),
            *self.draw.some([self.limits.person, self.limits.time, self.limits.language], 0.45),
        ]

    def _repo(self) -> list[Clause]:
        if self.draw.chance(0.4):
            name = self.names.repository()
            return [self.draw.clause("repos_named", f"repo:{escaped(name)}", "type:repo", x=name), Clause()]
        x = self.names.keyword()
        thing = self.draw.clause("repos", quoted(x), "select:repo", x=x)
        return [thing, Clause(), *self.draw.some([self.limits.language, self.limits.file], 0.5)]

    def _browse(self) -> list[Clause]:
        some = [self.limits.language, self.limits.file, self.limits.not_file]
        return [self.draw.clause("browse"), self.places.place(), *self.draw.some(some, 0.5)]

    def _place(self, share: float = 1.0) -> Clause:
        return self.places.place() if self.draw.chance(share) else Clause()

    # The sentence.

    def _sentence(self, clauses: Sequence[Clause]) -> str:
        draw, (thing, place, *limits) = self.draw, clauses
        rest = [place, *limits] if draw.chance(0.65) else [*limits, place]
        front = [clause.said + draw.rng.choice((",", ",", ":", "")) for clause in rest if clause.front]
        tail = [clause.said for clause in rest if clause.said and not clause.front]
        lead = [] if thing.question or draw.chance(0.3) else [draw.say("lead")]
        between = ", " if len(tail) > 1 and draw.chance(0.3) else " "
        text = " ".join([*front, *lead, thing.said, *([between.join(tail)] if tail else [])])
        if not thing.question and draw.chance(0.07):
            text += draw.rng.choice((" ", ", ")) + draw.say("polite")
        asked = thing.question or any(said.startswith(("can ", "could ")) for said in lead)
        return self._finished(text, "?" if asked else ".", 0.7 if asked else 0.12)

    def _finished(self, text: str, mark: str, share: float) -> str:
        """Capital letter and end mark as people use them: sometimes. A name stays as it is."""
        if not text.startswith(START) and self.draw.chance(0.62):
            text = text[0].upper() + text[1:]
        return text.replace(START, "") + (mark if self.draw.chance(share) else "")


def _slice(category: str, clauses: Sequence[Clause]) -> str:
    """The seed's name for this kind of row."""
    thing, place, *limits = clauses
    if category == "commit" and len(thing.items) == 1 and any(clause.has("author") for clause in limits):
        return "author"
    if category in ("code", "browse"):
        if place.items:
            return "repo_scoped"
        return "lang" if any(clause.has("lang") for clause in clauses) else "keyword"
    return category
