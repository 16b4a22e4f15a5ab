"""The file tree of the README, made from the docstrings. `python -m tests.tree` writes it into README.md."""

import ast
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch

from backends.settings import ROOT
from tests import code

README = ROOT / "README.md"
OPEN, CLOSE = "<!-- tree -->", "<!-- /tree -->"
WIDTH = 38  # of the column of names
ORDER = ("app.py", "ui/", "finetune/", "backends/", "examples/", "tests/")

#: files that have no docstring, and files that are one line together
NOTES = {
    "backends/catalog/adapters/*": "one published adapter each: base, task, Hub id, licence",
    "backends/catalog/bases/*": "one base each: origin, licence, size, engines that can run it",
    "examples/*/adapter/*": "the adapter that ships: weights, config, card, notice",
    "examples/*/*.jsonl": "train, val and test rows; no template stands in two of them",
    "examples/*/report.json": "the adapter measured on the test rows, as `eval report` prints it",
    "examples/screenshots/*": "the page as it looks",
    "finetune/runs/endings/causes.json": "causes that the failure doctor knows: signs, words, fix",
    "tests/runs/error_corpus.jsonl": "messages of real libraries, and the cause that each must be given",
    "finetune/compare/evidence/page.html": "the template of the evidence page: no script, nothing from elsewhere",
    "finetune/recipes/*": "one recipe each: a title and the knobs it sets",
    "finetune/generators/*.txt": "shapes that the generators fill",
    "tests/*/test_*.py": "one for each module above, named after it, and rules about the code as a whole",
    "tests/bench/RESULTS.md": "what the last measurement found, and on which machine",
    "ui/theme.css": "the style of our own parts, light and dark",
    "Makefile": "setup, run, test, quick, check, faults, kills, bench, adapters, tree",
    "requirements.txt": "what a Space installs, as ranges",
    "constraints.txt": "exact versions for development and CI",
    "tests/requirements.txt": "what development needs on top",
    "pyproject.toml": "settings of ruff, mypy and pytest",
    "SECURITY.md": "who is trusted, what is promised, how to report",
    "CONTRIBUTING.md": "how to add one in one file, and the rules of the house",
    "CHANGELOG.md": "what a user will notice",
    "LICENSE": "Apache-2.0, for the code",
    "NOTICE": "the terms of the weights",
    ".env.example": "every setting that the environment may hold",
    ".ci/run": "what CI runs: check, test, faults",
}
UNLISTED = ("README.md", ".gitignore", "*/__init__.py")  # this page; git's own; the line of a folder


def note_of(name: str) -> tuple[str, str] | None:
    """(the name to show, its line) of a file, or None when nobody has described it."""
    for pattern, line in NOTES.items():
        if fnmatch(name, pattern):
            return pattern.removesuffix("*") if pattern.endswith("/*") else pattern, line
    return (name, sentence(name)) if name.endswith(".py") and sentence(name) else None


def sentence(name: str) -> str:
    """The first sentence of a module's docstring, on one line."""
    first = (ast.get_docstring(code.tree_of(name)) or "").split("\n\n")[0].replace("\n", " ")
    return re.split(r"(?<=[.;]) (?=[A-Z`]|and )", first)[0].rstrip(".;")


def listed() -> list[str]:
    return [name for name in code.files() if not any(fnmatch(name, pattern) for pattern in UNLISTED)]


def undescribed() -> list[str]:
    return [name for name in listed() if note_of(name) is None]


def block() -> str:
    lines = dict(filter(None, map(note_of, listed())))
    return "\n".join(["```", *_lines(lines, ""), "```"])


def _lines(entries: dict[str, str], folder: str) -> Iterator[str]:
    """Files of `folder` first, then its folders, each with what is in it."""
    inside = [name for name in entries if name.startswith(folder) and name != folder]
    here = [name for name in inside if "/" not in name[len(folder) :]]
    below = {name[: name.index("/", len(folder)) + 1] for name in inside if name not in here}
    for name in sorted([*here, *below], key=lambda name: (_rank(name), name in below, name)):
        yield _line(name, len(folder.split("/")) - 1, entries.get(name) or _about(name))
        if name.endswith("/"):
            yield from _lines(entries, name)


def _line(name: str, depth: int, text: str) -> str:
    shown = "  " * depth + name.rstrip("/").rsplit("/", 1)[-1] + ("/" if name.endswith("/") else "")
    return f"{shown:<{WIDTH}} {text}".rstrip()


def _about(folder: str) -> str:
    own = f"{folder}__init__.py"
    return sentence(own) if own in code.files() else ""


def _rank(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def written(readme: str) -> str:
    """`readme` with the tree between its two marks."""
    before, rest = readme.split(OPEN)
    return f"{before}{OPEN}\n{block()}\n{CLOSE}{rest.split(CLOSE)[1]}"


if __name__ == "__main__":
    if missing := undescribed():
        sys.exit(f"Without a docstring or a line in tests/tree.py: {', '.join(missing)}")
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
