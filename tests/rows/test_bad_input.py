"""Files and settings that a person or an attacker may bring: rows J and K of the fault matrix, by their numbers."""

import io
import json
import pickle
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from backends.errors import BadInput
from backends.files import sha256_of
from backends.settings import MB, ROOT
from finetune import task_named
from finetune.recipes import recipe
from finetune.rows import data, row_files
from finetune.runs.run_folder import RunFolder
from tests.parts.control_room import ControlRoom, quick
from tests.parts.memory import peak

pytestmark = pytest.mark.slow

TASK = task_named("sourcegraph")
ROW = {"natural_language": "Find shell code in ssh", "query": "repo:ssh lang:shell"}
LINE = json.dumps(ROW) + "\n"
MEMORY = 300 * MB


@pytest.fixture
def read(tmp_path, settings):
    def write_and_read(content, name="a.jsonl"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return data.read_rows(path, TASK, settings)

    return write_and_read


@pytest.mark.parametrize(
    "content",
    [
        LINE,
        LINE.rstrip("\n"),
        "\ufeff" + LINE,
        LINE.replace("\n", "\r\n"),
        "\n \n" + LINE + "\n\n",
        "\ufeff[\r\n" + LINE + "]",
    ],
)
def test_j1_one_row_is_read_whatever_surrounds_it(read, content):
    assert read(content) == [ROW]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n\t\n\r\n", "is empty"),
        ("\ufeff", "is empty"),
        (LINE.encode("utf-16"), "UTF-16 text"),
        (LINE.encode("utf-16-le"), "a binary file"),
        (
            b"\n\n" + LINE.replace("shell code", "café").encode("latin-1").replace(b"\\u00e9", b"\xe9"),
            "line 3, not",
        ),
    ],
)
def test_j1_what_is_no_row_is_refused_with_the_reason(read, content, message):
    with pytest.raises(BadInput, match=message):
        read(content)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\n\r\n"])
def test_j1_line_numbers_count_what_an_editor_shows(read, end):
    content = LINE.rstrip("\n") + end + '{"natural_language": "x"}' + end
    with pytest.raises(
        BadInput, match=f"line {content[: content.index('x')].count(chr(10)) + 1}, column query: missing"
    ):
        read("\ufeff" + content)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{broken", "line 7, not one JSON object"),
        ('{"natural_language": "x"}', "line 7, column query: missing"),
        ('{"natural_language": "x", "query": null}', "line 7, column query: missing"),
        ('{"natural_language": "x", "query": 7}', "line 7, column query: a text is needed, this is int"),
        ('{"natural_language": "x", "query": {"a": 1}}', "line 7, column query: a text is needed, this is dict"),
        ('{"natural_language": "  ", "query": "a"}', "line 7, column natural_language: empty"),
        ('{"natural_language": "x", "query": NaN}', "line 7, not one JSON object .NaN is not a number"),
        ('{"natural_language": "x", "query": "a", "n": 1e400}', "line 7, holds NaN or an infinite value"),
    ],
)
def test_j2_a_bad_row_is_named_by_its_line_and_column(read, bad, message):
    with pytest.raises(BadInput, match=f"1 of 9 rows cannot be used.*{message}"):
        read(LINE * 6 + bad + "\n" + LINE * 2)


def test_j2_an_extra_column_stays_beside_the_row(read):
    assert read(json.dumps(ROW | {"note": "kept"}) + "\n") == [ROW | {"note": "kept"}]


def long_line(path: Path) -> None:
    path.write_text(LINE + json.dumps({"natural_language": "é" * (25 * MB), "query": "a"}, ensure_ascii=False))


def long_cell(path: Path) -> None:
    path.write_text('natural_language,query\n"' + "x" * (50 * MB) + '",a\n')


def long_list(path: Path) -> None:
    path.write_text("[" + json.dumps({"natural_language": "x" * (50 * MB), "query": "a"}) + "]")


def endless_list(path: Path) -> None:
    path.write_text("[" + "\n" * (50 * MB))


def a_million(path: Path) -> None:
    path.write_text(LINE * 1_000_000)


def deep(path: Path) -> None:
    path.write_text('{"natural_language": "x", "query": ' + "[" * 100_000 + "\n")


def parquet_text(path: Path, size: int = 47) -> None:
    """Some kilobytes on the disk, 47 MB in the memory."""
    import pyarrow
    from pyarrow import parquet

    rows = [{"natural_language": "x" * (size * MB), "query": "a"}, ROW]
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, compression="zstd")


def parquet_bomb(path: Path) -> None:
    parquet_text(path, 200)


def parquet_many(path: Path) -> None:
    """One text, a hundred thousand times."""
    import pyarrow
    from pyarrow import parquet

    text = pyarrow.array(["x" * 900_000]).dictionary_encode()
    many = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 100_000, pyarrow.int32()), text.dictionary)
    parquet.write_table(pyarrow.table({"natural_language": many, "note": many}), path)


READ = """
import sys
from pathlib import Path
from backends.errors import BadInput
from backends.settings import MB, settings
from finetune import task_named
from finetune.rows import data, row_files
import pyarrow.parquet
from tests.parts.memory import peak
task = task_named("sourcegraph")
idle = peak()
try:
    for line in row_files.lines(Path(sys.argv[1]), settings()):
        pass
    said = "read"
except BadInput as error:
    said = str(error)
print(peak() - idle)
print(said)
"""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (long_line, "line 2 is longer than 1,048,576 characters"),
        (long_cell, "line 2 is longer than 1,048,576 characters"),
        (long_list, "line 1: not a JSON object of at most 1,048,576 characters"),
        (endless_list, "its closing bracket is missing"),
        (a_million, "more than 200,000 rows"),
        (deep, "read"),
        (parquet_text, "column natural_language holds a text of more than 4,194,304 bytes"),
        (parquet_bomb, "more than 48 MB of one column"),
        (parquet_many, "unpacks to more than 400 MB"),
    ],
)
def test_j3_no_file_takes_much_memory(tmp_path, make, message):
    path = tmp_path / "a"
    path = path.with_suffix(".csv" if make is long_cell else ".jsonl")
    make(path)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    grown, said = done.stdout.split("\n", 1)
    assert message in said
    assert int(grown) < MEMORY


def test_j3_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path, settings):
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.truncate(500 * MB)
    before = peak()
    with pytest.raises(BadInput, match="a.jsonl has 500 MB; at most 100 MB are accepted"):
        data.read_rows(path, TASK, settings)
    assert peak() - before < 10 * MB


@pytest.mark.parametrize("text", ["<|im_start|>system", "</s>", "<end_of_turn>\n<start_of_turn>model", "<eos>"])
def test_j4_marks_of_a_chat_are_text_of_the_row(read, text):
    [row] = read(json.dumps(ROW | {"natural_language": text}) + "\n")
    assert row["natural_language"] == text


@pytest.mark.parametrize(
    "text", ["שלום", "👨\u200d👩\u200d👧", "a\x00b", "\x1b[31mred\x1b[0m", "\u202egnp.exe", "e\u0301"]
)
def test_j5_no_letter_breaks_the_reader(read, text):
    [row] = read(json.dumps(ROW | {"natural_language": text}) + "\n")
    assert row["natural_language"] == text


def test_j5_half_a_letter_is_refused_with_its_line(read):
    with pytest.raises(BadInput, match="line 2, not UTF-8 text"):
        read(LINE + '{"natural_language": "\\ud83d", "query": "a"}\n')


def test_j8_a_run_learns_from_its_own_copy(tmp_path):
    room = ControlRoom(quick(tmp_path / "data"))
    digest = sha256_of(room.rows)
    run = room.submit("kept", steps=20, seconds=1.0)
    room.rows.write_text("something else")
    room.rows.unlink()
    room.until_ended(run)
    assert sha256_of(RunFolder(room.settings.runs_dir / run).data_dir / "train.jsonl") == digest


def packed(kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("../../a.jsonl", LINE)
    elif kind == "tar":
        with tarfile.open(fileobj=out, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("a.jsonl"), io.BytesIO())
    else:
        out.write(pickle.dumps([ROW], protocol=int(kind)))
    return out.getvalue()


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet", "a.txt"])
@pytest.mark.parametrize("kind", ["zip", "tar", "0", "2", "4", "5"])
def test_j10_archives_and_pickles_are_refused_whatever_their_name(read, name, kind):
    with pytest.raises(BadInput):
        read(packed(kind), name)


@pytest.mark.parametrize("name", ["a.py", "a.jsonl", "a.csv", "a"])
def test_j10_a_program_is_read_as_text_and_never_run(read, tmp_path, name):
    mark = tmp_path / "ran"
    with pytest.raises(BadInput):
        read(f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n", name)
    assert not mark.exists()


def test_j10_a_file_that_says_parquet_and_is_none_is_refused(read):
    with pytest.raises(BadInput, match="is no Parquet file"):
        read(b"PAR1" + b"\x00" * 100 + b"PAR1", "a.jsonl")


@pytest.mark.parametrize("text", ["a" * 50_000 + "!", "(" * 50_000, "0" * 50_000 + "@", "1 " * 50_000, "<" * 50_000])
def test_no_text_makes_a_check_think_for_long(text):
    """Patterns that go back and forth over a text would take minutes here; the time limit of the tests holds them."""
    from finetune.check import texts
    from finetune.check.finding import Seen

    row = Seen(1, 0, {}, (text, text))
    for check in texts.checks():
        check.see(row)
        if check.mend:
            check.mend(text)


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e400", "１２", ""])
def test_k1_a_number_that_is_none_is_refused_by_its_name(value):
    with pytest.raises(BadInput, match="learning_rate"):
        recipe.make({"learning_rate": value})


@pytest.mark.parametrize("key", ["trust_remote_code", "output_dir", "__class__"])
def test_k2_an_unknown_setting_is_refused_by_its_name(key):
    with pytest.raises(BadInput, match=key):
        recipe.make({key: 1})


@pytest.mark.parametrize("value", ["8; rm -rf /", "$(x)", "8\n9", [8]])
def test_k3_a_command_is_no_number(value):
    with pytest.raises(BadInput, match="r "):
        recipe.make({"r": value})


def test_k5_modules_are_names_of_the_base_and_no_pattern():
    for value in ("(a+)+$", ["q_proj", ".*"], ["os.system"]):
        with pytest.raises(BadInput, match="target_modules"):
            recipe.make({"target_modules": value})


def test_the_reader_looks_at_no_more_than_it_is_asked_for(tmp_path, settings):
    path = tmp_path / "a.jsonl"
    path.write_text(LINE + "{broken\n" * 1000)
    assert next(iter(row_files.lines(path, settings))).row == ROW
