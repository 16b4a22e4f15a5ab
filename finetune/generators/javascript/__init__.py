"""JavaScript functions with their complexity, spread over the whole range, in three splits that share no shape and no
word. Long flat code (tables, assignments) and short dense code (conditions in conditions) both occur at the same
score, as in real code, so that the length of a function alone says little.

Not covered: code that makes sense. It parses, names are declared before use, and that is all that a score looks at.
"""

import random
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from finetune.generators.javascript import comments, shapes_test, shapes_train, shapes_val, style
from finetune.generators.javascript.words import words
from finetune.generators.javascript.writer import Shapes, Writer, capital
from finetune.outputs.complexity_label import count

SHAPES: dict[str, Shapes] = {"train": shapes_train.SHAPES, "val": shapes_val.SHAPES, "test": shapes_test.SHAPES}
ROWS = {"train": 900, "val": 100, "test": 200}
#: share of rows per score from 1-2 to 9-10: real code is mostly simple
SHARES = (16, 18, 17, 13, 12, 8, 7, 5, 4)
MOST_TOKENS = 480  # of lizard; about 1,000 of Gemma's
TRIES = 12
MOST_CHARS = 3_000
UTILITY_SHARE = 0.4  # of the rows below 4: small functions with a name that tells what they do

#: what a function is mostly made of: kinds of statements with their weights
MIXES: dict[str, Mapping[str, float]] = {
    "flat": {"flat": 10, "table": 1},
    "tables": {"table": 4, "flat": 3},
    "branches": {"branch": 6, "flat": 5, "loop": 1},
    "loops": {"loop": 4, "flat": 4, "branch": 2},
    "dense": {"dense": 8, "flat": 1, "branch": 2},
    "callbacks": {"callback": 5, "flat": 4, "branch": 1},
    "mixed": {"flat": 6, "branch": 3, "loop": 2, "dense": 2, "table": 1, "callback": 1},
    "asynchronous": {"asynchronous": 4, "flat": 4, "branch": 2, "dense": 1},
    "generator": {"yielding": 3, "loop": 2, "flat": 3, "branch": 1},
}

OFTEN = (4, 4, 3, 2, 6, 4, 3, 2, 1)  # how often each mix is chosen

FORMS = {
    "plain": (
        "function NAME(PARAMETERS) {\nBODY\n}",
        "function NAME(PARAMETERS) {\nBODY\n}",
        "const NAME = (PARAMETERS) => {\nBODY\n};",
        "const NAME = function (PARAMETERS) {\nBODY\n};",
        "exports.NAME = function (PARAMETERS) {\nBODY\n};",
        "export function NAME(PARAMETERS) {\nBODY\n}",
        "class THING {\n  NAME(PARAMETERS) {\nBODY\n  }\n}",
        "THING.prototype.NAME = function (PARAMETERS) {\nBODY\n};",
    ),
    "asynchronous": (
        "async function NAME(PARAMETERS) {\nBODY\n}",
        "const NAME = async (PARAMETERS) => {\nBODY\n};",
        "export const NAME = async (PARAMETERS) => {\nBODY\n};",
        "class THING {\n  async NAME(PARAMETERS) {\nBODY\n  }\n}",
    ),
    "generator": ("function* NAME(PARAMETERS) {\nBODY\n}", "export function* NAME(PARAMETERS) {\nBODY\n}"),
}


def rows(split: str, seed: int) -> Iterator[dict[str, Any]]:
    """`ROWS[split]` rows, no two alike, the scores spread by `SHARES`; the same for the same seed."""
    rng = random.Random(f"{split}/{seed}")
    seen: set[str] = set()
    for low in _scores(ROWS[split], rng):
        while True:
            row = _row(rng, split, low)
            if row and (shape := skeleton(row["code"])) not in seen:
                seen.add(shape)
                yield row
                break


KEYWORDS = (
    "function|return|if|else|for|while|do|switch|case|default|break|continue|const|let|var|new|throw|try|catch|"
    "async|await|yield|class|of|in|typeof"
)
NAME = re.compile(rf"\b(?!(?:{KEYWORDS})\b)[\w$]+\b")


def skeleton(code: str) -> str:
    """The code without its names, values, comments and looks: equal for two fillings of one shape."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", code, flags=re.DOTALL)
    code = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`]*`", "x", code)
    return "".join(re.sub(r"\b(?:let|var)\b", "const", NAME.sub("x", code)).replace(";", "").split())


def _scores(total: int, rng: random.Random) -> list[int]:
    """The whole-number part of each row's score, in random order."""
    lows = [low for low, share in enumerate(SHARES, 1) for _ in range(round(total * share / sum(SHARES)))]
    lows = (lows + [1] * total)[:total]
    rng.shuffle(lows)
    return lows


def _row(rng: random.Random, split: str, low: int) -> dict[str, Any] | None:
    """A function whose score lies in low ... low + 1 (10.0 belongs to 9), grown or shrunk until it does."""
    utility = low <= 3 and rng.random() < UTILITY_SHARE
    name = "utility" if utility else rng.choices(list(MIXES), OFTEN)[0]
    size = rng.uniform(1, 5) * low
    for _ in range(TRIES):
        code = _utility(rng, split) if utility else _function(rng, split, name, round(size))
        counts = count(code)
        if counts is None or counts.tokens > MOST_TOKENS or len(code) > MOST_CHARS:
            return None
        if min(int(counts.score), 9) == low:
            return {"code": code, "score": counts.score, "style": name}
        size = max(1.0, size * (1.35 if counts.score < low else 0.75))
    return None


def _function(rng: random.Random, split: str, mix: str, size: int) -> str:
    writer = Writer(rng, words(split), SHAPES[split], MIXES[mix], spread=min(14, 3 + size // 4))
    parameters = [writer.parameter(rng.choice(("list", "obj", "obj", "val"))) for _ in range(rng.randint(0, 3))]
    guard = writer.make("guard") + "\n" if rng.random() < 0.2 else ""
    inner = writer.block(size)
    end = "\n" + writer.make("end") if rng.random() < 0.8 else ""
    form = rng.choice(FORMS.get(mix, FORMS["plain"]))
    name, thing = writer.function_name(), capital(writer.make("noun"))
    head = form.replace("NAME", name).replace("THING", thing).replace("PARAMETERS", ", ".join(parameters))
    sentence = capital(writer.make("sentence"))
    return _laid_out(rng, writer, head, guard + inner + end, name, parameters, sentence, commented=0.3)


def _utility(rng: random.Random, split: str) -> str:
    head, _, body = rng.choice(utilities(split)).partition("\n")
    names, parameters, sentence = re.fullmatch(r"([\w|]+)\((.*)\): (.*)", head).groups()  # type: ignore[union-attr]
    writer = Writer(rng, words(split), SHAPES[split], {"flat": 1}, spread=3)
    writer.bare = True
    known = {"name": rng.choice(names.split("|"))}
    for parameter in parameters.split(", "):
        kind, key = parameter.split()
        known[key] = writer.parameter(kind)
    own = [name for key, name in known.items() if key != "name"]
    check = writer.make("check", {"own": own[0]}) + "\n" if rng.random() < 0.35 else ""
    inner = check + writer.fill(body, known)
    form = rng.choice(("function NAME(PARAMETERS) {\nBODY\n}", *FORMS["plain"][:5]))
    head = form.replace("NAME", known["name"]).replace("PARAMETERS", ", ".join(own))
    return _laid_out(rng, writer, head, inner, known["name"], own, sentence, commented=0.6)


def _laid_out(
    rng: random.Random,
    writer: Writer,
    form: str,
    body: str,
    name: str,
    parameters: list[str],
    sentence: str,
    commented: float,
) -> str:
    """Head and body together, in one style, with or without comments."""
    noted = rng.choice((0.0, 0.0, 0.08, 0.2))
    indent = "    " if form.startswith("class") else "  "
    lines = []
    for line in body.split("\n"):
        statement = line.startswith(("const", "let", "if", "for")) and not line.startswith(" ")
        if statement and rng.random() < noted:
            lines.append(indent + writer.make("note"))
        lines.append(indent + line)
    code = style.draw(rng).apply(form.replace("BODY", "\n".join(lines)), rng)
    if rng.random() < commented:
        code = comments.above(rng, name, parameters, sentence, lambda: comments.example_value(rng)) + code
    return code


@lru_cache(maxsize=3)
def utilities(split: str) -> tuple[str, ...]:
    """Small functions with a name that tells what they do: first line `names(kind key, ...): what it does`."""
    path = Path(__file__).parent / "utilities" / f"{split}.txt"
    return tuple(path.read_text().strip().split("\n\n"))
