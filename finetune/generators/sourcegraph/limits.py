"""What narrows a search down: language, files, people, time, how much to show and how to compare."""

from collections.abc import Callable

from finetune.generators.sourcegraph.draw import Clause, Draw
from finetune.generators.sourcegraph.names import EXTENSIONS, quoted

#: wording -> the one item that it asks for
FIXED = {
    "count_all": "count:all",
    "forks": "fork:yes",
    "only_forks": "fork:only",
    "archived": "archived:yes",
    "only_archived": "archived:only",
    "private": "visibility:private",
    "public": "visibility:public",
    "only_repos": "select:repo",
    "only_files": "select:file",
}
COUNTS = (5, 10, 20, 25, 50, 100, 200, 500, 1000)
SECONDS = (10, 20, 30, 60)


class Limits:
    """Draws limits; each method is one kind."""

    def __init__(self, draw: Draw) -> None:
        self.draw, self.names, self.rng = draw, draw.names, draw.rng

    def language(self) -> Clause:
        value, spoken = self.names.language()
        if self.draw.chance(0.12):
            return self.draw.clause("not_lang", f"-lang:{value}", l=spoken)
        return self.draw.clause("lang", f"lang:{value}", l=spoken)

    def file(self) -> Clause:
        extension, folder, inner = self.rng.choice(EXTENSIONS), self.names.folder(), self.names.folder()
        path = folder if self.draw.chance(0.6) else f"{folder}/{inner}"
        return self._one_of(
            lambda: self.draw.clause("extension", f"file:\\.{extension}$", e=extension),
            lambda: self.draw.clause("folder", f"file:^{path}/", d=path),
            lambda: self.draw.clause("path", f"file:{folder}", w=folder),
        )

    def not_file(self) -> Clause:
        folder = self.names.folder()
        return self.draw.clause("not_path", f"-file:{folder}", w=folder)

    def breadth(self) -> Clause:
        kind = self.rng.choice((*FIXED, "count", "count", "count", "count_all", "timeout"))
        number = str(self.rng.choice(COUNTS if kind == "count" else SECONDS))
        item = {"count": f"count:{number}", "timeout": f"timeout:{number}s"} | FIXED
        return self.draw.clause(kind, item[kind], c=number)

    def context(self) -> Clause:
        name = self.rng.choice((f"@{self.names.owner()}", "-".join(self.draw.nouns())))
        return self.draw.clause("context", f"context:{name}", w=name)

    def comparing(self) -> Clause:
        """Not for a search that is a regular expression already."""
        return self._one_of(
            lambda: self.draw.clause("case", "case:yes"),
            lambda: self.draw.clause("case", "case:yes"),
            lambda: self.draw.clause("literal", "patterntype:literal"),
        )

    def person(self) -> Clause:
        name = self.names.person()
        kind = "committer" if self.draw.chance(0.12) else "author"
        return self.draw.clause(kind, f"{kind}:{quoted(name)}", w=name)

    def message(self) -> Clause:
        text = self.names.noun() if self.draw.chance(0.4) else self.draw.code("text")
        return self.draw.clause("message", f"message:{quoted(text)}", w=quoted(text))

    def time(self) -> Clause:
        clause = self.draw.clause
        (first, said), (second, said_second) = sorted((self.names.day(), self.names.day()))
        ago, span = self.names.span()
        unit = self.rng.choice(("week", "month", "year"))
        return self._one_of(
            lambda: clause("after", f"after:{first}", d=said),
            lambda: clause("before", f"before:{first}", d=said),
            lambda: clause("between", f"after:{first}", f"before:{second}", d=said, e=said_second),
            lambda: clause("within", f'after:"{ago}"', d=span),
            lambda: clause("within", f'after:"{ago}"', d=span),
            lambda: clause("after", f'after:"1 {unit} ago"', d=f"last {unit}"),
            lambda: clause("yesterday", "after:yesterday"),
        )

    def _one_of(self, *makers: Callable[[], Clause]) -> Clause:
        return self.rng.choice(makers)()
