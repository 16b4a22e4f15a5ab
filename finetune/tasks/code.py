"""A request in plain words becomes a small Python function. Scored by running the row's tests, locked in."""

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from backends.errors import BadInput
from finetune.outputs import code_runner, python_code
from finetune.rows import data
from finetune.task import Field, Metric, Row, Scored, Task, Trivial, Unreadable

MAX_REQUEST = 1_000  # characters; four times the longest that the adapter was taught on
COLUMNS = ("instruction", "output")
OWN = ("entry_point", "tests")
#: the seed's columns that say the same again
SEED = ("code", "testcase")


def clean(row: Row) -> dict[str, Any]:
    """A row with `instruction`, `output`, perhaps `tests` and `entry_point`; or the seed's, with `testcase`."""
    instruction, output = (data.text_in(row, column).strip() for column in COLUMNS)
    try:
        tree = python_code.parsed(parse(output)["code"])
    except Unreadable as problem:
        raise BadInput(f"column output: {problem}") from None
    cleaned = {"instruction": instruction, "output": output}
    cleaned["entry_point"] = _entry_point(row, list(python_code.functions(tree)), instruction)
    tests = _tests(row.get("tests") or row.get("testcase"))
    return cleaned | ({"tests": tests} if tests else {}) | data.slices(row, (*COLUMNS, *OWN, *SEED))


def _entry_point(row: Row, defined: Sequence[str], instruction: str) -> str:
    """The function that is asked for: named by the row, else the defined one that the request names, else the last."""
    named = row.get("entry_point")
    if named:
        if named not in defined:
            raise BadInput(f"column entry_point: the output defines no function {str(named)[:60]!r}")
        return str(named)
    return next((name for name in defined if re.search(rf"\b{name}\b", instruction)), defined[-1])


def _tests(given: Any) -> list[str]:
    if not given:
        return []
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BadInput("column tests: a list of assert statements is needed")
    try:
        tests = [line for text in texts if text.strip() for line in python_code.asserts(text)]
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise BadInput("column tests: each test is an assert statement, such as assert f(2) == 4") from None
    if len(tests) > code_runner.MAX_TESTS:
        raise BadInput(f"column tests: {len(tests)} tests are too many; at most {code_runner.MAX_TESTS} are run")
    return tests


def parse(answer: str) -> dict[str, str]:
    """The code, and what is said about it. Code that is no Python is refused with its line."""
    return python_code.read(answer)


def judge(row: Row, value: dict[str, str]) -> tuple[bool, dict[str, float]]:
    """Correct = all tests of the row pass. Without tests, or where nothing may be run: the same code as the row's."""
    tree = python_code.parsed(value["code"])
    parts = {"syntax_valid": 1.0}
    entry, defined = row.get("entry_point"), python_code.functions(tree)
    if entry:
        parts["entry_point"] = float(entry in defined)
    if not row.get("tests") or not code_runner.allowed():
        same = ast.dump(tree) == ast.dump(python_code.parsed(parse(row["output"])["code"]))
        return same, parts
    passed = entry in defined and code_runner.passes(value["code"], tuple(row["tests"]), entry)
    return passed, parts | {"pass_at_1": float(passed)}


def part(name: str, *, tested: bool = False) -> Callable[[Scored], float | None]:
    """A part of the row's score, 0 for an unreadable answer; `tested`: None where the row has nothing to run."""

    def read(scored: Scored) -> float | None:
        if tested and (not scored.row.get("tests") or not code_runner.allowed()):
            return None
        return scored.parts.get(name, 0.0)

    return read


def empty_function(train: Sequence[Row]) -> Callable[[Row], str]:
    """The head that the request asks for, and nothing in it."""

    def answer(row: Row) -> str:
        head = re.search(r"\b([A-Za-z_]\w*)\(([\w, ]*)\)", row["instruction"])
        name = row.get("entry_point") or (head[1] if head else "f")
        return f"def {name}({head[2] if head else '*args'}):\n    pass"

    return answer


def unfit(row: Row) -> str | None:
    request = row["instruction"]
    if not request.strip():
        return "There is no request: say in a sentence what the function gets and what it returns"
    if len(request) > MAX_REQUEST:
        return f"The request has {len(request):,} characters; this task takes one of at most {MAX_REQUEST:,}"
    if not re.search(r"[^\W\d_]{2}", request):
        return "There is no word in this request: say in a sentence what the function gets and what it returns"
    return None


def generate(split: str, seed: int) -> Iterable[dict[str, Any]]:
    from finetune.generators import code

    return code.rows(split, seed)


METRICS = (
    Metric("pass_at_1", "passes the row's tests", "rate", "higher", part=part("pass_at_1", tested=True)),
    Metric("syntax_valid", "valid Python", "rate", "higher", part=part("syntax_valid")),
    Metric("entry_point", "defines the function asked for", "rate", "higher", part=part("entry_point")),
    Metric("valid", "readable answers", "rate", "higher", part=lambda s: float(s.value is not None)),
)

SAMPLES = (
    {"instruction": "Write a function sum_squares(numbers) that returns the sum of the squares of the even numbers."},
    {"instruction": "Write a function long_words(text, k) that returns a list of the words longer than k characters."},
    {"instruction": 'Define grade(points). It should return "pass" if points is at least 50, otherwise "fail".'},
    {"instruction": "Create a Python function by_length(names) to return a dictionary that groups names by length."},
)

TASK = Task(
    name="code",
    title="Python function",
    summary="Say what a function gets and returns; get it in Python.",
    inputs=(Field("instruction", "Request", "name the function and what it gets, and say what it returns", lines=4),),
    target="output",
    instruction="Write this Python function.",
    cue="Python:",
    max_new_tokens=120,
    # a base that was never taught to end goes on with examples, tests or the next request
    stop=("\n\n\n", "\nprint(", "\nassert ", "\nif __name__", "\n>>>", "\n\nWrite ", "\n\nRequest:"),
    panel="code",
    constraint=None,
    samples=SAMPLES,
    clean=clean,
    answer_of=lambda row: row["output"],
    parse=parse,
    judge=judge,
    metrics=METRICS,
    primary="pass_at_1",
    trivial=(Trivial("empty-function", "the head of the function, and pass", empty_function),),
    unfit=unfit,
    generate=generate,
)
