"""A request in plain words becomes a Sourcegraph search query. Scored by items, beside the seed's own evaluators."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from backends.base import Constraint
from backends.errors import BadInput
from finetune.outputs import sourcegraph_query as queries
from finetune.outputs.sourcegraph_grammar import LARK, MAX_CHARS
from finetune.rows import data
from finetune.scoring import baselines
from finetune.task import Field, Metric, Row, Scored, Target, Task, Trivial, Unreadable

MAX_REQUEST = 600  # characters; four times the longest that the adapter was taught on
THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
#: the user turn of the seed's training rows
TURN = re.compile(r"\A(?:Query: )?(.*?)(?:\nDate: [0-9-]+)?\s*\Z", re.DOTALL)
COLUMNS = ("natural_language", "query")


def clean(row: Row) -> dict[str, Any]:
    """A row with `natural_language` and `query`, or one of the seed's shapes: messages, pairs, gold rows."""
    row = _renamed(row)
    request, query = (data.text_in(row, column).strip() for column in COLUMNS)
    try:
        query = parse(query)
    except Unreadable as problem:
        raise BadInput(f"column query: {problem}") from None
    return {"natural_language": request, "query": query} | data.slices(row, COLUMNS)


def _renamed(row: Row) -> Row:
    if "messages" in row:
        return _from_messages(row["messages"])
    if "sourcegraph_query" in row:
        return {**row, "query": row["sourcegraph_query"]}
    if "user_query" in row:
        expected = row.get("expected_output")
        query = expected.get("query") if isinstance(expected, dict) else None
        return {**row, "natural_language": row["user_query"], "query": query}
    return row


def _from_messages(messages: Any) -> Row:
    try:
        said = {message["role"]: str(message["content"]) for message in messages}
        request, query = TURN.match(said["user"]), said["assistant"]
    except (TypeError, KeyError):
        raise BadInput("column messages: a user message and an assistant message are needed") from None
    return {"natural_language": request[1] if request else "", "query": query}


def parse(answer: str) -> str:
    """The query: plain on one line, or the seed's `{"query": "..."}`; what the model thought aloud is left out."""
    text = THINKING.sub("", answer).strip()
    if text.startswith("{"):
        text = _from_json(text)
    if not text:
        raise Unreadable("the answer holds no query")
    if "\n" in text:
        raise Unreadable(f"a query is one line, this answer has {len(text.splitlines())}")
    return text


def _from_json(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return text  # a search for a text that begins with a brace
    query = found.get("query")
    if not isinstance(query, str):
        raise Unreadable('the answer is a JSON object without a "query" text')
    return query.strip()


def judge(row: Row, value: str) -> tuple[bool, dict[str, float]]:
    """Correct = the seed's verdict, which ignores values; `strict` and `item_f1` compare them exactly."""
    verdict = queries.lenient(row["query"], value)
    return verdict.correct, {
        "item_f1": queries.item_f1(row["query"], value),
        "syntax_valid": float(verdict.syntax_valid),
        "semantic_match": float(verdict.semantic_match),
        "strict_match": float(queries.overlap(row["query"], value) == 1.0),
    }


def part(name: str) -> Callable[[Scored], float]:
    """A part of the row's score; an unreadable answer has none and counts 0."""
    return lambda scored: scored.parts.get(name, 0.0)


def unfit(row: Row) -> str | None:
    request = row["natural_language"]
    if not request.strip():
        return "There is no request: say in a sentence what to search for"
    if len(request) > MAX_REQUEST:
        return f"The request has {len(request):,} characters; this task takes one of at most {MAX_REQUEST}"
    if not re.search(r"\w", request):
        return "There is no word in this request: say in a sentence what to search for"
    return None


def generate(split: str, seed: int) -> Iterable[dict[str, Any]]:
    from finetune.generators import sourcegraph

    return sourcegraph.rows(split, seed)


METRICS = (
    Metric("item_f1", "F1 of query items", "mean", "higher", part=part("item_f1")),
    Metric("correct", "correct (seed: syntax and meaning)", "rate", "higher", part=lambda s: float(s.correct)),
    Metric("syntax_valid", "valid syntax (seed)", "rate", "higher", part=part("syntax_valid")),
    Metric("semantic_match", "same meaning (seed)", "rate", "higher", part=part("semantic_match")),
    Metric("strict_match", "every expected item, exactly", "rate", "higher", part=part("strict_match")),
    Metric("valid", "readable answers", "rate", "higher", part=lambda s: float(s.value is not None)),
)

#: of the seed's report
TARGETS = (
    Target("syntax_valid", 0.95, "higher"),
    Target("semantic_match", 0.70, "higher"),
    Target("latency_ms", 100.0, "lower"),
)

SAMPLES = (
    {"natural_language": "Find usages of parseDuration in the northwind/billing-api repo"},
    {"natural_language": "where is RateLimiter defined in grafana?"},
    {"natural_language": 'Python code in the zulip repository that logs "connection lost", but not in tests'},
    {"natural_language": "commits by maria about retries in acme's checkout-service in the last two weeks"},
)

TASK = Task(
    name="sourcegraph",
    title="Sourcegraph query",
    summary="Say what you are looking for; get the Sourcegraph search query for it.",
    inputs=(Field("natural_language", "Request", "say what to search for, and where", lines=3),),
    target="query",
    instruction=(
        "Write the Sourcegraph search query for this request. A repository with a known owner is "
        r"repo:^github\.com/owner/name$, else repo:name. Keep code words as they are written."
    ),
    cue="Query:",
    max_new_tokens=MAX_CHARS + 1,  # a character is at most one token, and the end is one more
    stop=("\n",),
    panel="query",
    constraint=Constraint("lark", LARK),
    samples=SAMPLES,
    clean=clean,
    answer_of=lambda row: row["query"],
    parse=parse,
    judge=judge,
    metrics=METRICS,
    primary="item_f1",
    targets=TARGETS,
    trivial=(
        baselines.constant("repo-a", "always repo:a", "repo:a"),
        baselines.constant(
            "every-operator", "always every operator", " ".join(f"{name}:a" for name in sorted(queries.OPERATORS))
        ),
        Trivial(
            "echo", "the words of the request", lambda train: lambda row: " ".join(row["natural_language"].split())
        ),
    ),
    unfit=unfit,
    generate=generate,
)
