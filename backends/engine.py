"""`python -m backends.engine`: the process that answers. Loopback HTTP with a key; it ends when its parent ends.

The first line on stdin is the key (never in argv or the environment, which others may read); the first line on stdout
is `{"port": ...}`. Then stdin stays open and silent: its end, however the parent died, ends this process. (Linux's
PR_SET_PDEATHSIG would not do: it fires when the *thread* that started us ends, and web servers retire threads.)

GET tells the state; POST /generate, /probe, /prepare answer with a stream of JSON lines. The last line is
`{"end": true}` or `{"error": kind, "message": ...}`; an answer without either was cut by a crash. A dropped connection
cancels the answer at the next token.
"""

import argparse
import hmac
import json
import logging
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from backends import engines
from backends.base import Generates, Report
from backends.errors import AppError, BadInput
from backends.files import dump_json
from backends.operations import Operations
from backends.registry import discover
from backends.settings import MB, Settings, settings

MAX_BODY = MB
END = {"end": True}
#: a reader that takes nothing for this long is gone
STALLED = 60.0


class PeerGone(Exception):
    """Whoever asked has dropped the connection."""


class State:
    """What this process is doing, for a GET: the preparation of a base, and how answers ended so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: dict[str, Any] = {"state": "preparing", "what": "Starting", "fraction": 0.0}
        self._counts = {"active": 0, "finished": 0, "cancelled": 0, "failed": 0}

    def set(self, state: str, what: str = "", fraction: float = 1.0) -> None:
        with self._lock:
            self._now = {"state": state, "what": what, "fraction": round(fraction, 3)}

    @contextmanager
    def preparing(self) -> Iterator[Report]:
        """Show what the report says while it lasts, then "ready"; a base that fails leaves others as they were."""
        before, reported = self._now, False

        def report(what: str, fraction: float) -> None:
            nonlocal reported
            reported = True
            self.set("preparing", what, fraction)

        try:
            yield report
        except Exception as error:
            why = str(error) if isinstance(error, AppError) else f"{type(error).__name__}; see the engine's log"
            self.set("ready") if before["state"] == "ready" else self.set("failed", why)
            raise
        if reported:
            self.set("ready")

    def began(self) -> None:
        with self._lock:
            self._counts["active"] += 1

    def ended(self, outcome: str) -> None:
        with self._lock:
            self._counts["active"] -= 1
            self._counts[outcome] += 1

    def snapshot(self) -> dict[str, Any]:
        with self._lock:
            return self._now | {"answers": dict(self._counts)}


class Handler(BaseHTTPRequestHandler):
    """One request. Its answer is a stream of lines that ends with the connection."""

    server: "EngineServer"
    timeout = STALLED

    def do_GET(self) -> None:
        if self._allowed():
            self._begin(200)
            self._line(self.server.state.snapshot())
            self._line(END)

    def do_POST(self) -> None:
        if not self._allowed():
            return
        state = self.server.state
        state.began()
        outcome = "failed"
        try:
            self._begin(200)
            outcome = self._stream(self.path.removeprefix("/"))
        except PeerGone:
            outcome = "cancelled"
        finally:
            state.ended(outcome)

    def _stream(self, op: str) -> str:
        try:
            with closing(self.server.operations.run(op, self._body(), self._peer_gone)) as lines:
                for line in lines:
                    self._line(line)
            if self._peer_gone():
                return "cancelled"
            self._line(END)
            return "finished"
        except AppError as error:
            self._line({"error": error.kind, "message": str(error)})
        except PeerGone:
            raise
        except Exception as error:
            traceback.print_exc()
            self._line({"error": "failed", "message": f"The engine failed with {type(error).__name__}; see its log"})
        return "failed"

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self._drain(int(length) if length.isdecimal() else 0)
            raise BadInput(f"A request needs a Content-Length of at most {MAX_BODY:,} bytes")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise BadInput("The request is not a JSON object")
        return body

    def _drain(self, length: int) -> None:
        """Take what the peer is still sending: it listens only after that. The peer is ours, it has the key."""
        while length > 0 and (taken := len(self.rfile.read(min(length, MAX_BODY)))):
            length -= taken

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(given.encode(), self.server.key.encode()):
            return True
        self._begin(401)
        return False

    def _peer_gone(self) -> bool:
        readable = select.select([self.connection], [], [], 0)[0]
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _begin(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-ndjson")
        try:
            self.end_headers()
        except OSError:
            raise PeerGone from None

    def _line(self, value: dict[str, Any]) -> None:
        try:
            self.wfile.write((dump_json(value) + "\n").encode())
        except OSError:
            raise PeerGone from None

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing of a visitor's requests is logged."""


class EngineServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, settings: Settings, names: tuple[str, ...], parallel: int, key: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.key = key
        self.state = State()
        self.engines = make_engines(settings, names, parallel)
        self.operations = Operations(settings, self.engines, self.state.preparing)

    def prepare_first(self, base: str) -> None:
        """Make `base` ready on the first engine, while the state tells how far it is."""
        first = next(iter(self.engines.values()))
        try:
            self.operations.prepare(first, base)
            self.state.set("ready")
        except AppError as error:  # the state tells it; the next question tries again
            self.state.set("failed", str(error))


def make_engines(settings: Settings, names: tuple[str, ...], parallel: int) -> dict[str, Generates]:
    known = discover(engines, "BACKEND")
    return {name: known[name](settings, parallel) for name in names}


def end_with_parent() -> None:
    """Wait for the end of stdin, which the parent holds open; the parent's change is for a pipe that leaked."""
    parent = os.getppid()
    while os.getppid() == parent:
        if select.select([sys.stdin], [], [], 1.0)[0]:
            break
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backends.engine", description=__doc__)
    parser.add_argument("--backends", required=True)
    parser.add_argument("--parallel", type=int, required=True)
    parser.add_argument("--base", required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too, but our parent decides
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # asks for a package whose kernel nothing here uses
    key = sys.stdin.readline().strip()
    server = EngineServer(settings(), tuple(options.backends.split(",")), options.parallel, key)
    print(json.dumps({"port": server.server_port}), flush=True)
    os.dup2(2, 1)  # nobody reads stdout from here on
    threading.Thread(target=server.prepare_first, args=(options.base,), daemon=True).start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    end_with_parent()


if __name__ == "__main__":
    main()
