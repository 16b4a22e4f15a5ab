"""A fine-tune that learns in slices of GPU time: in the real worker, left in the middle, ended by its last slice."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from backends import adapters
from finetune.recipes.recipe import Recipe
from finetune.runs import client
from finetune.training import sliced
from tests.faults import real_run
from tests.parts.control_room import ControlRoom
from tests.rehearsal.app import App, running
from tests.rehearsal.conftest import Place

pytestmark = [pytest.mark.rehearsal, pytest.mark.filterwarnings("ignore::ResourceWarning")]
#: more than it takes, also on a machine that others use
SECONDS = 200
LONG = replace(real_run.RECIPE, max_steps=24, eval_steps=8)


@pytest.fixture(scope="module")
def learning(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with workers that know that there is no card below the emulation."""
    environment = place.environment | {"REHEARSAL_LEARNS": "1"}
    with running(tmp_path_factory.mktemp("learning"), place.settings.data_dir, **environment) as started:
        yield started.started()


@pytest.fixture
def room(place: Place) -> Iterator[ControlRoom]:
    made = ControlRoom(replace(place.settings, tick=0.05, grace=3.0, linger=2.0, min_free=0, threads=1))
    yield made
    for view in client.runs(made.settings):
        if not view.ended:
            client.cancel(made.settings, view.run, "local")
            made.until_ended(view.run)


def submit(room: ControlRoom, key: str, engine: str, recipe: Recipe = LONG) -> str:
    files = real_run.files(room)
    return client.submit(room.settings, real_run.job(room, key, recipe) | {"engine": engine}, files)


def give(app: App, run: str, **options: int) -> dict:  # type: ignore[type-arg]
    return app.call(sliced.OPERATION, {"run": run, "seconds": SECONDS}, **options)


def test_slices_with_a_cut_between_them_learn_what_one_run_learns(learning: App, room: ControlRoom) -> None:
    run = submit(room, "sliced", sliced.ENGINE)
    room.until(run, lambda view: view.status == "running")
    cut = give(learning, run, leave_after=4)
    assert "error" not in cut and len(cut["lines"]) == 4
    kept = room.folder(run).newest_checkpoint()
    assert kept, "leaving is no loss: there is a checkpoint"
    assert room.view(run).status == "running", "between two slices the run waits"
    told = give(learning, run)
    assert told["lines"][-2]["slice"]["done"].startswith("All 24 steps"), told
    assert told["lines"][-1]["spent"] > 0
    asked = learning.device.asked("/schedule")[-1]
    assert int(asked["durationSeconds"]) == round(1.5 * SECONDS), "declared seconds, times the card's factor"
    ended = room.until_ended(run)
    assert ended.status == "succeeded" and ended.adapter
    assert adapters.check(room.settings, adapters.find(room.settings, ended.adapter)) is None

    whole = submit(room, "whole", "local")
    assert room.until_ended(whole, 120).status == "succeeded"
    assert real_run.differences(real_run.curve(room, run), real_run.curve(room, whole)) == []


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({"run": "0" * 32, "seconds": 30}, "There is no run"),
        ({"run": "../../etc", "seconds": 30}, "run"),
        ({"run": "0" * 32, "seconds": 9999}, "20 to 300 seconds"),
        ({"run": "0" * 32, "seconds": "60"}, "20 to 300 seconds"),
        ({}, "20 to 300 seconds"),
    ],
    ids=["unknown", "path", "too long", "no number", "empty"],
)
def test_what_cannot_be_a_slice_is_refused_in_words(learning: App, payload: dict, says: str) -> None:  # type: ignore[type-arg]
    told = learning.call(sliced.OPERATION, payload)
    assert says in told["error"] and told["title"].startswith("Adapter Control Room")


def test_a_run_of_another_kind_is_not_given_gpu_time(learning: App, room: ControlRoom) -> None:
    run = submit(room, "on-the-cpu", "local", replace(LONG, max_steps=2, eval_steps=1))
    room.until_ended(run, 120)
    assert "does not learn in slices" in give(learning, run)["error"]


def test_nobody_needs_a_gpu_to_stop_it(learning: App, room: ControlRoom) -> None:
    run = submit(room, "stopped", sliced.ENGINE)
    room.until(run, lambda view: view.status == "running")
    client.cancel(room.settings, run, "local")
    ended = room.until_ended(run)
    assert ended.status == "cancelled" and "nothing was learned yet" in ended.reason
    assert "does not wait for GPU time" in give(learning, run)["error"]
