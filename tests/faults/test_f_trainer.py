"""Group F of the fault matrix where it takes the real trainer: a run whose settings changed between attempts."""

import time

import pytest

from backends.files import write_json
from finetune.runs import client
from tests.faults import real_run
from tests.parts.control_room import ControlRoom, kill

pytestmark = pytest.mark.faults


def test_F4_a_run_that_was_changed_is_not_resumed_and_the_field_is_named(tiny: ControlRoom) -> None:
    run = real_run.submit(tiny, "run")
    deadline = time.monotonic() + 90
    while not tiny.folder(run).checkpoints():
        assert time.monotonic() < deadline and not tiny.view(run).ended, tiny.view(run)
        time.sleep(0.01)
    kill(tiny.process(run))
    assert tiny.until_ended(run).status == "failed"
    job = tiny.folder(run).job
    write_json(tiny.folder(run).path / "job.json", job | {"recipe": job["recipe"] | {"learning_rate": 2e-2, "r": 8}})
    before = tiny.folder(run).metrics()
    client.resume(tiny.settings, run, "local")
    view = tiny.until_ended(run, 90)
    assert view.status == "failed"
    for field in ("recipe.learning_rate (0.01 then, 0.02 now)", "recipe.r (4 then, 8 now)"):
        assert field in view.reason
    assert tiny.folder(run).metrics() == before
    assert ": loading" not in tiny.folder(run).log_path.read_text().partition("Going on from")[2], "it took long to say"
