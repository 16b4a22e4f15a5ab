"""The complexity score of a JavaScript function, 1.0 to 10.0, computed: the truth that the adapter learns to guess.

lizard counts; the formula weighs. lizard lists a function when it closes, so callbacks come before the function that
holds them: the score is that of the function around them (lizard counts a callback's body to the callback alone).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

LOWEST, HIGHEST = 1.0, 10.0
#: (highest score, name), ascending
BANDS = ((3.0, "Simple"), (6.0, "Moderate"), (8.5, "Complex"), (HIGHEST, "Critical"))


@dataclass(frozen=True)
class Counts:
    """What lizard counted in one function."""

    name: str
    cyclomatic: int
    tokens: int
    lines: int  # without blank lines and comments

    @property
    def score(self) -> float:
        return formula(self.cyclomatic, self.tokens, self.lines)


def formula(cyclomatic: int, tokens: int, lines: int) -> float:
    """Half branches, the rest size; each part is cut at 10."""
    branches = min(10.0, 2 * math.log2(cyclomatic + 1))
    weighed = 0.5 * branches + 0.3 * min(10.0, tokens / 40) + 0.2 * min(10.0, lines / 8)
    return round(min(max(weighed, LOWEST), HIGHEST), 1)


def count(code: str) -> Counts | None:
    """The counts of the outermost function in `code`; of several side by side the first, of none None."""
    import lizard

    found = lizard.analyze_file.analyze_source_code("snippet.js", code).function_list
    if not found:
        return None
    outer = found[0]
    for later in found[1:]:
        if _holds(later, outer):
            outer = later
    return Counts(outer.name, outer.cyclomatic_complexity, outer.token_count, outer.nloc)


def score(code: str) -> float:
    """The label of a training row; text without a function has the lowest score, as in the seed's formula."""
    counts = count(code)
    return counts.score if counts else LOWEST


def band(value: float) -> str:
    return next(name for highest, name in BANDS if value <= highest)


def band_edges() -> list[tuple[float, float, str]]:
    """`(from, to, name)` of every band, for gauges and tables."""
    ends = (LOWEST, *(highest for highest, _ in BANDS))
    return [(low, high, name) for (low, high), (_, name) in zip(pairwise(ends), BANDS, strict=True)]


def _holds(outer: Any, inner: Any) -> bool:
    """Does `outer`, which closed later, span `inner`? On one line the later one is taken to be around the earlier."""
    return outer.start_line <= inner.start_line and outer.end_line >= inner.end_line
