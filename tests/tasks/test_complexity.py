"""The complexity task: its formula, which function is scored, how an answer is read and judged."""

import pytest

from backends import grammar
from backends.errors import BadInput, NotFound
from finetune import OPENS_WITH, all_tasks, examples, task_named
from finetune.formats import Plain
from finetune.outputs.complexity_label import band, band_edges, count, formula, score
from finetune.task import Unreadable
from finetune.tasks.complexity import MAX_CHARS, TASK, r2

TRAP = "function outer(a){ if(a){for(var i=0;i<3;i++){[1].forEach(function(x){return x})}} return a }"
SEED_ROW = {
    "messages": [
        {"role": "system", "content": "You are a static analysis expert."},
        {"role": "user", "content": "```javascript\nconst f = (a) => a + 1;\n```"},
        {"role": "assistant", "content": "Analysis:\n- Parameters: 1\n\nComplexity Score: 1.1"},
    ]
}


@pytest.mark.parametrize(
    ("cyclomatic", "tokens", "lines", "expected"),
    [
        (1, 0, 0, 1.0),
        (1, 10, 1, 1.1),
        (3, 45, 6, 2.5),
        (5, 120, 15, 3.9),
        (12, 260, 34, 6.5),
        (20, 400, 60, 8.9),
        (31, 400, 80, 10.0),
    ],
)
def test_the_formula_gives_the_check_values(cyclomatic, tokens, lines, expected):
    assert formula(cyclomatic, tokens, lines) == expected


def test_each_part_of_the_formula_is_cut_so_that_the_score_never_leaves_its_range():
    assert formula(1, 100_000, 1) == formula(1, 400, 1)
    assert formula(1000, 100_000, 100_000) == 10.0


@pytest.mark.parametrize(("value", "name"), [(1.0, "Simple"), (3.0, "Simple"), (3.1, "Moderate"), (6.0, "Moderate")])
def test_a_band_holds_its_upper_end(value, name):
    assert band(value) == name


def test_bands_cover_the_whole_range_without_gaps():
    assert (band(8.5), band(8.6), band(10.0)) == ("Complex", "Critical", "Critical")
    edges = band_edges()
    assert (edges[0][0], edges[-1][1]) == (1.0, 10.0)
    assert all(left[1] == right[0] for left, right in zip(edges, edges[1:], strict=False))


def test_the_function_around_its_callbacks_is_scored_not_the_one_that_closes_first():
    assert count(TRAP).name == "outer"
    assert score(TRAP) == 2.3


def test_the_outermost_function_is_found_over_several_lines():
    code = "function outer(xs) {\n  const inner = (x) => {\n    return x && 1;\n  };\n  return xs.map(inner);\n}"
    assert count(code).name == "outer"
    assert count(code).cyclomatic == 1


def test_of_functions_side_by_side_the_first_is_scored():
    code = "function first(a) {\n  return a;\n}\n\nfunction second(a) {\n  return a ? 1 : 2;\n}"
    assert count(code).name == "first"


def test_comments_and_blank_lines_do_not_count():
    bare = "function f(a) {\n  return a;\n}"
    assert score("/**\n * If a, then b, else c.\n */\n" + bare.replace("{\n", "{\n\n  // if\n")) == score(bare)


def test_text_without_a_function_has_the_lowest_score():
    assert score("let x = 1;") == 1.0
    assert count("let x = 1;") is None


@pytest.mark.parametrize("answer", ["4.2", " 4.2\n", "4.2\n\nRate the complexity", "Complexity Score: 4.2"])
def test_a_score_is_read(answer):
    assert TASK.parse(answer) == 4.2


def test_the_seeds_whole_answer_is_read():
    assert TASK.parse(SEED_ROW["messages"][2]["content"]) == 1.1


@pytest.mark.parametrize("answer", ["", "high", "0.0", "12.5", "-3.0", "4.2 of 10", "Complexity Score: 12.5", "٤.٢"])
def test_an_answer_without_a_legal_score_is_unreadable_and_never_zero(answer):
    with pytest.raises(Unreadable, match="no score in this answer"):
        TASK.parse(answer)


@pytest.mark.parametrize(("truth", "value", "green"), [(4.0, 4.4, True), (4.0, 4.5, False), (9.0, 9.8, True)])
def test_green_is_less_than_half_a_point_or_less_than_a_tenth(truth, value, green):
    correct, parts = TASK.judge({"score": truth}, value)
    assert correct is green
    assert parts == {"error": pytest.approx(abs(truth - value))}


def test_an_unreadable_answer_stays_in_the_mean_as_the_worst_guess():
    scored = TASK.score({"code": "x", "score": 4.0}, "no idea")
    by_key = {metric.key: metric for metric in TASK.metrics}
    assert by_key["mae"].part(scored) == 6.0
    assert by_key["valid"].part(scored) == by_key["within"].part(scored) == 0.0


def test_r2_is_one_for_the_truth_and_nothing_where_all_truths_are_equal():
    rows = [{"code": "x", "score": value} for value in (1.0, 4.0, 9.0)]
    assert r2([TASK.score(row, str(row["score"])) for row in rows]) == 1.0
    assert r2([TASK.score(row, "4.7") for row in rows]) == pytest.approx(0.0, abs=0.01)
    assert r2([TASK.score(rows[0], "1.0")]) is None


def test_a_clean_row_keeps_its_plain_extra_columns_as_slices():
    row = TASK.clean({"code": "f()", "score": "4.2", "style": "dense", "tree": [1]})
    assert row == {"code": "f()", "score": 4.2, "style": "dense"}


def test_a_row_of_the_seed_is_accepted():
    assert TASK.clean(SEED_ROW) == {"code": "const f = (a) => a + 1;", "score": 1.1}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"code": "f()"}, "column score: missing"),
        ({"score": 2.0}, "column code: missing"),
        ({"code": "  ", "score": 2.0}, "column code: empty"),
        ({"code": ["f"], "score": 2.0}, "column code: a text is needed, this is list"),
        ({"code": "f()", "score": "high"}, "column score: a number from 1 to 10 is needed, this is 'high'"),
        ({"code": "f()", "score": True}, "column score: a number"),
        ({"code": "f()", "score": float("nan")}, "column score: a number"),
        ({"code": "f()", "score": 12.5}, "column score: a number"),
        ({"messages": [{"role": "user", "content": "x"}]}, "column messages: a user message"),
        ({"messages": SEED_ROW["messages"][:2] + [{"role": "assistant", "content": "?"}]}, "no score in this answer"),
    ],
)
def test_a_row_that_cannot_be_used_says_which_column(row, problem):
    with pytest.raises(BadInput, match=problem):
        TASK.clean(row)


@pytest.mark.parametrize("text", ["Write me a poem about the sea.", "if (a) { b(); }", "SELECT * FROM users"])
def test_what_is_no_function_is_said_to_be_none(text):
    assert TASK.unfit({"code": text}).startswith("This does not look like a JavaScript function")


@pytest.mark.parametrize(
    "code", [TRAP, "const f = (a) => a;", "async load(id) {\n  return id;\n}", "class A {\n  run(x) { return x; }\n}"]
)
def test_functions_of_all_forms_fit(code):
    assert TASK.unfit({"code": code}) is None


def test_empty_and_over_long_code_do_not_fit():
    assert "no code" in TASK.unfit({"code": " \n"})
    assert f"at most {MAX_CHARS:,}" in TASK.unfit({"code": f"function f() {{ {'g();' * MAX_CHARS} }}"})


def test_the_samples_fit_and_lie_in_different_bands():
    assert all(TASK.unfit(sample) is None for sample in TASK.samples)
    assert len({band(score(sample["code"])) for sample in TASK.samples}) > 1


def test_the_prompt_ends_in_the_cue_and_the_answer_has_one_decimal():
    row = {"code": "f()", "score": 4.25}
    prompt = "".join(segment.text for segment in Plain().prompt(TASK, row))
    assert prompt.endswith("Code:\nf()\nComplexity:\n")
    assert TASK.answer_of(row) == "4.2"


def test_the_constraint_allows_every_score_and_nothing_else():
    lark = grammar.check(TASK.constraint)
    assert all(grammar.allows(lark, f"{tenths / 10:.1f}") for tenths in range(10, 101))
    assert not any(grammar.allows(lark, wrong) for wrong in ("0.9", "4.25", "10.1", "11.0", " 4.2", "x"))


def test_tasks_are_found_by_name():
    assert all_tasks()["complexity"] is task_named("complexity") is TASK
    with pytest.raises(NotFound, match="There is no task 'complexty'; known: .*complexity"):
        task_named("complexty")


def test_the_page_opens_with_this_task_and_then_come_those_that_ship(monkeypatch, tmp_path):
    assert next(iter(all_tasks())) == OPENS_WITH == TASK.name
    (tmp_path / "math").write_text("{}")
    monkeypatch.setattr(examples, "report_path", tmp_path.joinpath)
    assert list(all_tasks.__wrapped__())[:3] == [TASK.name, "math", "code"]
