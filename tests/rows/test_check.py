"""The data doctor: what it says of a file, with which lines, what blocks the start, and what --fix writes."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from random import Random

import pytest

from backends import catalog
from backends.bases import tokenizer
from backends.settings import ROOT
from finetune import formats, task_named
from finetune.check import examine as doctor
from finetune.check import labels, mend, mojibake, private, texts
from finetune.check.lengths import Lengths
from finetune.rows import data
from finetune.training import batches
from tests.bench import defects
from tests.bench.defects import rows as ordinary

pytestmark = pytest.mark.model
BASE = catalog.base_named(catalog.EMBEDDED)
TASK = task_named("sourcegraph")
WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"]


def rows_of(count):
    return [
        {"natural_language": f"Find {WORDS[n % 8]} in {WORDS[n // 8]} at {n}", "query": f"repo:r{n} {WORDS[n % 8]}"}
        for n in range(count)
    ]


@pytest.fixture
def examine(tmp_path, base_settings):
    def write_and_examine(rows, task=TASK, max_length=1024, name="a.jsonl", **options):
        path = tmp_path / name
        path.write_text(rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows))
        return doctor.examine(path, task, base_settings, BASE, max_length, **options)

    return write_and_examine


def found(report, check):
    return next((finding for finding in report.findings if finding.check == check), None)


def test_a_good_file_is_called_good(examine):
    report = examine(rows_of(50))
    assert (report.rows, report.ok, report.findings) == (50, True, ())


def test_no_check_of_the_seeded_corpus_falls_below_95_percent(base_settings):
    counts = defects.score(base_settings, files=10, seed=1)
    assert len(counts) >= 17
    assert {name: c for name, c in counts.items() if c.recall < 0.95 or c.precision < 0.95} == {}


def test_j2_unusable_rows_block_and_are_named(examine):
    rows = rows_of(12)
    del rows[6]["query"]
    report = examine(rows)
    finding = found(report, "unusable")
    assert (report.ok, report.rows, finding.level, finding.lines) == (False, 12, "fatal", (7,))
    assert "line 7, column query: missing" in finding.message


def test_columns_that_fit_nothing_are_told_with_those_that_are_needed(examine):
    report = examine([{"first": 1, "second": 2}])
    assert "Columns found: first, second; needed: natural_language, query" in found(report, "unusable").message


@pytest.mark.parametrize(
    ("content", "words"), [("", "is empty"), ("x" * (2 << 20), "line 1 is longer"), ('[{"a": 1}', "cut off")]
)
def test_a_file_that_cannot_be_read_is_one_fatal_finding(examine, content, words):
    report = examine(content)
    assert (report.ok, [finding.check for finding in report.findings]) == (False, ["file"])
    assert words in report.findings[0].message


def test_one_question_is_too_few(examine):
    assert found(examine(rows_of(1) * 3), "too_few").level == "fatal"
    assert found(examine(rows_of(2)), "too_few") is None


def test_j4_marks_of_a_chat_are_found_and_stay_text(examine, base_settings):
    rows = rows_of(3)
    rows[1]["natural_language"] += " <|im_start|>system"
    assert found(examine(rows), "role_tokens").lines == (2,)


def test_j6_a_file_whose_rows_are_all_too_long_is_blocked(examine):
    report = examine(rows_of(20), max_length=20)
    assert not report.ok
    assert found(report, "too_long").level == "fatal"
    assert "every row" in found(report, "too_long").message
    assert examine(rows_of(20), max_length=1024).ok


def test_j7_duplicates_are_said_and_left_out_of_the_mended_file(examine, tmp_path, base_settings):
    rows = rows_of(5)
    report = examine([*rows, rows[0], rows[3]])
    assert found(report, "exact_duplicates").lines == (6, 7)
    done = mend.write(tmp_path / "a.jsonl", tmp_path / "b.jsonl", TASK, base_settings, report)
    assert any("exact_duplicates, 2 rows: the first of each is kept" in sentence for sentence in done)
    assert data.read_rows(tmp_path / "b.jsonl", TASK, base_settings) == rows


def test_j7_rows_of_the_held_out_file_beside_are_found(examine, tmp_path):
    rows = rows_of(6)
    (tmp_path / "val.jsonl").write_text(json.dumps(rows[4] | {"query": "another"}) + "\n")
    report = examine(rows, name="train.jsonl", held_out=doctor.beside(tmp_path / "train.jsonl"))
    assert found(report, "overlap").lines == (5,)
    assert report.leave_out == {5}


def test_a_held_out_file_in_another_shape_is_read_in_its_own_way(examine, tmp_path):
    rows = rows_of(6)
    chat = [{"role": "user", "content": rows[2]["natural_language"]}, {"role": "assistant", "content": "x"}]
    (tmp_path / "held.jsonl").write_text(json.dumps({"messages": chat}) + "\n")
    assert found(examine(rows, held_out=[tmp_path / "held.jsonl"]), "overlap").lines == (3,)


def test_guessed_columns_are_said(examine):
    rows = [{"question": row["natural_language"], "answer": row["query"]} for row in rows_of(5)]
    finding = found(examine(rows), "columns")
    assert finding.level == "note"
    assert "question as natural_language (80% sure), answer as query (80% sure)" in finding.message


def test_only_the_first_lines_are_named_and_all_are_counted(examine):
    rows = [row | {"query": row["query"] + "\u0007"} for row in rows_of(30)]
    finding = found(examine(rows), "control_characters")
    assert (finding.count, finding.lines) == (30, tuple(range(1, 11)))


def test_what_is_mended_is_not_found_again_and_nothing_else_changes(examine, tmp_path, base_settings):
    rows = [row | {"kept": n} for n, row in enumerate(rows_of(8))]
    rows[1]["natural_language"] = "cafÃ© (50 %) at 20 °C\n\tnext line"
    rows[2]["natural_language"] = "\ufeffbegin \x1b[31mred\x1b[0m end"
    rows[3]["query"] = "repo:a<|im_end|>"
    rows[4]["natural_language"] = f"key hf_{'abc1' * 5}defgh is mine"
    report = examine([*rows, rows[0]])
    out = tmp_path / "b.jsonl"
    mend.write(tmp_path / "a.jsonl", out, TASK, base_settings, report)
    fixed = data.read_rows(out, TASK, base_settings)
    assert fixed[1]["natural_language"] == "café (50 %) at 20 °C\n\tnext line"
    assert fixed[2]["natural_language"] == "begin red end"
    assert fixed[3]["query"] == "repo:a"
    assert fixed[4]["natural_language"] == "key *** is mine"
    assert [row for n, row in enumerate(fixed) if n not in (1, 2, 3, 4)] == [rows[0], *rows[5:]]
    assert [row["kept"] for row in fixed] == list(range(8))
    again = doctor.examine(out, TASK, base_settings, BASE, 1024)
    assert again.findings == ()


def test_the_file_itself_is_never_written(examine, tmp_path, base_settings):
    report = examine(rows_of(3))
    with pytest.raises(Exception, match="--fix writes a new file"):
        mend.write(tmp_path / "a.jsonl", tmp_path / "a.jsonl", TASK, base_settings, report)


@pytest.fixture
def measured(base_settings):
    tokens = tokenizer.load(base_settings, BASE)
    fmt = formats.format_for(BASE, base_settings)
    return lambda max_length=1024, task=TASK: Lengths(task, fmt, tokens, max_length)


def test_the_tokens_shown_are_those_that_training_sees(measured, base_settings):
    lengths, row = measured(), rows_of(1)[0] | {"natural_language": "a  <eos> é 日本 <|im_end|>\n"}
    [example] = batches.encode([row], TASK, lengths.fmt, lengths.tokens, 1024).examples
    shown = lengths.tokens_of(row)
    assert [trained for _, trained in shown].index(True) == example.prompt
    assert len(shown) == len(example.ids)
    assert "".join(piece for piece, trained in shown if trained) == row["query"] + "<eos>"
    assert shown[0] == ("<bos>", False)


def test_tokens_behind_the_limit_are_not_trained(measured):
    row = rows_of(1)[0]
    whole = measured().tokens_of(row)
    assert not measured(len(whole) - 1).tokens_of(row)[-1][1]


def test_no_row_that_is_said_to_fit_is_longer_when_it_is_encoded(measured, base_settings):
    lengths = measured(160)
    some = [
        {"natural_language": text * n, "query": "é" * n} for text in ("a", "日本", "ﷺ", "👍🏽", " ") for n in (1, 9, 40)
    ]
    for row in some:
        prompt = lengths.fmt.prompt(TASK, row)
        if lengths._surely_fits(prompt, row["query"]):
            assert len(lengths.tokens_of(row)) <= 160


@pytest.mark.parametrize(("label", "good"), [("refnud", "refund"), ("Refund", "refund"), ("tecnical", "technical")])
def test_a_slip_of_the_pen_is_one(label, good):
    assert labels.slip(label, good)


@pytest.mark.parametrize(
    ("label", "good"), [("inactive", "active"), ("import", "export"), ("1.1", "1.2"), ("no", "on")]
)
def test_another_word_is_no_slip(label, good):
    assert not labels.slip(label, good)


@pytest.mark.parametrize(
    "text",
    ["<s>hello</s>", "<s>[INST] hello [/INST]", "hello<|im_end|>\n", "<|im_start|>hello</s>", "<|a|> <|b|>hello"],
)
def test_marks_around_a_text_are_removed(text):
    assert texts.without_outer_marks(text) == "hello"


def test_mending_leaves_good_text_alone():
    for text in (
        "SÃO PAULO",
        "«CAFÉ»",
        "Âge",
        "ß“ und É»",
        "naïve – “quoted”…",
        "日本",
        "a\tb\r\nc",
        "<s>old</s> new",
        "[INST",
    ):
        assert mojibake.mended(text) == texts.without_control(text) == texts.without_outer_marks(text) == text


@pytest.mark.parametrize(
    "text", ["4111 1111 1111 1112", "1234567890123456", "2024-01-15", "you@example.com", "10.0.0.138"]
)
def test_a_number_without_its_check_digit_is_nobodys(text):
    assert not private.personal(f"see {text} there")


def run(settings, *words):
    env = {**os.environ, **settings.to_env()}
    argv = [sys.executable, "-m", "finetune", "check", *map(str, words)]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=400)


def test_the_command_prints_one_document_and_ends_with_1_only_on_a_fatal_finding(tmp_path, base_settings):
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text("".join(json.dumps(row) + "\n" for row in [*rows_of(4), rows_of(1)[0]]))
    bad.write_text(good.read_text() + "{broken\n")
    done = run(base_settings, good, "--task", "sourcegraph", "--json")
    shape = json.loads(done.stdout)
    assert (done.returncode, shape["rows"], shape["ok"]) == (0, 5, True)
    [finding] = shape["findings"]
    assert set(finding) == {"check", "level", "count", "lines", "message"}
    assert (finding["check"], finding["lines"]) == ("exact_duplicates", [5])
    done = run(base_settings, bad, "--task", "sourcegraph", "--fix", tmp_path / "fixed.jsonl", "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (1, False)
    assert any("they are left out" in sentence for sentence in json.loads(done.stdout)["fixed"])
    assert run(base_settings, tmp_path / "fixed.jsonl", "--task", "sourcegraph").stdout == "4 rows\nNothing to say.\n"


def test_the_command_takes_columns_by_name(tmp_path, base_settings):
    path = tmp_path / "a.csv"
    path.write_text("a,b\nfind x,repo:x\nfind y,repo:y\n")
    assert run(base_settings, path, "--task", "sourcegraph").returncode == 1
    done = run(base_settings, path, "--task", "sourcegraph", "--map", "a=natural_language", "--map", "b=query")
    assert done.returncode == 0, done.stdout + done.stderr
    assert run(base_settings, path, "--task", "sourcegraph", "--map", "a").returncode == 1


def test_an_answer_longer_than_the_adapter_may_write_is_found(examine):
    rows = ordinary.written(Random(0), 10)
    task = replace(ordinary.task(), max_new_tokens=5)
    assert found(examine(rows, task=task), "answer_cut").count == 10
