"""The notice when a run ends: sent once, without secrets, to an address that is allowed; never in anybody's way."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from backends.errors import Refused
from backends.guards import allowed_url
from finetune.runs.store import Row
from finetune.runs.webhook import notice
from tests.parts.control_room import ControlRoom, quick


class Listener:
    """A server that notes what it is sent, and answers as it is told to."""

    def __init__(self, statuses: list[int]) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.got = threading.Event()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                listener.bodies.append(json.loads(self.rfile.read(length)))
                listener.paths.append(self.path)
                self.send_response(statuses.pop(0) if statuses else 200)
                self.send_header("Location", f"{listener.address}/elsewhere")
                self.end_headers()
                if not statuses:
                    listener.got.set()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(params=[[200], [503, 200], [302]], ids=["answered", "second try", "redirect"])
def listener(request: pytest.FixtureRequest) -> Iterator[Listener]:
    made = Listener(list(request.param))
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_the_end_of_a_run_is_told_once_and_no_redirect_is_followed(tmp_path: Path, listener: Listener) -> None:
    room = ControlRoom(quick(tmp_path / "data", webhook=f"{listener.address}/hook?room=1"))
    try:
        run = room.submit("run", steps=3)
        room.until_ended(run)
        assert listener.got.wait(10)
        body = listener.bodies[-1]
        assert (body["run"], body["status"], body["step"], body["name"]) == (run, "succeeded", 3, "run")
        assert {*listener.paths} == {"/hook?room=1"}
        assert "owner" not in body
    finally:
        room.close()


def test_a_server_that_is_not_there_is_in_nobodys_way(tmp_path: Path) -> None:
    room = ControlRoom(quick(tmp_path / "data", webhook="http://127.0.0.1:9/hook"))
    try:
        assert room.until_ended(room.submit("run", steps=1), 10).status == "succeeded"
    finally:
        room.close()


def test_a_key_in_a_reason_is_not_told() -> None:
    reason = "401 Client Error for hf_abcdefghijklmnopqrstuvwxyz0123"
    row = Row("r", "ann", "k", "d", "train", "t", "b", "n", "c", status="failed", reason=reason)
    assert notice(row)["reason"] == "401 Client Error for hf_***"


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/hook",
        "https://hooks.slack.com/services/T/B/x",
        "http://127.0.0.1:8000/x",
        "http://localhost/",
    ],
)
def test_addresses_that_may_be_told(address: str) -> None:
    assert allowed_url(address, "ACR_WEBHOOK").geturl() == address


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/hook",
        "http://169.254.169.254/latest",
        "https://169.254.169.254/latest",
        "https://2852039166/",
        "https://[::ffff:127.0.0.1]/",
        "https://0x7f.1/",
        "https://user@example.org/",
        "https://example.org:99999/",
        "https://intranet/",
        "https://10.0.0.1/",
        "file:///etc/passwd",
        "https://exam ple.org/",
        "https://exämple.org/",
        "https://example.org/\nHost: x",
        "",
    ],
)
def test_addresses_that_may_not(address: str) -> None:
    with pytest.raises(Refused, match="ACR_WEBHOOK must be an https:// address"):
        allowed_url(address, "ACR_WEBHOOK")
