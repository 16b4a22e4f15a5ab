"""A teacher at a loopback server: the majority is the label, its share the confidence, nothing is paid for twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.errors import BadInput, NotFound, Refused, Unavailable
from backends.settings import Settings
from finetune import cli, task_named
from finetune.rows import data, teacher
from finetune.rows.table import Table
from finetune.rows.teacher import Label, Teacher
from finetune.rows.versions import Versions
from tests.parts.openai_peer import KEY, MODEL, Answer, Connection, Peer, peer
from ui.fine_tune import data as step_1
from ui.fine_tune import sources, state, teacher_view
from ui.room import Room

pytestmark = pytest.mark.slow

TASK = task_named("observer_utility")
TALKS = [f"I moved to town number {i}" for i in range(6)]
ROWS = [{"user_message": text, "assistant_message": "I see."} for text in TALKS]
USED = {"prompt_tokens": 100, "completion_tokens": 10}


def teaching(says: Callable[[str, int], str]) -> Answer:
    """A model that is given the text of the prompt and the seed, and replies with one text."""

    def answer(at: Connection) -> None:
        at.begin()
        at.event(says(at.asked["messages"][0]["content"], at.asked["seed"]), "stop")
        at.event(choices=[], usage=USED)
        at.raw(b"data: [DONE]\n\n")

    return answer


def by_row(asked: str, seed: int) -> str:
    """Sure of all rows but number 4, and lost at number 5."""
    if TALKS[5] in asked:
        return "I would rather not say"
    return "DISCARD" if TALKS[4] in asked and seed == 1 else "STORE"


def at(settings: Settings, server: Peer) -> Settings:
    return replace(settings, openai_url=server.url, openai_key=KEY, openai_prices=(1.0, 10.0))


def table(settings: Settings, rows: list[dict[str, Any]], folder: Path) -> Table:
    data.write_rows(folder / "mine.jsonl", rows)
    versions = Versions(folder / "table", settings)
    versions.begin(folder / "mine.jsonl", "mine.jsonl")
    return Table(versions, TASK, settings)


def labelled(settings: Settings, rows: list[dict[str, Any]], folder: Path, **options: Any) -> tuple[list[Label], int]:
    with peer(teaching(by_row)) as server:
        said = list(Teacher(at(settings, server), TASK, MODEL, folder).label(rows, **options))
    return said, len(server.bodies)


def test_the_majority_is_the_label_and_its_share_the_confidence(settings: Settings, tmp_path: Path) -> None:
    said, asked = labelled(settings, ROWS, tmp_path)
    assert asked == teacher.ASKED * len(ROWS)
    assert [one.answer for one in said] == ["STORE"] * 5 + [None]
    assert [(one.agreed, one.asked) for one in said[3:]] == [(3, 3), (2, 3), (0, 3)]
    assert "rather not say" in said[5].problem
    priced = replace(settings, openai_prices=(1.0, 10.0))
    assert str(teacher.bill(priced, said)) == ("5 labelled, 1 failed; 1,800 tokens read and 180 written: $0.0036"), (
        "18 questions, 100 and 10 tokens each, at 1 and 10 dollars a million"
    )
    assert str(teacher.bill(settings, said)).endswith("its price is not set")


def test_what_was_paid_for_is_not_asked_again_and_a_failure_is(settings: Settings, tmp_path: Path) -> None:
    labelled(settings, ROWS, tmp_path)
    said, asked = labelled(settings, ROWS, tmp_path)
    assert asked == teacher.ASKED, "only the row without a label"
    assert [one.answer for one in said] == ["STORE"] * 5 + [None]


def test_a_limit_in_dollars_ends_it_and_keeps_what_was_said(settings: Settings, tmp_path: Path) -> None:
    said, asked = labelled(settings, ROWS, tmp_path, dollars=0.0011)
    assert (len(said), asked) == (2, 6), "a row costs 0.0006"
    with pytest.raises(BadInput, match="ACR_OPENAI_PRICES"):
        list(Teacher(replace(settings, openai_url="http://127.0.0.1:9/v1"), TASK, MODEL, tmp_path).label(ROWS, 1.0))


def test_rows_with_a_label_or_without_an_input_are_not_asked(settings: Settings, tmp_path: Path) -> None:
    rows = [ROWS[0] | {"label": "STORE"}, ROWS[1], {"user_message": "alone"}, ROWS[2] | {"label": ""}]
    assert [number for number, _ in teacher.unlabelled(table(settings, rows, tmp_path))] == [2, 4]


def test_columns_of_other_names_are_found_though_nothing_is_labelled_yet(settings: Settings, tmp_path: Path) -> None:
    rows = [{"user": row["user_message"], "assistant": row["assistant_message"]} for row in ROWS]
    found = [row for _, row in teacher.unlabelled(table(settings, rows, tmp_path))]
    assert [row["user_message"] for row in found] == TALKS


def test_without_a_server_it_is_said(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="ACR_OPENAI_URL"):
        list(Teacher(settings, TASK, MODEL, tmp_path).label(ROWS))


def run_cli(settings: Settings, monkeypatch: pytest.MonkeyPatch, *argv: str) -> int:
    monkeypatch.setattr("finetune.cli.label.settings", lambda: settings)
    return cli.main(["label", *argv])


def test_the_command_writes_every_row_that_has_a_label_and_lists_failures(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data.write_rows(tmp_path / "mine.jsonl", [ROWS[0] | {"label": "DISCARD"}, *ROWS[1:]])
    argv = [str(tmp_path / "mine.jsonl"), "--task", TASK.name, "--model", MODEL, "--json"]
    with peer(teaching(by_row)) as server:
        code = run_cli(at(settings, server), monkeypatch, *argv, "--out", str(tmp_path / "out.jsonl"))
    told = json.loads(capsys.readouterr().out)
    assert code == 0 and (told["labelled"], told["failed"], told["dollars"]) == (4, 1, 0.003)
    assert [failure["line"] for failure in told["failures"]] == [6]
    written = data.read_jsonl(tmp_path / "out.jsonl")
    assert [row["label"] for row in written] == ["DISCARD"] + ["STORE"] * 4
    assert [row.get("teacher_confidence") for row in written] == [None, 1.0, 1.0, 1.0, 0.67]
    assert written[1]["teacher"] == MODEL and data.read_rows(tmp_path / "out.jsonl", TASK, settings)


# -- on the page -------------------------------------------------------------------------------------------------------


class View:
    """Stands where the components do: only which of them is updated matters here."""

    box, said, model, ask, stop = "box", "said", "model", "ask", "stop"


@pytest.fixture
def draft(settings: Settings, tmp_path: Path) -> state.Draft:
    data.write_rows(tmp_path / "mine.jsonl", ROWS)
    return step_1.look(sources.file(settings, "local", TASK, str(tmp_path / "mine.jsonl")))[0]


def ask(settings: Settings, draft: state.Draft, server: Peer) -> tuple[Room, state.Draft, Any]:
    room = Room(at(settings, server))
    asked = replace(draft, settings=room.settings)
    return room, asked, teacher_view.label(View(), room, asked, MODEL)  # type: ignore[arg-type]


def test_labels_are_a_new_version_with_the_least_sure_row_first(draft: state.Draft, settings: Settings) -> None:
    with peer(teaching(by_row)) as server:
        room, asked, updates = ask(settings, draft, server)
        assert teacher_view.count(room, asked) == 6
        shown = [str(update.get("said", "")) for update in updates]
    assert "6 of 6 rows" in shown[-1] and "$0.0036" in shown[-1]
    found = state.load(room.settings, "local")
    assert found and found.versions.current.what == f"5 rows labelled by {MODEL}"
    assert "1 label not unanimous" in found.taught["said"] and "line 6: " in found.taught["said"]
    rows, sure = teacher_view.by_doubt(found)
    assert [row.number for row in rows] == [5, 1, 2, 3, 4] and sure[5] == "2 of 3 agree"
    assert teacher_view.count(room, found) == 1
    found.versions.undo(found.versions.current.number)
    assert teacher_view.count(room, found) == 6 and teacher_view.by_doubt(found)[0] == []


def test_one_that_is_stopped_keeps_what_was_said(draft: state.Draft, settings: Settings) -> None:
    with peer(teaching(by_row)) as server:
        room, asked, updates = ask(settings, draft, server)
        for _ in range(3):  # the start, and two rows
            next(updates)
        updates.close()
    assert [row.row.get("label") for row in asked.table.page(0, 9)] == ["STORE", "STORE", None, None, None, None]


def test_strangers_on_a_public_space_spend_nobodys_money(draft: state.Draft, settings: Settings) -> None:
    with peer(teaching(by_row)) as server:
        room = Room(replace(at(settings, server), public=True))
        with pytest.raises(Refused, match="public Space"):
            next(teacher_view.label(View(), room, draft, MODEL))  # type: ignore[arg-type]
    assert teacher_view.count(room, draft) == 0 and not server.bodies


@pytest.mark.parametrize("model", ["", None, 7])
def test_a_model_without_a_name_is_refused(draft: state.Draft, settings: Settings, model: Any) -> None:
    with peer() as server, pytest.raises(BadInput, match="Which model"):
        next(teacher_view.label(View(), Room(at(settings, server)), draft, model))  # type: ignore[arg-type]


def test_where_all_is_labelled_nothing_is_asked(settings: Settings, tmp_path: Path) -> None:
    data.write_rows(tmp_path / "mine.jsonl", [row | {"label": "STORE"} for row in ROWS])
    draft = step_1.look(sources.file(settings, "local", TASK, str(tmp_path / "mine.jsonl")))[0]
    with peer() as server, pytest.raises(NotFound, match="a label already"):
        next(teacher_view.label(View(), Room(at(settings, server)), draft, MODEL))  # type: ignore[arg-type]
