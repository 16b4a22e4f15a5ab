"""A loopback proxy between the app and its engine process: changes what is asked and what is answered."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from backends.engine_client import Engine

Change = Callable[[dict[str, Any]], None]


@contextmanager
def tampered(engine: Engine, request: Change, line: Change) -> Iterator[None]:
    """A loopback proxy between us and the engine process that changes questions and the lines of answers."""
    process = engine._running()
    real = process._port

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            request(body)
            headers = {"Authorization": f"Bearer {process._key}"}
            with closing(HTTPConnection("127.0.0.1", real, timeout=600)) as onward:
                onward.request("POST", self.path, json.dumps(body), headers)
                self.send_response(200)
                self.end_headers()
                for raw in onward.getresponse():
                    told = json.loads(raw)
                    line(told)
                    self.wfile.write(json.dumps(told).encode() + b"\n")

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        process._port = server.server_port
        try:
            yield
        finally:
            process._port = real
            server.shutdown()


def asked_as(adapter: str | None) -> Change:
    return lambda body: body["request"].update(adapter=adapter)


def told_as(**facts: Any) -> Change:
    return lambda line: line["receipt"].update(facts) if "receipt" in line else None
