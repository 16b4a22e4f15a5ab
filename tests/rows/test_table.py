"""The rows table: changes are new versions, nothing is lost, undo is exact, bad edits are refused by row."""

import json
from pathlib import Path

import pytest

from backends.errors import BadInput, NotFound, Unavailable
from backends.settings import Settings
from finetune import task_named
from finetune.rows import data, versions
from finetune.rows.table import Table
from finetune.rows.versions import Versions

TASK = task_named("complexity")
ROWS = [{"code": f"function f{i}() {{ return {i} }}", "score": 2.0 + i % 5, "source": f"repo{i % 3}"} for i in range(9)]


@pytest.fixture
def kept(tmp_path: Path, settings: Settings) -> Versions:
    source = tmp_path / "mine.jsonl"
    data.write_rows(source, ROWS)
    made = Versions(tmp_path / "table", settings)
    made.begin(source, "mine.jsonl")
    return made


def table(kept: Versions) -> Table:
    return Table(kept, TASK, kept.settings)


def rows(kept: Versions) -> list[dict]:
    return data.read_jsonl(table(kept).path)


def test_rows_are_shown_page_by_page_under_their_line(kept: Versions) -> None:
    assert [(row.number, row.row) for row in table(kept).page(4, 3)] == list(enumerate(ROWS, 1))[4:7]
    assert table(kept).page(9, 3) == []
    assert [row.number for row in table(kept).rows_at([7, 2, 99])] == [2, 7]


def test_an_edit_changes_one_row_and_keeps_its_other_columns(kept: Versions) -> None:
    version = table(kept).edit(3, {"score": "7.5"})
    assert (version.number, version.parent, version.what) == (2, 1, "row 3 edited")
    assert rows(kept) == [*ROWS[:2], ROWS[2] | {"score": 7.5}, *ROWS[3:]]


def test_rejected_rows_are_gone_and_relabelled_ones_changed_all_at_once(kept: Versions) -> None:
    table(kept).reject([1, 9])
    assert rows(kept) == ROWS[1:8]
    table(kept).relabel([1, 2], 9.0)
    assert [row["score"] for row in rows(kept)] == [9.0, 9.0, *(row["score"] for row in ROWS[3:8])]
    assert kept.current.what == "rows 1, 2 relabelled"


@pytest.mark.parametrize("steps", [1, 3])
def test_undo_brings_back_the_very_bytes(kept: Versions, steps: int) -> None:
    before = [table(kept).path.read_bytes()]
    for number in range(1, steps + 1):
        table(kept).edit(number, {"score": 10.0})
        before.append(table(kept).path.read_bytes())
    assert len(set(before)) == steps + 1
    for earlier in reversed(before[:-1]):
        kept.undo(kept.current.number)
        assert table(kept).path.read_bytes() == earlier
    with pytest.raises(BadInput, match="nothing to undo"):
        kept.undo(1)


def test_a_change_after_an_undo_is_a_new_version_of_what_was_there(kept: Versions) -> None:
    table(kept).edit(1, {"score": 9.0})
    kept.undo(2)
    made = table(kept).edit(2, {"score": 8.0})
    assert (made.number, made.parent) == (3, 1)
    assert [row["score"] for row in rows(kept)][:2] == [2.0, 8.0]


@pytest.mark.parametrize("bad", [{"score": "high"}, {"code": "  "}, {"code": 7}])
def test_a_bad_edit_is_refused_with_the_row_and_changes_nothing(kept: Versions, bad: dict) -> None:
    with pytest.raises(BadInput, match=f"row 5, column {next(iter(bad))}.*nothing was changed"):
        table(kept).edit(5, bad)
    assert kept.current.number == 1 and rows(kept) == ROWS
    assert sorted(path.name for path in kept.folder.iterdir()) == ["1", "lock", "versions.json"]


def test_a_row_that_is_not_there_is_refused_by_its_line(kept: Versions) -> None:
    with pytest.raises(NotFound, match="line 10 of mine.jsonl"):
        table(kept).reject([2, 10])
    with pytest.raises(NotFound, match="line 10"):
        table(kept).row(10)
    assert rows(kept) == ROWS


def test_a_row_that_cannot_be_read_is_never_dropped_in_silence(tmp_path: Path, settings: Settings) -> None:
    source = tmp_path / "mine.jsonl"
    source.write_text(json.dumps(ROWS[0]) + "\nno json\n" + json.dumps({"code": "x", "score": "high"}) + "\n")
    kept = Versions(tmp_path / "table", settings)
    kept.begin(source, "mine.jsonl")
    assert [bool(row.problem) for row in table(kept).page(0, 9)] == [False, True, True]
    with pytest.raises(BadInput, match="line 2 cannot be read"):
        table(kept).edit(1, {"score": 3.0})
    table(kept).reject([2])
    assert rows(kept) == [ROWS[0], {"code": "x", "score": "high"}], "a bad row is still there, to be mended"


def test_columns_in_other_roles_become_the_tasks_own_with_the_first_change(tmp_path: Path, settings: Settings) -> None:
    source = tmp_path / "mine.csv"
    source.write_text("a,b\n" + "\n".join(f'"function f() {{ return {i} }}",{i + 1}' for i in range(4)))
    kept = Versions(tmp_path / "table", settings)
    kept.begin(source, "mine.csv")
    kept.read_as({"a": "code", "b": "score"})
    first = table(kept).page(0, 1)[0]
    assert first.number == 2 and first.row["score"] == "1"
    table(kept).edit(2, {"score": "4"})
    assert [float(row["score"]) for row in rows(kept)] == [4, 2, 3, 4] and "code" in rows(kept)[3]
    kept.undo(2)
    assert kept.current.roles == {"a": "code", "b": "score"}


def test_what_another_window_changed_is_not_overwritten(kept: Versions) -> None:
    mine = table(kept)
    table(kept).reject([1])
    with pytest.raises(BadInput, match="another window"):
        mine.edit(1, {"score": 5.0})
    assert rows(kept) == ROWS[1:]


def test_a_damaged_version_is_not_undone_to(kept: Versions) -> None:
    table(kept).edit(1, {"score": 9.0})
    kept.path(kept.numbered(1)).write_text("{}\n")
    with pytest.raises(Unavailable, match="damaged"):
        kept.undo(2)
    assert rows(kept)[0]["score"] == 9.0


def test_old_versions_go_but_never_the_file_as_it_came(kept: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "KEPT", 3)
    for score in range(1, 8):
        table(kept).edit(1, {"score": float(score)})
    assert [version.number for version in kept.all] == [1, 6, 7, 8]
    assert {path.name for path in kept.folder.iterdir() if path.is_dir()} == {"1", "6", "7", "8"}
    for _ in range(3):
        kept.undo(kept.current.number)
    assert kept.current.number == 1 and rows(kept) == ROWS
