"""Requests to Python functions: rows in, answers read, judged by running, metrics, the panel and running on Ask."""

import json
import re
from pathlib import Path

import pytest

from backends.base import AnswerReceipt, Chunk, Usage
from backends.errors import BadInput, Unavailable
from backends.settings import Settings, from_env
from finetune import examples
from finetune.outputs import code_runner
from finetune.rows.data import read_jsonl
from finetune.scoring import baselines
from finetune.task import Unreadable
from finetune.tasks.code import TASK
from ui import panels
from ui.views import run_code

CODE = "def total(xs):\n    # keep even, sum\n    return sum(x for x in xs if x % 2 == 0)"
ROW = {
    "instruction": "Write a function total(xs) that returns the sum of the even numbers in xs.",
    "output": CODE,
    "entry_point": "total",
    "tests": ["assert total([1, 2, 4]) == 6", "assert total([]) == 0"],
}
METRICS = {metric.key: metric for metric in TASK.metrics}


# Rows in.


def test_a_row_of_ours_stays_as_it_is_with_its_slices() -> None:
    row = ROW | {"category": "result", "blocks": 2}
    assert TASK.clean(row) == row


def test_the_seeds_row_has_its_test_cases_as_tests() -> None:
    seed = {
        "instruction": "Write a Python function to find the factorial of a number",
        "output": "Here's a clean one:\n\n```python\ndef factorial(n):\n    return n < 2 or n * factorial(n - 1)\n```",
        "code": "def factorial(n): ...",
        "entry_point": "factorial",
        "testcase": "assert factorial(5) == 120",
        "seq_id": 7,
    }
    cleaned = TASK.clean(seed)
    assert cleaned["tests"] == ["assert factorial(5) == 120"] and "code" not in cleaned and "testcase" not in cleaned
    assert cleaned["output"] == seed["output"] and cleaned["seq_id"] == 7
    assert TASK.score(cleaned, seed["output"]).correct
    listed = TASK.clean(seed | {"testcase": ["assert factorial(5) == 120", "assert factorial(\n  1) == 1\n"]})
    assert listed["tests"][1] == "assert factorial(1) == 1"


def test_without_an_entry_point_the_request_names_it_else_it_is_the_last() -> None:
    two = "def half(x):\n    return x / 2\n\n\ndef quarter(x):\n    return half(half(x))"
    assert TASK.clean({"instruction": "Write half(x).", "output": two})["entry_point"] == "half"
    assert TASK.clean({"instruction": "Divide by four.", "output": two})["entry_point"] == "quarter"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"instruction": ""}, "column instruction: empty"),
        ({"output": None}, "column output: missing"),
        ({"output": "def f(x) return x"}, "column output: this is not valid Python, line 1"),
        ({"output": "No code here."}, "column output: there is no Python function"),
        ({"output": "x = 1\nimport os"}, "column output: the answer defines no function"),
        ({"entry_point": "other"}, "column entry_point: the output defines no function 'other'"),
        ({"tests": ["print(1)"]}, "column tests: each test is an assert statement"),
        ({"tests": ["assert ("]}, "column tests: each test is an assert statement"),
        ({"tests": 7}, "column tests: a list of assert statements is needed"),
        ({"tests": ["assert True"] * 201}, "column tests: 201 tests are too many"),
    ],
)
def test_a_row_that_cannot_be_used_says_which_column(change: dict, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        TASK.clean(ROW | change)


@pytest.mark.parametrize(
    ("request_text", "said"),
    [("", "There is no request"), ("  \n", "There is no request"), ("x" * 1001, "1,001 characters"),
     ("?? 12 !!", "There is no word"), ("5 6", "There is no word")],
)  # fmt: skip
def test_what_is_no_request_is_refused_in_plain_words(request_text: str, said: str) -> None:
    assert said in str(TASK.unfit({"instruction": request_text}))


def test_ordinary_requests_are_taken() -> None:
    for row in [*TASK.samples, {"instruction": "Écris une fonction f(x) qui rend x"}]:
        assert TASK.unfit(row) is None


# Answers read.


@pytest.mark.parametrize(
    ("answer", "explanation"),
    [
        (CODE, "keep even, sum"),
        (f"\n{CODE}\n\n", "keep even, sum"),
        (f"```python\n{CODE}\n```", "keep even, sum"),
        (f"It adds them up:\n\n```python\n{CODE}\n```\nThat is all.", "It adds them up: That is all."),
        (f"Here it is:\n{CODE}", "Here it is"),
        (f"<think>even means % 2\ndef x(:</think>\n{CODE}", "keep even, sum"),
        (f"```\n{CODE}", "keep even, sum"),
    ],
)
def test_the_code_is_found_and_what_is_said_about_it_kept_apart(answer: str, explanation: str) -> None:
    assert TASK.parse(answer) == {"code": CODE, "explanation": explanation}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "there is no Python function"),
        ("I cannot do that.", "there is no Python function"),
        ("def f(x):\nreturn x", "not valid Python, line 2"),
        (f"{CODE}\nAnd that is how it works.", "not valid Python, line 4"),
        ("def f(x):\n    return x +", "not valid Python, line 2"),
        ("import math", "defines no function"),
        ("def f(x):\n    return '\x00'", "not valid Python"),
        ("def f():\n    return " + "(" * 5_000, "not valid Python"),
        ("def f(): pass\n" * 2_000, "far more than one function"),
    ],
)
def test_what_is_no_function_is_refused_with_its_line(answer: str, said: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(said)):
        TASK.parse(answer)


def test_odd_escapes_in_a_text_are_no_error() -> None:
    assert TASK.parse('def f(x):\n    return x == "\\d"')


# Judged.


def test_an_answer_is_right_when_its_tests_pass_however_it_is_written() -> None:
    other = "def total(values):\n    out = 0\n    for v in values:\n        out += 0 if v & 1 else v\n    return out"
    scored = TASK.score(ROW, other)
    assert scored.correct and scored.parts == {"syntax_valid": 1.0, "entry_point": 1.0, "pass_at_1": 1.0}


@pytest.mark.parametrize(
    ("answer", "parts"),
    [
        (CODE.replace("== 0", "== 1"), {"syntax_valid": 1.0, "entry_point": 1.0, "pass_at_1": 0.0}),
        (CODE.replace("total", "sums"), {"syntax_valid": 1.0, "entry_point": 0.0, "pass_at_1": 0.0}),
        ("import os\n" + CODE + "\nos._exit(0)", {"syntax_valid": 1.0, "entry_point": 1.0, "pass_at_1": 0.0}),
        ("def total(xs) return 1", {}),
    ],
)
def test_a_wrong_answer_keeps_the_parts_that_it_earned(answer: str, parts: dict) -> None:
    scored = TASK.score(ROW, answer)
    assert not scored.correct and scored.parts == parts
    for metric in TASK.metrics[:3]:
        assert metric.part and metric.part(scored) == parts.get(metric.key, 0.0)


def test_a_row_without_tests_has_no_pass_rate_and_is_right_when_it_is_the_same_code() -> None:
    row = {key: value for key, value in ROW.items() if key != "tests"}
    same, other = TASK.score(row, CODE.replace("# keep even, sum", "# other")), TASK.score(row, CODE + "\n\nx = 1")
    assert same.correct and not other.correct
    assert METRICS["pass_at_1"].part and METRICS["pass_at_1"].part(same) is None


def test_where_nothing_may_run_nothing_is_called_passed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    public = from_env({"SPACE_ID": "a/b", "ACR_DATA_DIR": str(tmp_path)})
    monkeypatch.setattr(code_runner, "settings", lambda: public)
    monkeypatch.setattr(code_runner, "run", None)
    scored = TASK.score(ROW, CODE)
    assert "pass_at_1" not in scored.parts and METRICS["pass_at_1"].part
    assert METRICS["pass_at_1"].part(scored) is None


def test_an_answer_is_run_once_however_often_it_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    code_runner.passes.cache_clear()
    TASK.score(ROW, CODE)
    monkeypatch.setattr(code_runner, "run", None)
    assert TASK.score(ROW, CODE).correct


def test_the_empty_function_has_the_head_that_is_asked_for_and_passes_nothing() -> None:
    rows = read_jsonl(examples.path_of("code", "test"))[:20]
    guess = baselines.fit(TASK, "empty-function", rows)
    assert guess(ROW) == "def total(xs):\n    pass"
    scored = [TASK.score(row, guess(row)) for row in rows]
    assert all(s.parts["entry_point"] for s in scored) and not any(s.correct for s in scored)
    assert TASK.parse(guess({"instruction": "Add two numbers."}))


def test_a_value_can_be_written_as_json() -> None:
    value = TASK.parse(CODE)
    assert json.loads(json.dumps(value)) == value


def test_no_taught_answer_is_cut_by_what_stops_a_base() -> None:
    for row in read_jsonl(examples.path_of("code", "train")):
        assert not any(stop in row["output"] for stop in TASK.stop)


# The panel.


def test_the_panel_shows_code_and_explanation_apart_and_copies_as_it_was_written() -> None:
    shown = panels.result(TASK, TASK.parse(CODE))
    assert "total(xs)" in shown and "<strong>In words: </strong>keep even, sum" in shown
    block = shown.split("<code>")[1].split("</code>")[0]
    assert re.sub("<[^>]+>", "", block).replace("&#x27;", "'") == CODE
    assert '<span class="acr-py-word">return</span>' in block and '<span class="acr-py-comment">' in block


def test_the_panel_escapes_what_a_model_wrote() -> None:
    hostile = 'def f(x="<img src=x onerror=alert(1)>"):\n    # </code><script>alert(1)</script>\n    return "é<b>"'
    shown = panels.result(TASK, TASK.parse(hostile))
    assert "<script" not in shown and "<img" not in shown and "<b>" not in shown and "é&lt;b&gt;" in shown


def test_the_empty_panel_teaches_and_a_broken_answer_says_its_line() -> None:
    assert "No function yet" in panels.result(TASK, {"code": "", "explanation": ""})
    with pytest.raises(Unreadable) as problem:
        TASK.parse("def f(x):\n    return x +")
    assert "This is not valid Python, line 2" in panels.refused(str(problem.value))


# Running on Ask.


def chunks(text: str) -> list[Chunk]:
    given = AnswerReceipt("llama_cpp", "gemma-3-270m", None, None, 0.0)
    return [Chunk(text), Chunk(finish="stop", usage=Usage(1, 1, 0, 0.1, 0.1), receipt=given)]


def test_running_is_offered_on_ones_own_machine_only(tmp_path: Path) -> None:
    env = {"ACR_DATA_DIR": str(tmp_path)}
    assert run_code.offered(from_env(env))
    assert not run_code.offered(from_env(env | {"SPACE_ID": "a/b"}))
    assert not run_code.offered(from_env(env | {"SPACE_ID": "a/b", "ACR_PRIVATE": "1"}))


def test_only_a_readable_function_can_be_run() -> None:
    from finetune import task_named

    assert run_code.code_of(TASK, chunks(CODE)) == CODE and run_code.entry_of(CODE) == "total"
    assert run_code.code_of(TASK, chunks("def f(x) return")) == ""
    assert run_code.code_of(task_named("sourcegraph"), chunks(CODE)) == ""


def test_examples_in_the_request_are_found() -> None:
    text = "Write total(xs).\n>>> total([1, 2])\n2\nassert total([4]) == 4\nassert other(1)"
    assert run_code.examples_in({"instruction": text}, "total") == ["total([1, 2])", "assert total([4]) == 4"]


def test_results_say_in_words_what_came_back(tmp_path: Path) -> None:
    lines = ["total([1, 2])", "assert total([4]) == 4", "assert total([4]) == '<b>'", "total(1)"]
    shown = run_code.drawn(code_runner.run(CODE, lines, "total"))
    assert "2 of 4 examples without a problem" in shown and "<b>" not in shown
    assert "another value came back" in shown and "TypeError" in shown
    assert shown.count("failed") == 2 and "holds" in shown and "ran" in shown


def test_the_server_runs_examples_only_where_it_is_offered(tmp_path: Path) -> None:
    own, space = Settings(data_dir=tmp_path), Settings(data_dir=tmp_path, space_id="a/b")
    assert "<code>2</code>" in run_code.ran(own, CODE, "total([1, 2])\n\n")
    for code, typed, said in (
        (CODE, " \n", r"total\(\.\.\.\)"),
        ("", "f(1)", "no example"),
        (CODE, "total([])\n" * 21, "many"),
    ):
        with pytest.raises(BadInput, match=said):
            run_code.ran(own, code, typed)
    with pytest.raises(Unavailable, match="own machine only"):
        run_code.ran(space, CODE, "total([1, 2])")
