"""A loopback OpenAI-compatible server that answers as it is told to: well, slowly, wrongly, or not to its end."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

KEY = "sk-abcdefghijklmnopqrstuvwxyz"
MODEL = "tiny-1"
#: what the server says it is, as OpenAI's does: the version that the name stands for
REPORTED = "tiny-1-2026-08-01"

Answer = Callable[["Connection"], None]


class Connection(BaseHTTPRequestHandler):
    """One question, and the means to answer it well or badly."""

    peer: "Peer"

    def do_POST(self) -> None:
        self.asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.peer.bodies.append(self.asked)
        self.peer.paths.append(self.path)
        self.peer.keys.append(self.headers.get("Authorization", ""))
        answers = self.peer.answers
        try:
            (answers.pop(0) if len(answers) > 1 else answers[0])(self)
        except (BrokenPipeError, ConnectionResetError):
            self.peer.hung_up += 1

    def begin(self, status: int = 200, form: str = "text/event-stream", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", form)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def event(self, text: str = "", finish: str | None = None, **more: Any) -> None:
        choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
        self.raw(b"data: " + json.dumps({"model": REPORTED, "choices": [choice]} | more).encode() + b"\n\n")

    def raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None: ...


@dataclass
class Peer:
    """The server. `answers` are used up one by one; the last one stays."""

    answers: list[Answer]
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    hung_up: int = 0


@contextmanager
def peer(*answers: Answer) -> Iterator[Peer]:
    made = Peer(list(answers) or [well])
    handler = type("Handler", (Connection,), {"peer": made})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        made.url = f"http://127.0.0.1:{server.server_port}/v1"
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield made
        finally:
            server.shutdown()


def well(at: Connection) -> None:
    """As OpenAI's server does it: a role first, the text, the finish, then usage without choices."""
    at.begin()
    at.raw(b": keep-alive\n\n")
    for word in ("good ", "morning ", "to ", "you"):
        at.event(word)
    at.event(finish="stop")
    usage = {"prompt_tokens": 7, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2}}
    at.event(choices=[], usage=usage)
    at.raw(b"data: [DONE]\n\n")


def answers(text: str) -> Answer:
    def answer(at: Connection) -> None:
        at.begin()
        at.event(text, "stop")
        at.raw(b"data: [DONE]\n\n")

    return answer


def says(status: int, body: bytes = b"", form: str = "application/json", **headers: str) -> Answer:
    def answer(at: Connection) -> None:
        at.begin(status, form, **headers)
        at.raw(body)

    return answer


def refuses_schemas(at: Connection) -> None:
    if "response_format" in at.asked:
        says(400, b'{"error": {"message": "response_format json_schema is not supported"}}')(at)
    else:
        well(at)


def breaks_off(at: Connection) -> None:
    at.begin()
    at.event("good ")
    at.event("mor")


def unfinished(at: Connection) -> None:
    """Ends in good order, but the model never said that it was done."""
    breaks_off(at)
    at.raw(b"data: [DONE]\n\n")


def hangs(at: Connection) -> None:
    at.begin()
    at.event("good ")
    time.sleep(30)


def silent(at: Connection) -> None:
    time.sleep(30)


def drips(at: Connection) -> None:
    """One byte at a time: no read time-out ever fires."""
    at.begin()
    at.event("good ")
    while True:
        at.raw(b":")
        time.sleep(0.1)


def drips_headers(at: Connection) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 10_000:
        at.raw(bytes([letter]))
        time.sleep(0.1)


def endless(at: Connection) -> None:
    at.begin()
    while True:
        at.event("and on " * 1000)


def endless_line(at: Connection) -> None:
    at.begin()
    at.raw(b'data: {"choices": [')
    while True:
        at.raw(b" " * 65536)


def garbage(data: bytes) -> Answer:
    def answer(at: Connection) -> None:
        at.begin()
        at.raw(data)

    return answer
