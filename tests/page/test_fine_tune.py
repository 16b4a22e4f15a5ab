"""The four steps of Fine-tune without a browser: what is remembered, read, checked, chosen and refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.errors import BadInput, Refused
from backends.settings import Settings
from finetune import all_tasks, task_named
from finetune.recipes.recipe import Recipe
from finetune.rows import data as rows_of
from finetune.rows import hub_rows
from finetune.runs import client
from tests.browser.test_page import HOSTILE, functions
from tests.parts.loopback_hub import LoopbackHub
from tests.rows.test_hub_rows import DATA, hub, jsonl
from ui.fine_tune import (
    data,
    examine,
    receipt_view,
    recipe_form,
    rows_editor,
    sources,
    start,
    state,
    stepper,
    tokens_view,
)
from ui.fine_tune.prepared import prepared
from ui.fine_tune.state import Draft
from ui.room import Room

TASK = task_named("complexity")
ME = "local"

__all__ = ["hub"]  # a fixture


def file(folder: Path, rows: list[Any], name: str = "mine.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def taken(settings: Settings, path: Path) -> tuple[Draft, str]:
    return data.look(sources.file(settings, ME, TASK, str(path)))


@pytest.fixture
def draft(settings: Settings, tmp_path: Path) -> Draft:
    found, problem = taken(settings, file(tmp_path, functions(60)))
    assert not problem
    return found


# -- what is remembered ------------------------------------------------------------------------------------------------


def test_a_draft_is_found_again_by_its_owner_alone(draft: Draft, settings: Settings) -> None:
    kept = draft.change(step=3, simple="quick", minutes=7.0)
    assert state.load(settings, ME) == kept
    assert state.load(settings, "visitor-1") is None
    state.forget(settings, ME)
    assert state.load(settings, ME) is None
    with pytest.raises(BadInput, match="no rows yet"):
        state.needed(settings, ME)


def test_what_is_worked_out_for_a_step_does_not_take_back_where_the_person_went_meanwhile(
    draft: Draft, settings: Settings
) -> None:
    before = draft.change(step=4)
    draft.change(step=3)
    assert before.change(receipt={"key": "late"}).step == 3
    found = state.load(settings, ME)
    assert found and (found.step, found.receipt) == (3, {"key": "late"})


def test_a_draft_that_was_thrown_away_stays_away(draft: Draft, settings: Settings) -> None:
    state.forget(settings, ME)
    draft.change(step=3)
    assert state.load(settings, ME) is None and not draft.folder.exists()


def test_the_upload_is_copied_so_the_person_may_delete_it(draft: Draft, tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").unlink()
    assert draft.table.path.name == "mine.jsonl" and len(draft.table.page(0, 99)) == 60


@pytest.mark.parametrize("name", ["../../etc/passwd.jsonl", "a b.csv", "-x.json", "rm;.tsv", "нет.txt"])
def test_a_file_keeps_its_name_only_where_that_is_one(name: str) -> None:
    assert state._file_name(name) == f"rows{Path(name).suffix}"
    assert state._file_name("my-rows.v2.csv") == "my-rows.v2.csv"


@pytest.mark.parametrize("content", [b"PK\x03\x04zip", b"\x80\x04pickle", b"", b"import os\nos.system('x')\n"])
def test_what_is_no_file_of_rows_replaces_nothing(
    draft: Draft, settings: Settings, tmp_path: Path, content: bytes
) -> None:
    bad = tmp_path / "bad.py"
    bad.write_bytes(content)
    with pytest.raises(BadInput, match="bad.py"):
        sources.file(settings, ME, TASK, str(bad))
    assert state.load(settings, ME) == draft
    assert [path.name[0] for path in draft.folder.parent.iterdir()] != ["."], "nothing half-made is left"


@pytest.mark.parametrize("spoiled", ["{", "[]", '{"form": 0}', '{"task_name": "gone"}', '{"shares": {"val": 9}}'])
def test_a_damaged_draft_is_forgotten_and_does_not_break_the_page(
    draft: Draft, settings: Settings, spoiled: str
) -> None:
    (draft.folder / "draft.json").write_text(spoiled)
    assert state.load(settings, ME) is None


def test_old_drafts_of_others_go_when_there_are_too_many(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "MOST", 2)
    source = file(tmp_path, functions(12))
    for number in range(4):
        state.begin(settings, f"visitor-{number}", TASK, source, "mine.jsonl", state.FILE)
    assert [bool(state.load(settings, f"visitor-{number}")) for number in range(4)] == [False, False, True, True]


# -- step 1 ------------------------------------------------------------------------------------------------------------


def test_rows_are_read_parted_and_said(draft: Draft) -> None:
    assert draft.read["counts"] == {"train": 54, "val": 6, "test": 0}
    assert "Read 60 rows from mine.jsonl" in data._summary(draft)
    made = prepared(draft)
    assert len(made.train) == 54 and made.train_path.parent.name == draft.parts_key


def test_other_shares_part_the_rows_anew(draft: Draft) -> None:
    changed, problem = data.with_shares(draft, 10, 20, 3, "")
    assert not problem and changed.read["counts"] == {"train": 42, "val": 6, "test": 12}
    assert [path.name for path in (changed.folder / "prepared").iterdir()] == [changed.parts_key]
    with pytest.raises(BadInput, match="test share"):
        data.with_shares(draft, 10, 80, 3, "")
    _, problem = data.with_shares(draft, 10, 0, 0, "author")
    assert "column 'author'" in problem


def test_columns_are_guessed_and_a_person_may_say_otherwise(settings: Settings, tmp_path: Path) -> None:
    rows = [{"snippet": row["code"], "old": 1.0, "new": row["score"]} for row in functions(20)]
    found, problem = taken(settings, file(tmp_path, rows))
    assert "needed: code, score" in problem and not found.read and found.reach == 2
    order = [one["column"] for one in found.columns]
    last_alone, _ = data.with_roles(found, ("", "", "score"))
    assert [one["column"] for one in last_alone.columns] == order, "the next choice may be on its way already"
    roles = {"snippet": "code", "new": "score", "old": ""}
    changed, problem = data.with_roles(found, tuple(roles[name] for name in order))
    assert not problem and changed.read["counts"]["train"] == 18
    assert {one["column"]: one["role"] for one in changed.columns} == roles
    assert prepared(changed).train[0].keys() >= {"code", "score"}


@pytest.mark.parametrize(
    "text",
    [
        "code,score\nfunction a() {},1\nfunction b() {},2\n",
        "code\tscore\nfunction a() {}\t1\nfunction b() {}\t2\n",
        '{"code": "function a() {}", "score": 1}\n{"code": "function b() {}", "score": 2}',
        '[{"code": "function a() {}", "score": 1}, {"code": "function b() {}", "score": 2}]',
        "Q: function a() {}\nA: 1\n\nQ: function b() {}\nA: 2\n",
    ],
)
def test_pasted_text_of_every_shape_is_read(settings: Settings, text: str) -> None:
    found, problem = data.look(sources.pasted(settings, ME, TASK, text))
    assert not problem and found.read["counts"]["train"] == 1


@pytest.mark.parametrize("cap", [0, 1.5, 10**9])
def test_a_cap_that_is_none_is_refused_before_anything_is_fetched(settings: Settings, cap: float) -> None:
    with pytest.raises(BadInput, match="Rows at most"):
        sources.from_hub(settings, ME, TASK, "someone/rows", "", "train", cap)
    with pytest.raises(BadInput, match="owner/name"):
        sources.from_hub(settings, ME, TASK, "https://x", "", "train", 10)


@pytest.mark.parametrize("task", all_tasks().values(), ids=lambda task: task.name)
def test_the_sample_set_of_every_task_can_be_started_at_once(settings: Settings, task: Any) -> None:
    found, problem = data.look(sources.sample(settings, ME, task))
    assert not problem and found.is_checked and found.reach == 4
    assert len(prepared(found).val) == found.read["counts"]["val"] > 0


@pytest.mark.rehearsal
def test_rows_of_the_hub_are_taken_up_to_the_cap_and_only_what_everybody_may_read(
    settings: Settings, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.models[DATA] = {"train.jsonl": jsonl(functions(40))}
    found, problem = data.look(sources.from_hub(settings, ME, TASK, "someone/rows ", "", "", 25))
    assert not problem and sum(found.read["counts"].values()) == 25 and found.title == "rows.jsonl"
    hub.gated.add(DATA)
    monkeypatch.setattr(hub_rows, "rows", lambda *_: pytest.fail("it was asked with the token of this place"))
    with pytest.raises(Refused, match="gated"):
        sources.from_hub(replace(settings, public=True), ME, TASK, "someone/rows", "", "train", 25)
    assert state.load(settings, ME) == found, "what cannot be fetched replaces nothing"


# -- step 2 ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def room(base_settings: Settings) -> Room:
    return Room(base_settings)


BAD = [*functions(30), "no json", {"code": "function x() {}", "score": "high"}, functions(30)[4]]


@pytest.mark.model
def test_bad_rows_block_and_one_click_puts_right_what_is_safe(room: Room, tmp_path: Path) -> None:
    found, problem = taken(room.settings, file(tmp_path, BAD))
    assert "line 31" in problem and "line 32" in problem
    found, _ = examine.checked(room, found)
    assert not found.is_checked and found.reach == 2
    with pytest.raises(Refused, match="check comes first"):
        start.begin(room, found, ME, None)
    assert examine.mended(room, found)
    assert examine.is_stale(found)
    found, problem = examine.checked(room, found)
    assert not problem and found.is_checked and found.reach == 4
    assert sum(found.read["counts"].values()) == 30
    found.versions.undo(found.versions.current.number)
    assert not found.is_checked and len(found.table.page(0, 99)) == 33


@pytest.mark.model
def test_the_tokens_that_are_learned_are_marked(room: Room, tmp_path: Path) -> None:
    found, _ = taken(room.settings, file(tmp_path, [{"code": HOSTILE, "score": 2.0}, *functions(10)]))
    shown = tokens_view.tokens(room, found, 1)
    assert "<img" not in shown and "<script" not in shown
    assert "tokens are read" in shown and shown.count("<mark>") == 4, "2 . 0 and the end token"
    assert "<mark>" in tokens_view.rendered(room, found) and "<img" not in tokens_view.rendered(room, found)


def test_a_row_is_saved_relabelled_rejected_and_brought_back(draft: Draft) -> None:
    before = draft.table.path.read_bytes()
    code = functions(1)[0]["code"]
    rows_editor.save(draft, 1, 1, "9.5", None, code, "")
    assert (draft.table.row(1).row["score"], draft.versions.current.what) == (9.5, "row 1 relabelled")
    rows_editor.save(draft, 2, 2, "3", None, "function z() {}", "")
    assert draft.table.row(2).row["code"] == "function z() {}"
    rows_editor.reject(draft, 3, 60)
    assert len(draft.table.page(0, 99)) == 59
    for version in (4, 3, 2):
        rows_editor.undo(draft, version)
    assert draft.table.path.read_bytes() == before


@pytest.mark.parametrize(
    ("seen", "number", "answer", "said"),
    [(1, 2, "high", "row 2, column score"), (7, 2, "3", "another window"), (1, None, "3", "Which row"),
     (1, 2.5, "3", "Which row"), (1, 99, "3", "no row in line 99")],
)  # fmt: skip
def test_a_bad_change_is_refused_and_changes_nothing(
    draft: Draft, seen: int, number: Any, answer: str, said: str
) -> None:
    with pytest.raises(BadInput if "no row" not in said else Exception, match=said):
        rows_editor.save(draft, seen, number, answer, None, functions(2)[1]["code"], "")
    assert draft.versions.current.number == 1


# -- steps 3 and 4 -----------------------------------------------------------------------------------------------------


def form(**values: Any) -> list[Any]:
    made = Recipe().to_json()
    return [values.get(name, made[name]) for name in recipe_form.KNOBS]


def test_every_knob_of_the_recipe_has_one_place_in_the_form() -> None:
    named = [name for names in recipe_form._grouped().values() for name in names]
    assert sorted(named) == sorted(recipe_form.KNOBS) and len(named) == len(set(named))
    assert {*named, recipe_form.MINUTES} == set(Recipe().to_json())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"r": 0}, "r: got 0, accepted is a whole number from 1 to 256"),
        ({"learning_rate": None}, "learning_rate: got None"),
        ({"optim": "sgd; rm -rf"}, "optim"),
        ({"target_modules": []}, "target_modules"),
        ({"use_dora": True, "quantization": "int8"}, "use_dora and quantization"),
    ],
)
def test_a_recipe_out_of_bounds_or_against_itself_is_refused_by_name(
    draft: Draft, settings: Settings, values: dict, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        recipe_form.chosen(draft, Room(settings), None, 0, "plain", *form(**values))
    assert state.load(settings, ME) == draft


def test_a_simple_recipe_follows_the_rows_and_a_changed_knob_makes_it_ones_own(
    draft: Draft, settings: Settings
) -> None:
    room = Room(settings)
    quick = draft.change(simple="quick", minutes=5.0)
    assert (quick.recipe.max_steps, quick.recipe.max_minutes) == (42, 5.0)
    values = quick.recipe.to_json()
    knobs = [values[name] for name in recipe_form.KNOBS]
    assert recipe_form.chosen(quick, room, "quick", 5, "plain", *knobs).simple == "quick"
    own = recipe_form.chosen(quick, room, "quick", 5, "plain", *(form(r=32, max_steps=7)))
    assert (own.simple, own.recipe.r, own.recipe.max_steps) == ("", 32, 7)
    more, _ = data.with_shares(own.change(simple="quick", values={}), 50, 0, 0, "")
    assert more.recipe.max_steps == 24


def test_a_receipt_holds_for_its_rows_and_settings_only(draft: Draft) -> None:
    told = draft.change(receipt={"key": receipt_view.key(draft), "told": {}})
    assert not receipt_view.is_stale(told)
    assert receipt_view.is_stale(told.change(simple="thorough"))
    assert receipt_view.is_stale(told.change(minutes=3.0))
    assert receipt_view.is_stale(data.with_shares(told, 20, 0, 0, "")[0])


@pytest.mark.model
def test_the_receipt_and_the_run_are_of_the_rows_that_were_checked(room: Room, tmp_path: Path) -> None:
    found, _ = taken(room.settings, file(tmp_path, functions(30)))
    found, _ = examine.checked(room, found)
    found = receipt_view.worked_out(room, found.change(simple="quick", minutes=2.0, format_name="alpaca"))
    shown = receipt_view.view(found)
    assert "What it takes" in shown and "It costs nothing" in shown and "GB" in shown
    run = start.begin(room, found, ME, "mine")
    client.cancel(room.settings, run, ME)
    job = room.folder(run).job
    assert (job["name"], job["limits"]["minutes"]) == ("mine", 2.0)
    assert job["format"]["id"] == "alpaca/complexity"
    assert job["data"]["sha256"] == rows_of.digest(prepared(found).train)
    client.wait(room.settings, run, lambda view: None)


def test_steps_are_buttons_of_which_the_open_one_is_named(draft: Draft) -> None:
    shown = stepper._nav(draft)
    assert shown.count("<button") == 4 and shown.count('aria-current="step"') == 1
    assert shown.count("disabled=") == 2, "what opens only after a check cannot be pressed"


@pytest.mark.model
def test_the_base_that_was_asked_first_is_said_and_its_score_goes_with_the_run(room: Room, tmp_path: Path) -> None:
    found, _ = taken(room.settings, file(tmp_path, functions(12)))
    found, _ = examine.checked(room, found)
    assert start.of_base(room, found) == ("", False)
    found = start.ask_base(room, found.change(simple="quick", step=4), ME)
    assert start.of_base(room, found)[1], "the page looks again"
    client.wait(room.settings, found.asked["run"], lambda view: None)
    room.forget()
    said, waits = start.of_base(room, found)
    assert not waits and "With 4 examples in the prompt the base without any training reaches" in said
    run = start.begin(room, found, ME, None)
    client.cancel(room.settings, run, ME)
    assert room.folder(run).baseline["metric"] == TASK.primary
    client.wait(room.settings, run, lambda view: None)
    other, _ = data.with_shares(found, 20, 0, 0, "")
    assert start.of_base(room, other) == ("", False), "of other rows it says nothing"
