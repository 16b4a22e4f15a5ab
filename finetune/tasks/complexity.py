"""Rate the complexity of a JavaScript function, 1.0 to 10.0. The truth is computed (outputs/complexity_label.py)."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from backends.base import Constraint
from backends.errors import BadInput
from finetune.outputs.complexity_label import HIGHEST, LOWEST, count
from finetune.rows import data
from finetune.scoring import baselines
from finetune.task import Field, Metric, Row, Scored, Task, Unreadable

MAX_CHARS = 8_000  # twice the longest function that the adapter was taught on
#: the whole first line is the number, or the seed's "Complexity Score: 4.2" stands anywhere
ANSWER = re.compile(r"\A\s*([0-9]+(?:\.[0-9]+)?)[ \t]*(?:\n|\Z)|Complexity Score:\s*([0-9]+(?:\.[0-9]+)?)")
FENCE = re.compile(r"\A\s*```[a-z]*\n(.*?)\n?```\s*\Z", re.DOTALL)
METHOD = re.compile(r"\A\s*(?:(?:static|async|get|set)\s+)*[*#]?(?!(?:if|for|while|switch)\b)[\w$]+\s*\([^)]*\)\s*\{")


def shown(score: float) -> str:
    """A score as the answer has it; what lies outside the range is moved to its end."""
    return f"{min(max(score, LOWEST), HIGHEST):.1f}"


def clean(row: Row) -> dict[str, Any]:
    """A row with `code` and `score`, or one of the seed's: messages with the fenced code and the seed's answer."""
    if "messages" in row:
        row = _from_messages(row["messages"])
    code = data.text_in(row, "code")
    return {"code": code, "score": _score_in(row)} | data.slices(row, ("code", "score"))


def _score_in(row: Row) -> float:
    value = row.get("score")
    if value is None:
        raise BadInput("column score: missing")
    try:
        score = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        score = math.nan
    if not LOWEST <= score <= HIGHEST:
        raise BadInput(f"column score: a number from {LOWEST:g} to {HIGHEST:g} is needed, this is {str(value)[:40]!r}")
    return score


def _from_messages(messages: Any) -> dict[str, Any]:
    try:
        said = {message["role"]: str(message["content"]) for message in messages}
        code, answer = said["user"], said["assistant"]
    except (TypeError, KeyError):
        raise BadInput("column messages: a user message with the code and an assistant message are needed") from None
    fenced = FENCE.match(code)
    try:
        return {"code": fenced[1] if fenced else code, "score": parse(answer)}
    except Unreadable as problem:
        raise BadInput(f"column messages: {problem}") from None


def parse(answer: str) -> float:
    found = ANSWER.search(answer)
    if not found:
        raise Unreadable(f"no score in this answer: {answer.strip()[:60]!r}")
    score = float(found[1] or found[2])
    if not LOWEST <= score <= HIGHEST:
        raise Unreadable(f"no score in this answer: {score:g} is outside {LOWEST:g} to {HIGHEST:g}")
    return score


def judge(row: Row, value: float) -> tuple[bool, dict[str, float]]:
    """Green, as in the seed: less than 0.5 away, or less than a tenth of the truth."""
    error = round(abs(value - row["score"]), 6)
    return error < 0.5 or error / row["score"] < 0.1, {"error": error}


def worst_error(row: Row) -> float:
    return max(row["score"] - LOWEST, HIGHEST - row["score"])


def r2(rows: Sequence[Scored]) -> float | None:
    """Share of the spread that is explained, over the readable answers; None where all truths are equal."""
    pairs = [(s.row["score"], s.value) for s in rows if s.value is not None]
    if not pairs:
        return None
    mean = sum(truth for truth, _ in pairs) / len(pairs)
    spread = sum((truth - mean) ** 2 for truth, _ in pairs)
    return 1 - sum((truth - value) ** 2 for truth, value in pairs) / spread if spread else None


def unfit(row: Row) -> str | None:
    code = row["code"]
    if not code.strip():
        return "There is no code: paste one JavaScript function"
    if len(code) > MAX_CHARS:
        return f"The code has {len(code):,} characters; this task rates one function of at most {MAX_CHARS:,}"
    if METHOD.match(code) or count(code):
        return None
    return "This does not look like a JavaScript function: paste a whole one, from its head to its closing brace"


def generate(split: str, seed: int) -> Iterable[dict[str, Any]]:
    from finetune.generators import javascript

    return javascript.rows(split, seed)


METRICS = (
    Metric(
        key="mae",
        title="mean absolute error",
        kind="mean",
        better="lower",
        # an unreadable answer stays in the mean as the worst guess possible for its row
        part=lambda s: s.parts.get("error", worst_error(s.row)),
    ),
    Metric("within", "within 0.5 or 10 %", "rate", "higher", part=lambda s: float(s.correct)),
    Metric("r2", "r², readable answers", "statistic", "higher", compute=r2),
    Metric("valid", "readable answers", "rate", "higher", part=lambda s: float(s.value is not None)),
)

SAMPLES = (
    {
        "code": """function shippingCost(order) {
  if (!order || order.items.length === 0) {
    return 0;
  }
  const weight = order.items.reduce((sum, item) => sum + item.weight, 0);
  if (order.express && weight < 20) {
    return 12 + weight * 0.8;
  }
  return order.total > 100 ? 0 : 5.9;
}"""
    },
    {"code": "const fullName = (person) => `${person.first} ${person.last}`.trim();"},
    {
        "code": """function mergeSorted(left, right) {
  const merged = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    if (left[i] <= right[j]) {
      merged.push(left[i]);
      i++;
    } else {
      merged.push(right[j]);
      j++;
    }
  }
  return merged.concat(left.slice(i), right.slice(j));
}"""
    },
)

TASK = Task(
    name="complexity",
    title="JavaScript complexity",
    summary="How complex is this JavaScript function, from 1 (simple) to 10 (critical)?",
    inputs=(Field("code", "Code", "paste one JavaScript function", lines=14, language="javascript"),),
    target="score",
    instruction="Rate the complexity of this JavaScript function from 1.0 (trivial) to 10.0 (very complex).",
    cue="Complexity:",
    max_new_tokens=8,
    panel="gauge",
    constraint=Constraint("lark", r"start: /[1-9]\.[0-9]|10\.0/"),
    samples=SAMPLES,
    clean=clean,
    answer_of=lambda row: shown(row["score"]),
    parse=parse,
    judge=judge,
    metrics=METRICS,
    primary="mae",
    trivial=(
        baselines.constant("constant-5", "always 5.0", "5.0"),
        baselines.middle("score", shown),
        baselines.length("code", "score", shown),
    ),
    unfit=unfit,
    generate=generate,
)
