"""The control process and its clients, with real processes: what is accepted, refused, followed and remembered."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends import process
from backends.errors import BadInput, NotFound, Refused
from backends.settings import ROOT, Settings, from_env
from finetune import control
from finetune.runs import client
from finetune.runs.endings.verdict import Evidence, judge
from finetune.runs.inbox import Inbox, new_request
from tests.parts.control_room import ControlRoom, job_for, quick

pytestmark = pytest.mark.slow


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ControlRoom]:
    made = ControlRoom(quick(tmp_path / "data"))
    yield made
    made.close()


@pytest.fixture
def public(tmp_path: Path) -> Iterator[ControlRoom]:
    made = ControlRoom(quick(tmp_path / "data", space_id="someone/room", public=True, max_upload=20 << 20))
    yield made
    made.close()


# -- a run's life ------------------------------------------------------------------------------------------------------


def test_a_run_is_accepted_followed_and_ends_with_an_adapter(room: ControlRoom) -> None:
    seen: list[client.RunView] = []
    run = room.submit("run", steps=10, delay=0.05)
    view = client.wait(room.settings, run, seen.append)
    assert len(run) == 32 and int(run, 16)
    assert (view.status, view.step, view.steps, view.attempt, view.owner) == ("succeeded", 10, 10, 1, "local")
    assert view.train_loss and view.eval_loss and view.seconds
    assert {"running", "succeeded"} <= {one.status for one in seen}
    assert any(one.seconds_left for one in seen)
    assert room.folder(run).adapter_dir.is_dir()


def test_status_json_has_the_promised_keys(room: ControlRoom) -> None:
    run = room.submit("run", steps=1)
    assert list(room.until_ended(run).to_json()) == [
        "run", "status", "step", "steps", "train_loss", "eval_loss", "seconds", "seconds_left", "reason", "adapter",
    ]  # fmt: skip


def test_the_job_of_a_run_is_whole_and_its_data_are_copies(room: ControlRoom) -> None:
    run = room.submit("run", steps=2, minutes=5)
    content = room.rows.read_bytes()
    room.rows.unlink()
    job = room.folder(run).job
    assert (job["run"], job["owner"], job["submit_key"], job["limits"]) == (run, "local", "run", {"minutes": 5})
    assert job["created"]
    assert (room.folder(run).data_dir / "train.jsonl").read_bytes() == content


def test_a_failure_is_told_in_the_words_of_the_run(room: ControlRoom) -> None:
    view = room.until_ended(room.submit("run", steps=9, fail_at=3))
    assert (view.status, view.step, view.reason) == ("failed", 2, "Step 3 failed, as asked for")


def test_a_loss_that_was_no_number_is_a_gap_in_the_curve(room: ControlRoom) -> None:
    run = room.submit("run", steps=4, nan_at=2)
    assert room.until_ended(run).train_loss
    assert [point["loss"] is None for point in room.folder(run).metrics()] == [False, True, False, False]


def test_cancelling_a_run_stops_it_at_its_next_step(room: ControlRoom) -> None:
    run = room.submit("run", steps=500, delay=0.05)
    room.until_step(run, 2)
    client.cancel(room.settings, run, "local")
    view = room.until_ended(run)
    assert view.status == "cancelled"
    assert view.reason.startswith("cancelled on request; stopped after step")


def test_a_cancelled_run_goes_on_where_it_was_when_it_is_resumed(room: ControlRoom) -> None:
    run = room.submit("run", steps=30, delay=0.05, save_steps=2)
    room.until_step(run, 5)
    client.cancel(room.settings, run, "local")
    stopped_at = room.until_ended(run).step
    client.resume(room.settings, run, "local")
    view = room.until_ended(run)
    assert (view.status, view.step, view.attempt) == ("succeeded", 30, 2)
    assert stopped_at and room.steps(run) == list(range(1, 31))


def test_a_run_without_a_checkpoint_or_with_success_cannot_be_resumed(room: ControlRoom) -> None:
    failed, good = room.submit("failed", steps=9, fail_at=2), room.submit("good", steps=1)
    room.until_ended(failed)
    room.until_ended(good)
    with pytest.raises(Refused, match="no complete checkpoint"):
        client.resume(room.settings, failed, "local")
    with pytest.raises(Refused, match="succeeded cannot be resumed"):
        client.resume(room.settings, good, "local")


def test_what_a_run_prints_is_its_log(room: ControlRoom) -> None:
    run = room.submit("run", steps=1, print_mb=1)
    room.until_ended(run)
    assert client.log_tail(room.settings, run).startswith("xxx")
    with pytest.raises(NotFound, match="There is no run"):
        client.log_tail(room.settings, "../../etc")


# -- control itself ----------------------------------------------------------------------------------------------------


def test_control_ends_when_nothing_has_gone_on_for_a_while_and_comes_back(room: ControlRoom) -> None:
    room.until_ended(room.submit("first", steps=1))
    first = room.control()
    deadline = time.monotonic() + 20
    while process.alive(first):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    room.until_ended(room.submit("second", steps=1))
    assert room.control() != first


def test_a_second_control_process_steps_back(room: ControlRoom) -> None:
    run = room.submit("run", steps=100, delay=0.05)
    first = room.control()
    argv = [sys.executable, "-m", "finetune.control"]
    second = subprocess.run(argv, env=os.environ | room.settings.to_env(), cwd=ROOT, timeout=20)
    assert second.returncode == 0
    assert room.control() == first
    client.cancel(room.settings, run, "local")


def test_the_settings_of_control_are_those_of_its_client(tmp_path: Path) -> None:
    for given in (quick(tmp_path), quick(tmp_path, space_id="a/b", public=True), quick(tmp_path, space_id="a/b")):
        got = from_env(given.to_env())
        for name in ("data_dir", "space_id", "public", "tick", "grace", "stale", "linger"):
            assert getattr(got, name) == getattr(given, name), name


def test_control_needs_the_standard_library_only(tmp_path: Path) -> None:
    code = "import sys; import finetune.control, finetune.runs.client, finetune.training.echo_run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    foreign = {name.split(".")[0] for name in done.stdout.split()} - set(sys.stdlib_module_names)
    ours = {"finetune", "backends", "__main__", "_virtualenv", "_distutils_hack", "sitecustomize", "usercustomize"}
    assert {name for name in foreign - ours if not name.startswith("__editable__")} == set()


def test_a_request_that_makes_no_sense_is_refused_and_the_next_one_is_served(room: ControlRoom) -> None:
    inbox = Inbox(room.settings.inbox_dir)
    for request in (
        new_request("dance"),
        new_request("cancel"),
        new_request("submit", key=["k"], digest="d", staged="x", job=3),
    ):
        inbox.put(request["request"], request)
    assert room.until_ended(room.submit("run", steps=1)).status == "succeeded"
    assert inbox.waiting() == []
    assert len(list(inbox.folder.glob("*.refused.json"))) == 3


@pytest.mark.parametrize("missing", ["kind", "owner", "task", "base", "name"])
def test_a_job_that_lacks_something_is_refused_by_name(room: ControlRoom, missing: str) -> None:
    job = job_for("run")
    del job[missing]
    with pytest.raises(BadInput, match=f"The job lacks {missing}"):
        client.submit(room.settings, job, {"train.jsonl": room.rows})
    assert client.runs(room.settings) == []


def test_names_that_lead_elsewhere_are_refused_before_anything_is_written(room: ControlRoom) -> None:
    with pytest.raises(BadInput, match="the submit key"):
        room.submit("../key")
    with pytest.raises(BadInput, match="the data file's name"):
        client.submit(room.settings, job_for("key"), {"../train.jsonl": room.rows})
    assert not room.settings.inbox_dir.exists()


# -- owners and limits -------------------------------------------------------------------------------------------------


def test_lists_show_an_owners_runs_and_only_the_owner_may_stop_or_resume_them(room: ControlRoom) -> None:
    anns, bobs = room.submit("anns", owner="ann", steps=500, delay=0.05), room.submit("bobs", owner="bob", steps=1)
    assert [view.run for view in client.runs(room.settings, "ann")] == [anns]
    assert [view.run for view in client.runs(room.settings)] == [bobs, anns]
    for act in (client.cancel, client.resume):
        with pytest.raises(Refused, match="Only the person who started this run"):
            act(room.settings, anns, "bob")
    client.cancel(room.settings, anns, "ann")
    assert room.until_ended(anns).status == "cancelled"


def test_a_public_space_takes_one_run_an_owner(public: ControlRoom) -> None:
    first = public.submit("first", owner="ann", steps=100, delay=0.05)
    with pytest.raises(Refused, match="one at a time"):
        public.submit("second", owner="ann", steps=1)
    other = public.submit("other", owner="bob", steps=1)
    client.cancel(public.settings, first, "ann")
    public.until_ended(first)
    again = public.submit("second", owner="ann", steps=1)
    assert {public.until_ended(run).status for run in (other, again)} == {"succeeded"}


def test_a_run_gives_way_to_the_page(room: ControlRoom) -> None:
    run = room.submit("run", steps=100, delay=0.05)
    room.until_step(run, 1)
    trainer = room.process(run).pid
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, trainer) == max(process.BACKGROUND, ours)
    shared = Path(f"/proc/{trainer}/autogroup")
    assert not shared.exists() or shared.read_text().split()[-1] == str(process.BACKGROUND)
    client.cancel(room.settings, run, "local")


def test_data_above_the_limit_are_refused_with_the_limit(public: ControlRoom) -> None:
    with public.rows.open("wb") as out:
        out.truncate((20 << 20) + 1)
    with pytest.raises(Refused, match="20 MB are allowed here, nothing was submitted"):
        public.submit("run", steps=1)
    assert client.runs(public.settings) == []
    assert [path.name for path in public.settings.inbox_dir.iterdir()] == ["run.refused.json"]


# -- how a run ended ---------------------------------------------------------------------------------------------------

GONE = Evidence(kind="train", cancelling=False, why_cancelled="", exit=None, code=None, has_adapter=False)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, "lost", "left no word"),
        ({"code": -9}, "failed", "stopped by signal 9 - often out of memory"),
        ({"code": -11}, "failed", "stopped by signal 11"),
        ({"code": 1}, "failed", "exit code 1"),
        ({"code": 0}, "failed", "exit code 0"),
        ({"cancelling": True, "why_cancelled": "asked", "code": -9}, "cancelled", "asked; it did not stop by itself"),
        ({"exit": {"status": "succeeded"}, "code": 0}, "failed", "finished without an adapter"),
        ({"exit": {"status": "succeeded"}, "kind": "eval"}, "succeeded", ""),
        ({"exit": {"status": "succeeded"}, "has_adapter": True, "cancelling": True}, "succeeded", ""),
        ({"exit": {"status": "paused"}}, "failed", "unknown status 'paused'"),
        ({"exit": {"status": "failed", "reason": "no memory"}, "code": 1}, "failed", "no memory"),
    ],
)
def test_the_end_is_judged_from_what_is_left(changes: dict, status: str, words: str) -> None:
    verdict = judge(replace(GONE, **changes))
    assert verdict.status == status
    assert words in verdict.reason


def test_nobody_is_at_work_in_an_empty_data_folder(tmp_path: Path) -> None:
    assert control.elected(Settings(data_dir=tmp_path)) is None
    assert client.runs(Settings(data_dir=tmp_path)) == []
    with pytest.raises(NotFound):
        client.run(Settings(data_dir=tmp_path), "0" * 32)
