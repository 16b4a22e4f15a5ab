"""Files of rows that people give: what is accepted, and in which words the rest is refused."""

import json
import tracemalloc
from dataclasses import replace

import pytest

from backends.errors import BadInput
from backends.settings import MB
from finetune import task_named
from finetune.rows import data, row_files

TASK = task_named("complexity")
GOOD = {"code": "const f = (a) => a;", "score": 1.1}


def rows_of(count: int) -> list[dict]:
    return [{"code": f"const f{n} = (a) => a + {n};", "score": 1.1} for n in range(count)]


def jsonl(rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def read(tmp_path, settings):
    """Write `content` under `name` and read it as rows of the complexity task."""

    def write_and_read(name, content, reader=data.read_rows, **limits):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return reader(path, TASK, replace(settings, **limits))

    return write_and_read


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", jsonl([GOOD, GOOD])),
        ("a.jsonl", jsonl([GOOD, GOOD]).rstrip("\n")),
        ("a.jsonl", "\n" + jsonl([GOOD, GOOD]).replace("\n", "\r\n\r\n")),
        ("a.jsonl", b"\xef\xbb\xbf" + jsonl([GOOD, GOOD]).encode()),
        ("a.json", json.dumps([GOOD, GOOD])),
        ("a.json", json.dumps([GOOD, GOOD], indent=2)),
        ("no-extension", jsonl([GOOD, GOOD])),
        ("a.csv", 'code,score\n"const f = (a) => a;",1.1\n"const f = (a) => a;",1.1\n'),
        ("a.csv", '\ufeffcode;score\r\n"const f = (a) => a;";1.1\r\n"const f = (a) => a;";1.1\r\n'),
        ("a.tsv", "score\tcode\n1.1\tconst f = (a) => a;\n1.1\tconst f = (a) => a;\n"),
    ],
)
def test_jsonl_json_csv_and_tsv_give_the_same_rows(read, name, content):
    assert read(name, content) == [GOOD, GOOD]


def test_a_csv_cell_may_hold_many_lines(read):
    code = 'function f(a) {\n  return "x, y";\n}'
    quoted = code.replace('"', '""')
    assert read("a.csv", f'code,score\n"{quoted}",2.0\n') == [{"code": code, "score": 2.0}]


def test_a_list_longer_than_a_block_is_read_whole(read):
    rows = rows_of(3000)
    assert len(json.dumps(rows)) > 2 * row_files.BLOCK
    assert read("a.json", json.dumps(rows, indent=1)) == rows


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", "", "a.jsonl is empty"),
        ("a.csv", " \n\n", "a.csv is empty"),
        ("a.json", "[]", "holds no row; needed are the columns code, score"),
        ("a.csv", "code,score\n", "holds no row"),
        ("a.jsonl", "hello\n", "line 1, not one JSON object"),
        ("a.jsonl", "[1]\n", "line 1: the JSON list must hold objects"),
        ("a.json", '[{"code": "f", "score": 2}', "cut off"),
        ("a.json", '[{"code": "f", "score": 2', "line 1: not a JSON object"),
        ("a.txt", "function f() {}", "holds no rows that can be read: give JSONL"),
        ("a.py", "import os\n", "holds no rows"),
        ("a.csv", "import os\nos.system('x')\n", "Columns found: import os; needed: code, score"),
        ("a.csv", "code,code\n1,2\n", "a column name stands twice"),
        ("a.csv", 'code,score\n"f() {,1\n', "line 2: "),
        ("a.csv", "code,score\nf,1,2\n", "line 2, more cells than the header has"),
        ("a.jsonl", b"PK\x03\x04rest", "a zip archive"),
        ("a.csv", b"\x80\x04\x95rest", "a Python pickle"),
        ("a.jsonl", b"\x1f\x8b\x08rest", "a gzip archive"),
        ("a.csv", b"x" * 257 + b"ustar", "a binary file"),
        ("a.csv", b"code,score\n\0\0", "a binary file"),
        (
            "a.csv",
            "code,score\nf,1\n".encode("utf-16"),
            "UTF-16 text: give JSONL, a JSON list, CSV, TSV or Parquet, text saved as UTF-8",
        ),
        (
            "a.jsonl",
            '{"text": "f", "label": 2}\n',
            "Columns found: label, text; needed: code, score. line 1, column code",
        ),
        ("a.jsonl", '{"code": "f", "score": NaN}\n', "line 1, not one JSON object .NaN is not a number"),
        ("a.jsonl", '{"code": "\\ud800", "score": 2}\n', "line 1, not UTF-8 text"),
        ("a.jsonl", '{"code": "é", "score": 2}\n'.encode("latin-1"), "line 1, not UTF-8 text"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(read, name, content, message):
    with pytest.raises(BadInput, match=message):
        read(name, content)


def test_a_row_without_a_score_is_named_by_line_and_column(read):
    rows = rows_of(9)
    del rows[6]["score"]
    with pytest.raises(BadInput, match="^a.jsonl: 1 of 9 rows cannot be used. line 7, column score: missing$"):
        read("a.jsonl", jsonl(rows))


def test_the_line_of_a_json_list_and_of_a_table_is_the_one_in_the_file(read):
    with pytest.raises(BadInput, match="line 5, column score: missing"):
        read("a.json", '[\n{"code": "f",\n "score": 2},\n\n{"code": "f"}\n]')
    with pytest.raises(BadInput, match="line 4, column score: missing"):
        read("a.csv", 'code,score\n"f\n",2\ng,\n')


def test_five_problems_are_shown_and_all_are_counted(read):
    with pytest.raises(BadInput) as refused:
        read("a.jsonl", jsonl([GOOD, *({"code": "f"} for _ in range(12))]))
    message = str(refused.value)
    assert "12 of 13 rows" in message
    assert message.count("column score: missing") == 5
    assert message.endswith("; and 7 more")


def test_files_over_the_limits_are_refused(read):
    with pytest.raises(BadInput, match="at most 1 MB"):
        read("a.jsonl", b"x" * (2 * MB), max_upload=MB)
    with pytest.raises(BadInput, match="more than 3 rows"):
        read("a.jsonl", jsonl(rows_of(4)), max_rows=3)
    with pytest.raises(BadInput, match="line 2 is longer"):
        read("a.jsonl", jsonl([GOOD, {"code": "x" * row_files.MAX_ROW, "score": 2}]))
    with pytest.raises(BadInput, match="line 1: not a JSON object of at most"):
        read("a.json", json.dumps([{"code": "x" * 3 * row_files.MAX_ROW, "score": 2}]))


@pytest.mark.parametrize("shape", ['{{"code": {}', "[{}", '[{{"code": {}'])
def test_brackets_without_end_are_refused_and_do_not_crash(read, shape):
    with pytest.raises(BadInput, match="line 1"):
        read("a.jsonl", shape.format("[" * 100_000) + "\n")


def test_a_missing_file_and_a_folder_are_refused(tmp_path, settings):
    with pytest.raises(BadInput, match="gone.jsonl cannot be read: No such file"):
        data.read_rows(tmp_path / "gone.jsonl", TASK, settings)
    with pytest.raises(BadInput, match="is not a file"):
        data.read_rows(tmp_path, TASK, settings)


def test_a_list_is_read_as_a_stream(tmp_path, settings):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"code": "x" * 1000, "score": 2}] * 20_000))
    tracemalloc.start()
    try:
        assert sum(1 for _ in row_files.lines(path, settings)) == 20_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * MB


def test_rows_to_be_answered_need_no_score_and_keep_their_columns(read):
    assert read("a.jsonl", jsonl([{"code": "f()", "id": 7}]), data.read_inputs) == [{"code": "f()", "id": 7}]
    with pytest.raises(BadInput, match="line 1, column code: missing"):
        read("a.jsonl", jsonl([{"id": 7}]), data.read_inputs)


def test_what_was_written_is_read_back_and_has_the_same_digest(tmp_path, settings):
    path, rows = tmp_path / "a.jsonl", rows_of(5) + [{"code": "const é = '\u2028';", "score": 2.0}]
    data.write_rows(path, rows)
    assert data.read_jsonl(path) == data.read_rows(path, TASK, settings) == rows
    assert data.digest(data.read_jsonl(path)) == data.digest(rows)


def test_the_digest_knows_values_and_order_of_rows_but_not_order_of_columns():
    assert data.digest([{"a": 1, "b": 2}]) == data.digest([{"b": 2, "a": 1}])
    assert data.digest([{"a": 1}]) != data.digest([{"a": 2}])
    assert data.digest([{"a": 1}, {"a": 2}]) != data.digest([{"a": 2}, {"a": 1}])


def test_a_split_keeps_every_row_and_its_share():
    rows = rows_of(100)
    train, val = data.split(rows, TASK, seed=3)
    assert (len(train), len(val)) == (90, 10)
    assert sorted(r["code"] for r in train + val) == sorted(r["code"] for r in rows)
    assert data.split(rows, TASK, seed=3) == (train, val)
    assert data.split(rows, TASK, seed=4) != (train, val)


def test_rows_that_ask_the_same_stay_on_one_side():
    rows = [row for row in rows_of(20) for _ in range(3)]
    for n, row in enumerate(rows):
        rows[n] = row | {"code": row["code"].replace(" ", "  " if n % 2 else " ")}
    train, val = data.split(rows, TASK)
    assert val
    assert not {data.input_key(TASK, row) for row in train} & {data.input_key(TASK, row) for row in val}


def test_a_val_set_is_never_empty_and_never_larger_than_useful():
    assert len(data.split(rows_of(2), TASK)[1]) == 1
    assert len(data.split(rows_of(5000), TASK)[1]) == 200
    with pytest.raises(BadInput, match="At least 2 different rows"):
        data.split([GOOD, GOOD], TASK)
