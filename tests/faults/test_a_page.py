"""Group A of the fault matrix where the page takes part: a Space that is stopped, a ZeroGPU worker that dies."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import gradio
import pytest

from backends.settings import ROOT
from finetune.runs import client
from tests.parts.control_room import ControlRoom, quick
from tests.parts.ports import free_port
from ui.handlers import said

pytestmark = pytest.mark.faults


@contextmanager
def page(room: ControlRoom, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The app as a person starts it."""
    port = free_port()
    env = os.environ | room.settings.to_env() | {"GRADIO_SERVER_PORT": str(port)}
    with log.open("wb") as out:
        app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
                break
            except OSError:
                assert app.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        yield app
    finally:
        app.kill()
        app.wait()


def stopped(app: "subprocess.Popen[bytes]", log: Path) -> None:
    app.terminate()
    app.wait(timeout=10)
    assert "Traceback" not in log.read_text()


def test_A10_the_page_ends_at_once_and_its_runs_go_on(room: ControlRoom, tmp_path: Path) -> None:
    run = room.submit("run", steps=100, delay=0.1)
    with page(room, tmp_path / "log") as app:
        stopped(app, tmp_path / "log")
    assert room.view(run).status == "running"
    client.cancel(room.settings, run, "local")


def test_A10_a_space_that_is_stopped_lets_its_runs_save_what_they_learned(tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    room = ControlRoom(quick(tmp_path / "data", space_id="someone/room", keep_dir=bucket))
    try:
        run = room.submit("run", steps=500, delay=0.05, save_steps=5)
        room.until_step(run, 7)
        with page(room, tmp_path / "log") as app:
            stopped(app, tmp_path / "log")
        assert room.folder(run).exit["reason"].startswith("this Space was stopped; stopped after step")  # type: ignore[index]
        steps = [path.name for path in (bucket / "runs" / run).glob("step-*/kept.json")]
        assert steps and (bucket / "runs" / run / "said" / "exit.json").is_file()
    finally:
        room.close()


class Worker:
    """The `spaces` package of a Space whose GPU worker dies at the first call."""

    def __init__(self) -> None:
        self.calls = 0

    def GPU(self, **_: Any) -> Any:
        def decorate(function: Any) -> Any:
            def call(*args: Any) -> Iterator[dict[str, Any]]:
                self.calls += 1
                if self.calls == 1:
                    raise gradio.Error("GPU task aborted")
                yield from function(*args)

            return call

        return decorate


def test_A13_a_dead_zero_gpu_worker_is_one_readable_message_and_the_next_call_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import backends.zero_gpu

    monkeypatch.setitem(sys.modules, "spaces", Worker())
    monkeypatch.delitem(sys.modules, "backends.zero_gpu")
    monkeypatch.setattr("backends.zero_gpu", backends.zero_gpu)
    from importlib import import_module

    door = import_module("backends.zero_gpu")
    with pytest.raises(gradio.Error) as aborted:
        list(door.gpu_call("dance", {}))
    assert "GPU task aborted" in str(said(aborted.value))
    with pytest.raises(gradio.Error) as answered:
        list(door.gpu_call("dance", {}))
    assert "There is no operation" in str(said(answered.value)), "the next call reached the engine"
