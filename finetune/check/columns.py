"""Which column of a file plays which role of a task: guessed from whole words of its name and from its values.

Whole words, because "text" inside "context" names nothing. Values, judged by the task's own parser and its own idea of
what it can be asked, because a column called `output` may hold anything.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.task import Row, Task, Unreadable

ASKED = {
    *("question", "query", "prompt", "instruction", "input", "user", "human", "request", "problem", "utterance"),
    *("sentence", "passage", "document", "review", "task"),
}
#: name a question only where no word names an answer: `output_text` is one
VAGUE = {"text", "message", "content", "description"}
ANSWERED = {
    *("answer", "output", "completion", "response", "assistant", "target", "label", "reply", "solution", "expected"),
    *("gold", "result", "summary", "class", "category", "completions", "labels", "answers", "chosen", "score", "y"),
}
BESIDE = {"id", "index", "split", "source", "url", "date", "time", "timestamp", "system", "meta", "metadata", "idx"}
#: below this a guess is shown but not used
SURE = 0.5
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")


@dataclass(frozen=True)
class Guess:
    """`role` is a column of the task, or empty for what is kept beside; `why` is for the screen."""

    column: str
    role: str
    confidence: float
    why: str


def words_of(name: str) -> set[str]:
    """`userMessage`, `user_message` and ` User message ` are the same two words."""
    return {word.lower() for word in WORD.findall(name)}


def guess(rows: Sequence[Row], task: Task) -> list[Guess]:
    """One guess per column of `rows`, in their order; each role goes to the column that fits it best."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    values = {column: [row[column] for row in rows if row.get(column) not in (None, "")] for column in columns}
    every = [
        (confidence, -place, column, role, why)
        for place, column in enumerate(columns)
        for role in (*task.columns, task.target)
        for confidence, why in [_confidence(column, role, values, task)]
        if confidence > 0
    ]
    taken: dict[str, Guess] = {}
    for confidence, _, column, role, why in sorted(every, reverse=True):
        if column not in taken and role not in {g.role for g in taken.values()}:
            taken[column] = Guess(column, role, confidence, why)
    taken |= _second_part(taken, values, task)
    return [taken.get(column) or Guess(column, "", 1.0, "kept beside the row") for column in columns]


def _confidence(column: str, role: str, values: Mapping[str, list[Any]], task: Task) -> tuple[float, str]:
    name, why = _by_name(column, role, task)
    fit = _fit(values[column], role, task)
    if not name:  # then a fit says something only where the other columns do not fit
        others = [_fit(some, role, task) for other, some in values.items() if other != column]
        alone = fit > 0.9 and others and max(others) < 0.5
        return (0.6, f"the only column whose values can be read as {role}") if alone else (0.0, "")
    if fit < 0.5 and name < 1:
        return 0.0, ""
    return round(name * (0.3 + 0.7 * fit), 2), f"{why}; {fit:.0%} of its values can be read as {role}"


def _by_name(column: str, role: str, task: Task) -> tuple[float, str]:
    have, want = words_of(column), words_of(role)
    label = next((words_of(field.label) for field in task.inputs if field.column == role), set())
    if have == want:
        return 1.0, "has the task's own name"
    if have and have == label:
        return 0.95, "has the name that the task shows"
    if have & BESIDE and not have & (want | label):
        return 0.0, ""
    if have & (want | label):
        return 0.85, "shares a word with the task's own name"
    if role == task.target and have & ANSWERED and not have & ASKED:
        return 0.8, "is named like an answer"
    if role != task.target and have & (ASKED | VAGUE) and not have & ANSWERED and len(task.columns) == 1:
        return 0.8, "is named like a question"
    return 0.0, ""


def _fit(values: Sequence[Any], role: str, task: Task) -> float:
    """Share of the values that the task could use in this role."""
    if not values:
        return 0.0
    able = _answers if role == task.target else _asks
    return sum(able(value, role, task) for value in values) / len(values)


def _answers(value: Any, role: str, task: Task) -> bool:
    try:
        task.parse(str(value))
    except Unreadable:
        return False
    return not isinstance(value, bool)


def _asks(value: Any, role: str, task: Task) -> bool:
    if not isinstance(value, str) or not value.strip():
        return False
    return len(task.columns) > 1 or task.unfit({role: value}) is None


def _second_part(taken: Mapping[str, Guess], values: Mapping[str, list[Any]], task: Task) -> dict[str, Guess]:
    """Alpaca rows: an instruction and its input are one question; an instruction that never changes says nothing."""
    first = next((g for g in taken.values() if words_of(g.column) == {"instruction"} and g.role in task.columns), None)
    second = next((c for c in values if c not in taken and words_of(c) in ({"input"}, {"context"})), None)
    if not first or len(task.columns) > 1 or not second or not any(isinstance(v, str) for v in values[second]):
        return {}
    made = Guess(second, first.role, first.confidence, f"belongs to {first.column}")
    repeated = len(values[first.column]) > 1 and len(set(map(str, values[first.column]))) == 1
    beside = Guess(first.column, "", 1.0, "is the same in every row")
    return {second: made} | ({first.column: beside} if repeated else {})
