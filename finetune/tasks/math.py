"""Arithmetic and word problems, worked out in small steps with the final answer apart on the last line."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from backends.base import Constraint
from finetune.outputs import math_answer, math_rows, math_steps
from finetune.outputs.math_answer import Solution
from finetune.outputs.math_grammar import LARK, MAX_TOKENS
from finetune.task import Field, Metric, Row, Scored, Task, Trivial

MAX_QUESTION = 1_200  # characters; six times the longest that the adapter was taught on
COUNTED = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand"
    r"|half|third|quarter|twice|double|triple|dozen|zero)\b",
    re.IGNORECASE,
)
FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")


def answer_of(row: Row) -> str:
    last = f"Answer: {row['answer']}"
    return f"{row['solution']}\n{last}" if row.get("solution") else last


def judge(row: Row, value: Solution) -> tuple[bool, dict[str, float]]:
    """Correct = the marked final answer is the expected number; the other figures are stricter or milder."""
    right = math_answer.same(row["answer"], value["final"])
    return right, {
        "exact": float(right),
        "text": float(math_answer.same_text(row["answer"], value["final"])),
        "lenient": float(right or (value["final"] is None and math_answer.same(row["answer"], value["last"]))),
        "format": float(value["formed"]),
        "plan": float(math_steps.planned(value["steps"]) == math_answer.number(row["answer"]) is not None),
        "steps": float(math_steps.all_right(value["steps"])),
    }


def part(name: str) -> Callable[[Scored], float]:
    """A part of the row's score; an unreadable answer has none and counts 0."""
    return lambda scored: scored.parts.get(name, 0.0)


def majority(train: Sequence[Row]) -> Callable[[Row], str]:
    most = Counter(row["answer"] for row in train).most_common(1)[0][0]
    return lambda row: f"Answer: {most}"


def copy(row: Row) -> str:
    """The largest number in the question, which is more often the answer than the first or the last one."""
    figures = [figure.replace(",", "").rstrip(".") for figure in FIGURE.findall(row["question"])]
    return f"Answer: {max(figures, key=float, default='0')}"


def unfit(row: Row) -> str | None:
    question = row["question"]
    if not question.strip():
        return "There is no question: write a calculation or a word problem"
    if len(question) > MAX_QUESTION:
        return f"The question has {len(question):,} characters; this task takes one of at most {MAX_QUESTION:,}"
    if not COUNTED.search(question):
        return "There is no number in this question: write a calculation such as 63 * 37, or a word problem"
    return None


def generate(split: str, seed: int) -> Iterable[dict[str, Any]]:
    from finetune.generators import math

    return math.rows(split, seed)


METRICS = (
    Metric("answer_exact", "right final answer (within 1e-6)", "rate", "higher", part=part("exact")),
    Metric("format", "the form is kept", "rate", "higher", part=part("format")),
    Metric("plan_right", "the plan comes to the right answer", "rate", "higher", part=part("plan")),
    Metric("steps_right", "every step is right", "rate", "higher", part=part("steps")),
    Metric("answer_text", "final answer, letter by letter (seed)", "rate", "higher", part=part("text")),
    Metric("answer_lenient", "right, else right last number", "rate", "higher", part=part("lenient")),
    Metric("valid", "readable answers", "rate", "higher", part=lambda s: float(s.value is not None)),
)

SAMPLES = (
    {"question": "What is 748 + 2965?"},
    {"question": "84 * 67 ="},
    {"question": "A bakery packs 936 rolls into bags of 8. How many bags are needed?"},
    {"question": "Marta has $250 and buys 6 books for $18 each. How much money is left?"},
    {"question": "Subtract 3087 from 1542."},
)

TASK = Task(
    name="math",
    title="Mathematics",
    summary="Ask a calculation or a word problem; get it worked out in small steps, with the final answer apart.",
    inputs=(Field("question", "Question", "write a calculation or a word problem", lines=3),),
    target="answer",
    instruction="Solve step by step, digit by digit.",
    cue="Solution:",
    max_new_tokens=MAX_TOKENS,
    panel="worked",
    constraint=Constraint("lark", LARK),
    samples=SAMPLES,
    clean=math_rows.clean,
    answer_of=answer_of,
    parse=math_answer.read,
    judge=judge,
    metrics=METRICS,
    primary="answer_exact",
    trivial=(
        Trivial("majority", "always the most frequent answer", majority),
        Trivial("copy", "the largest number in the question", lambda train: copy),
    ),
    unfit=unfit,
    generate=generate,
)
