"""Files of other shapes: which column plays which role, how sure that is, and what the rows become."""

import json

import pytest

from backends.errors import BadInput
from finetune import task_named
from finetune.check import chats, columns, reading
from finetune.rows import data

TASK = task_named("sourcegraph")
ASKED, QUERY = "Find shell code in the ssh project", "repo:ssh shell lang:shell"
WANTED = {"natural_language": ASKED, "query": QUERY}


def chat(*turns):
    return [{"role": role, "content": text} for role, text in turns]


@pytest.mark.parametrize(
    "row",
    [
        {"question": ASKED, "answer": QUERY},
        {"Question ": ASKED, " Answer": QUERY},
        {"prompt": ASKED, "completion": QUERY},
        {"user": ASKED, "assistant": QUERY},
        {"userRequest": ASKED, "expected_output_text": QUERY},
        {"instruction": ASKED, "input": "", "output": QUERY},
        {"messages": chat(("user", ASKED), ("assistant", QUERY))},
        {"messages": chat(("system", "Write queries."), ("user", ASKED), ("assistant", QUERY))},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ASKED}]}, *chat(("assistant", QUERY))]},
        {"conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": QUERY}]},
        {"prompt": chat(("user", ASKED)), "completion": chat(("assistant", QUERY))},
    ],
)
def test_every_common_shape_becomes_a_row_of_the_task(tmp_path, settings, row):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n")
    [found] = data.read_rows(path, TASK, settings)
    assert {column: found[column] for column in WANTED} == WANTED


def test_pasted_questions_and_answers_are_rows(tmp_path, settings):
    path = tmp_path / "pasted.txt"
    path.write_text(f"Q: {ASKED}\nA: {QUERY}\n\n**Question:** another\nof two lines\nAnswer: lang:go\n")
    assert data.read_rows(path, TASK, settings) == [
        WANTED,
        {"natural_language": "another\nof two lines", "query": "lang:go"},
    ]


def test_a_pasted_question_without_an_answer_is_named_by_its_line(tmp_path, settings):
    path = tmp_path / "pasted.txt"
    path.write_text(f"Q: {ASKED}\nA: {QUERY}\n\nQ: and this?\nQ: {ASKED}\nA: {QUERY}\n")
    with pytest.raises(BadInput, match="line 4, column query: missing"):
        data.read_rows(path, TASK, settings)


def test_cells_pasted_from_a_spreadsheet_are_rows(tmp_path, settings):
    path = tmp_path / "pasted.txt"
    path.write_text(f"question\tanswer\n{ASKED}\t{QUERY}\n")
    assert data.read_rows(path, TASK, settings) == [WANTED]


def test_parquet_is_read_like_any_other_file(tmp_path, settings):
    import pyarrow
    from pyarrow import parquet

    rows = [{"question": f"{ASKED} {n}", "answer": QUERY, "stars": n} for n in range(100)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.bin")
    found = data.read_rows(tmp_path / "a.bin", TASK, settings)
    assert found[99] == {"natural_language": f"{ASKED} 99", "query": QUERY, "stars": 99}
    assert len(found) == 100


def test_a_chat_in_parquet_is_read_too(tmp_path, settings):
    import pyarrow
    from pyarrow import parquet

    rows = [{"messages": chat(("user", ASKED), ("assistant", QUERY))}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert data.read_rows(tmp_path / "a.parquet", TASK, settings) == [WANTED]


@pytest.mark.parametrize(
    ("talk", "message"),
    [
        (chat(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")), "4 turns"),
        (chat(("tool", "a")), "a turn needs a role"),
        ([{"role": "user"}], "a turn needs a role"),
        (["hello"], "a turn needs a role"),
    ],
)
def test_a_talk_that_is_not_one_question_and_its_answer_is_refused(talk, message):
    with pytest.raises(BadInput, match=message):
        chats.flat({"messages": talk})


def test_a_word_inside_a_word_names_nothing():
    rows = [{"context": "a long passage", "text": "what is asked", "label": "repo:a"}]
    found = {g.column: g.role for g in columns.guess(rows, TASK)}
    assert found == {"context": "", "text": "natural_language", "label": "query"}


def test_the_values_decide_where_names_say_nothing():
    rows = [
        {"a": f"function f{n}(x) {{ return x; }}", "b": "JavaScript", "c": 1.0 + n / 10, "d": n + 100}
        for n in range(20)
    ]
    found = {g.column: g.role for g in columns.guess(rows, task_named("complexity"))}
    assert found == {"a": "code", "b": "", "c": "score", "d": ""}


def test_a_name_whose_values_do_not_fit_is_not_believed():
    rows = [{"prompt": "Say something", "completion": "fine"}]
    assert not [g for g in columns.guess(rows, task_named("complexity")) if g.role]


def test_a_guess_has_a_confidence_and_a_reason():
    [first, second] = columns.guess([{"natural_language": ASKED, "answer": QUERY}], TASK)
    assert first.confidence == 1.0
    assert 0.5 <= second.confidence < first.confidence
    assert "named like an answer" in second.why


def test_given_roles_overrule_the_guess(tmp_path, settings):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"question": "not this", "note": ASKED, "answer": QUERY}) + "\n")
    [row] = data.read_rows(path, TASK, settings, {"note": "natural_language"})
    assert row == {**WANTED, "question": "not this"}
    with pytest.raises(BadInput, match="Task sourcegraph has no column 'title'"):
        data.read_rows(path, TASK, settings, {"note": "title"})
    with pytest.raises(BadInput, match="The file has no column 'nope'; it has question, note, answer"):
        data.read_rows(path, TASK, settings, {"nope": "query"})


def test_instruction_and_input_are_one_question_unless_the_instruction_never_changes():
    varied = [{"instruction": f"Find {n}", "input": f"in repo {n}", "output": QUERY} for n in range(3)]
    assert reading.of_rows(varied, TASK).row(varied[1])["natural_language"] == "Find 1\n\nin repo 1"
    fixed = [row | {"instruction": "Write a query"} for row in varied]
    made = reading.of_rows(fixed, TASK).row(fixed[1])
    assert (made["natural_language"], made["instruction"]) == ("in repo 1", "Write a query")


def test_a_tasks_own_rows_are_left_as_they_are():
    rows = [WANTED | {"prompt": "x", "completion": "y"}]
    assert reading.of_rows(rows, TASK).roles == {}


def test_rows_that_share_a_long_answer_stay_on_one_side():
    rows = [{"natural_language": f"{word} {n}", "query": f"repo:project{n} test"} for n in range(30) for word in "ab"]
    train, val, test = data.three_way(rows, TASK, seed=1, share=0.2)
    answers = [{row["query"] for row in part} for part in (train, val, test)]
    assert all(answers) and len(train) + len(val) + len(test) == 60
    assert not (answers[0] & answers[1] or answers[0] & answers[2] or answers[1] & answers[2])


def test_rows_that_share_a_label_need_not_stay_together():
    rows = [{"code": f"const f{n} = (a) => a;", "score": 1.0 + n % 2} for n in range(20)]
    assert len(data.groups(rows, task_named("complexity"))) == 20
