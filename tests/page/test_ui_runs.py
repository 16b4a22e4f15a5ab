"""The Runs tab without a browser: what is read, what is drawn, which buttons make sense, and what they really do."""

import inspect
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio.queueing import Queue

from backends import adapters
from backends.errors import NotFound, Refused
from backends.lora import adapter_zip
from backends.settings import Settings, from_env
from finetune.runs import client
from finetune.runs.endings import doctor
from tests.parts.control_room import ControlRoom, job_for, many_ended, quick
from ui import server
from ui.room import PAGE, Room
from ui.runs import actions, again, detail, doctor_view, download, history, notice, overlay
from ui.runs.look import Look, news
from ui.views import curve, plots, run_view

pytestmark = pytest.mark.slow

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ControlRoom]:
    made = ControlRoom(quick(tmp_path / "data"))
    yield made
    made.close()


def trained(room: ControlRoom, key: str, **echo: Any) -> str:
    """A run of the echo engine that has a recipe, so that it can be started again with changes."""
    job = job_for(key, **echo) | {"recipe": {"learning_rate": 1e-3, "num_train_epochs": 2.0}}
    return client.submit(room.settings, job, {"train.jsonl": room.rows})


def look(room: ControlRoom, run: str = "", owner: str = "local", skip: int = 0) -> Look:
    return Look(Room(room.settings), owner, run, skip)


def placed(part: type[Any]) -> Any:
    """The components of a part, without a page around them: they are the keys of what is drawn."""
    return part(*(gr.HTML() for _ in fields(part)))


# -- the look and the list ---------------------------------------------------------------------------------------------


def test_a_second_look_at_an_unchanged_place_sends_nothing(room: ControlRoom) -> None:
    run = room.submit("run", steps=2)
    room.until_ended(run)
    view = history.build()
    first, shown = news(history.parts(view, look(room, run)), {})
    assert view.listing in first
    assert news(history.parts(view, look(room, run)), shown)[0] == {}


def test_two_thousand_runs_come_in_pages(settings: Settings) -> None:
    many_ended(settings, 2_000)
    room = Room(settings)
    first, last = Look(room, "local", "", 0), Look(room, "local", "", 2_000 - PAGE)
    assert (first.page[0].name, len(first.page), first.older) == ("run-1999", PAGE, True)
    assert (last.page[-1].name, len(last.page), last.older) == ("run-0", PAGE, False)
    assert not first.live
    assert [history.turned(1)(0), history.turned(-1)(PAGE), history.turned(-1)(0)] == [PAGE, 0, 0]


def test_an_empty_place_says_what_will_appear_and_offers_the_one_click(settings: Settings) -> None:
    view = history.build()
    drawn, _ = news(history.parts(view, Look(Room(settings), "local", "", 0)), {})
    assert "Open Fine-tune" in drawn[view.listing] and drawn[view.first].visible


def test_a_place_that_forgets_says_so_and_offers_every_adapter(tmp_path: Path) -> None:
    space = from_env({"ACR_DATA_DIR": str(tmp_path / "data"), "SPACE_ID": "someone/room"})
    many_ended(space, 1)
    view = history.build()
    drawn, _ = news(history.parts(view, Look(Room(space), "local", "", 0)), {})
    assert "forgets its runs and adapters when it restarts" in drawn[view.listing]
    assert drawn[view.take_all].visible


# -- buttons -----------------------------------------------------------------------------------------------------------


def visible(look: Look) -> set[str]:
    view = actions.build()
    drawn, _ = news(actions.parts(view, look), {})
    return {name for name, button in vars(view).items() if getattr(drawn.get(button), "visible", False) is True}


def test_the_buttons_fit_the_state_of_the_run_and_the_person(room: ControlRoom) -> None:
    first, second = room.submit("first", steps=500, delay=0.05, save_steps=1), room.submit("second", steps=1)
    room.until_step(first, 2)
    assert visible(look(room, first)) >= {"stop"} and "sooner" not in visible(look(room, first))
    assert visible(look(room, second)) >= {"stop", "sooner", "later"}
    assert visible(look(room, first, owner="somebody")) <= {"tell"}, "whoever has the link may look, not touch"
    assert visible(look(room)) == set()
    actions.stop(Room(room.settings), first, "local")
    room.until_ended(first)
    assert visible(look(room, first)) == {"resume"}


def test_a_waiting_run_says_its_place_and_can_be_moved_and_taken_out(room: ControlRoom) -> None:
    running = room.submit("running", steps=500, delay=0.05)
    room.until_step(running, 1)
    waiting = [room.submit(name, steps=1) for name in "ab"]
    assert [look(room, run).place for run in waiting] == [(1, 2), (2, 2)]
    assert "number 2 of 2" in run_view.progress(room.view(waiting[1]), look(room, waiting[1]).place)
    actions.sooner(Room(room.settings), waiting[1], "local")
    assert [look(room, run).place for run in waiting] == [(2, 2), (1, 2)]
    actions.stop(Room(room.settings), waiting[0], "local")
    assert room.until_ended(waiting[0]).status == "cancelled"
    with pytest.raises(Refused, match="Only the person who started this run"):
        actions.stop(Room(room.settings), running, "somebody")
    actions.stop(Room(room.settings), running, "local")


def test_a_run_is_started_again_longer_or_with_what_was_changed_only(room: ControlRoom) -> None:
    run = trained(room, "run", steps=1)
    room.until_ended(run)
    longer = actions.longer(Room(room.settings), run, "local")
    assert room.folder(longer).job["recipe"]["num_train_epochs"] == 4.0
    same = dict.fromkeys(again.KNOBS)
    changed = again.start(Room(room.settings), run, "local", *(same | {"learning_rate": 5e-4}).values())
    recipe = room.folder(changed).job["recipe"]
    assert (recipe["learning_rate"], recipe["num_train_epochs"]) == (5e-4, 2.0)
    for made in (longer, changed):
        room.until_ended(made)


def test_a_deleted_run_is_gone_and_nothing_is_shown_then(room: ControlRoom) -> None:
    run = room.submit("run", steps=1)
    room.until_ended(run)
    assert actions.delete(Room(room.settings), run, "local") == ""
    with pytest.raises(NotFound):
        _ = look(room, run).run
    assert overlay._known(look(room), [run]) == []


# -- the doctor --------------------------------------------------------------------------------------------------------


def test_a_known_cause_is_said_with_a_button_that_does_what_it_says(room: ControlRoom) -> None:
    run = trained(room, "run", nan_at=1, nan_steps=99, steps=60)
    assert room.until_ended(run).status == "failed"
    shown = look(room, run)
    assert "steps were too large" in doctor_view.shown(shown.room, room.view(run))
    assert "fix" in visible(shown) and "fix" not in visible(look(room, run, owner="somebody"))
    fixed = actions.fix(Room(room.settings), run, "local")
    assert room.folder(fixed).job["recipe"]["learning_rate"] == pytest.approx(1e-3 / 3)
    room.until_ended(fixed)


def test_an_unknown_cause_is_shown_raw_and_never_guessed(room: ControlRoom) -> None:
    run = room.submit("run", fail_at=2)
    room.until_ended(run)
    shown = doctor_view.shown(Room(room.settings), room.view(run))
    assert "nothing is guessed" in shown and "Step 2 failed, as asked for" in shown
    assert "fix" not in visible(look(room, run))
    with pytest.raises(Refused, match="needs no fix"):
        actions.fix(Room(room.settings), run, "local")


def test_the_words_of_a_log_stay_text() -> None:
    known = doctor.diagnose("the loss was not a number", "", {})
    assert HOSTILE not in doctor_view.diagnosis(known, HOSTILE, HOSTILE)
    assert HOSTILE not in doctor_view.diagnosis(None, HOSTILE, HOSTILE)


# -- several in one chart ----------------------------------------------------------------------------------------------


def made_curve(factor: float, evals: bool = True) -> curve.Curve:
    lines = [{"step": step, "loss": factor * (3 - step / 30)} for step in range(1, 61)]
    return curve.read([*lines, *({"step": s, "eval_loss": factor * (3 - s / 30)} for s in (0, 30, 60) if evals)])


def test_every_run_in_the_chart_differs_by_name_dash_and_shape() -> None:
    named = [(f"run {n}", made_curve(1 + n / 10)) for n in range(4)]
    lines = [trace for trace in plots.overlay_figure(named, "eval").data if trace.mode == "lines+markers"]
    assert [line.name for line in lines] == [name for name, _ in named]
    assert len({line.line.dash for line in lines}) == len({line.marker.symbol for line in lines}) == 4
    stars = [trace for trace in plots.overlay_figure(named, "eval").data if trace.marker.symbol == "star"]
    assert [star.x[0] for star in stars] == [60] * 4


def test_the_train_loss_is_drawn_raw_or_smoothed() -> None:
    one = made_curve(1.0)
    raw, smooth = (plots.overlay_figure([("a", one)], kind).data[0].y for kind in ("raw", "smooth"))
    assert list(raw) == pytest.approx([loss for _, loss in one.train])
    assert smooth[0] == pytest.approx(raw[0]) and smooth[-1] > raw[-1]
    assert plots.overlay_figure([("a", made_curve(1.0, evals=False))], "eval").data == ()


def test_the_sentence_names_the_best_run_and_how_far_the_others_are() -> None:
    said = overlay.sentence([("a", made_curve(1.2)), ("b", made_curve(1.0)), ("c", made_curve(1.0, evals=False))])
    assert said == (
        "The lowest eval loss is 1.000 at step 60 of b; a is 0.200 above it. Lower is better. No eval loss yet: c."
    )
    assert "has an eval loss yet" in overlay.sentence([("c", made_curve(1.0, evals=False))])


def test_the_chart_begins_with_the_run_that_is_shown_and_the_newest_of_its_task(room: ControlRoom) -> None:
    runs = [room.submit(name, steps=1) for name in "abc"]
    for run in runs:
        room.until_ended(run)
    assert overlay.first_two(look(room, runs[0])) == [runs[0], runs[2]]
    view = placed(overlay.Overlay)
    drawn, _ = news(overlay.parts(view, look(room, runs[0]), runs[:2], "raw"), {})
    assert drawn[view.figure].visible and "The runs of this chart" in drawn[view.table]


def test_advice_follows_the_eval_loss() -> None:
    def of(*losses: float) -> str:
        return curve.advice(curve.read([{"step": n, "eval_loss": loss} for n, loss in enumerate(losses)]))

    assert "longer run may be better" in of(3.0, 2.0, 1.0)
    assert "will not help" in of(3.0, 1.0, 2.0) and "compare it" in of(3.0, 1.0, 2.0)
    assert "lower learning rate" in of(1.0, 2.0)
    assert of(1.0).startswith("Next: compare it")


# -- taking adapters away, being told ----------------------------------------------------------------------------------


def test_a_zip_holds_weights_config_card_and_notice_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    shipped = adapters.adapters(settings)["complexity"]
    packed = adapter_zip.pack([shipped], "take")
    with zipfile.ZipFile(packed) as archive:
        assert sorted(archive.namelist()) == sorted(f"complexity/{name}" for name in adapters.COPIED)
        assert archive.read("complexity/adapter_model.safetensors") == shipped.weights.read_bytes()
    assert not packed.is_relative_to(settings.data_dir)
    with pytest.raises(NotFound, match="No adapter was trained here yet"):
        adapter_zip.pack([], "take")


def test_old_zips_are_swept_when_the_next_is_made(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shipped = adapters.adapters(settings)["complexity"]
    old, young = (adapter_zip.pack([shipped], name) for name in ("old", "young"))
    os.utime(old.parent, (0, 0))
    adapter_zip.pack([shipped], "new")
    assert not old.exists() and young.exists()


def test_a_visitor_takes_the_adapters_of_his_own_runs_only(settings: Settings) -> None:
    many_ended(settings, 1)
    shipped = adapters.adapters(settings)["complexity"]
    adapters.install(settings, shipped.path, "a")
    with zipfile.ZipFile(download.of_owner(Room(settings), "local")) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"a"}
    with pytest.raises(NotFound):
        download.of_owner(Room(settings), "somebody")


def test_the_end_of_a_run_is_told_in_words_and_one_that_is_gone_has_ended(room: ControlRoom) -> None:
    run = room.submit("run", steps=1)
    room.until_ended(run)
    told = notice.state(Room(room.settings), run)
    assert (told["ended"], told["said"]) == (True, "✓ run finished")
    assert notice.state(Room(room.settings), "nothing")["ended"]


def test_the_card_of_a_finished_run_says_what_to_do_next(room: ControlRoom) -> None:
    run = room.submit("run", steps=10)
    room.until_ended(run)
    view = placed(detail.Detail)
    drawn, _ = news(detail.parts(view, look(room, run)), {})
    assert "Next: compare it with the base" in drawn[view.card] and drawn[view.figure].visible


def test_gradios_queue_still_sleeps_as_long_as_we_tell_it() -> None:
    assert "asyncio.sleep(self.sleep_when_free)" in inspect.getsource(Queue.start_processing)
    told: Any = SimpleNamespace(queue=lambda **options: None, _queue=SimpleNamespace(sleep_when_free=0.001))
    assert server.queued(told)._queue.sleep_when_free > 0.01
