"""Rows of mathematics in the shapes that are met: ours, MathBench's (cloze, choice, request), MathX's, GSM8K's.

Each becomes a question, its final answer and, where the row has one, the solution in steps.
"""

import re
from typing import Any

from backends.errors import BadInput
from finetune.outputs import math_answer
from finetune.rows import data
from finetune.task import Row, Unreadable

COLUMNS = ("question", "answer", "solution")
SHAPED = (*COLUMNS, "options", "body", "label", "messages", "generated_solution", "problem", "expected_answer")
#: GSM8K's notes for a calculator
NOTE = re.compile(r"<<[^<>]*>>")
LETTERS = "ABCDEFGHIJ"


def clean(row: Row) -> dict[str, Any]:
    found = _renamed(row)
    question = data.text_in(found, "question").strip()
    answer, solution = _answer(found)
    cleaned = {"question": question, "answer": answer} | ({"solution": solution} if solution else {})
    return cleaned | data.slices(row, SHAPED)


def _renamed(row: Row) -> Row:
    if isinstance(row.get("body"), dict):
        asked = _said(row["body"].get("messages"), "body")
        return {"question": asked.get("user"), "answer": row.get("answer", row.get("label"))}
    if "messages" in row:
        said = _said(row["messages"], "messages")
        return {"question": said.get("user"), "solution": said.get("assistant"), "answer": row.get("answer")}
    if "options" in row:
        return {"question": _with_options(row), "answer": _chosen(row)}
    renamed = {
        "question": row.get("question", row.get("problem")),
        "answer": row.get("answer", row.get("expected_answer")),
    }
    return renamed | {"solution": row.get("solution", row.get("generated_solution"))}


def _said(messages: Any, column: str) -> dict[str, str]:
    try:
        return {message["role"]: str(message["content"]) for message in messages}
    except (TypeError, KeyError):
        raise BadInput(f"column {column}: a list of messages with role and content is needed") from None


def _with_options(row: Row) -> str:
    lines = (f"{letter}. {option}" for letter, option in zip(LETTERS, _options(row), strict=False))
    return "\n".join([data.text_in(row, "question").strip(), *lines])


def _options(row: Row) -> list[str]:
    options = row["options"]
    if not isinstance(options, list) or not 2 <= len(options) <= len(LETTERS):
        raise BadInput(f"column options: a list of 2 to {len(LETTERS)} answers is needed")
    return [str(option).strip() for option in options]


def _chosen(row: Row) -> str:
    """The option that the letter names: an answer is a value here, not a letter."""
    options, letter = _options(row), str(row.get("answer", "")).strip().upper()
    if len(letter) != 1 or letter not in LETTERS[: len(options)]:
        raise BadInput(f"column answer: a letter from A to {LETTERS[len(options) - 1]} is needed beside options")
    return options[LETTERS.index(letter)]


def _answer(row: Row) -> tuple[str, str]:
    """(final answer, solution); a solution alone tells the answer at its end."""
    answer: Any = row.get("answer")
    solution = NOTE.sub("", str(row.get("solution") or "")).strip()
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        answer = str(answer)
    if isinstance(answer, str) and "####" in answer:
        return _marked(NOTE.sub("", answer))
    if answer is None and solution:
        return _marked(solution)
    return data.text_in({"answer": answer}, "answer").strip(), solution


def _marked(solution: str) -> tuple[str, str]:
    problem = BadInput("column answer: missing, and no final answer is marked in the solution")
    try:
        read = math_answer.read(solution)
    except Unreadable:
        raise problem from None
    if read["final"] is None:
        raise problem
    return read["final"], "\n".join(read["steps"])
