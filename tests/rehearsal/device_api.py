"""A stand-in for ZeroGPU's device API on a loopback port: grants, queues and refuses as it is told, and keeps a log."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Refusal:
    """An answer to /schedule other than a grant; `event` makes it a queue that ends so."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    event: str = ""


class DeviceApi(ThreadingHTTPServer):
    """`warm`: a worker that is idle may be used again. `answer`: what the next /schedule hears instead of a grant."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.warm = True
        self.answer: Refusal | None = None
        self.log: list[tuple[str, dict[str, str]]] = []
        self.grants = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def asked(self, path: str) -> list[dict[str, str]]:
        """The parameters of every request to `path` so far."""
        return [query for seen, query in self.log if seen == path]

    def grant(self) -> dict[str, Any]:
        self.grants += 1
        idle = self.warm and self.grants > 1
        return {"idle": idle, "nvidiaIndex": 0, "nvidiaUUID": "GPU-fake", "allowToken": f"token-{self.grants}"}


class Handler(BaseHTTPRequestHandler):
    server: DeviceApi
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        self.server.log.append((parts.path, dict(parse_qsl(parts.query))))
        if parts.path != "/schedule":
            self._json(200, {})
        elif self.server.answer is None:
            self._json(200, self.server.grant())
        elif self.server.answer.event:
            self._queue(self.server.answer.event)
        else:
            self._json(self.server.answer.status, self.server.answer.body, self.server.answer.headers)

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {
            "content-type": "application/json",
            "content-length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def _queue(self, end: str) -> None:
        """One event a chunk with a pause between them: the client takes what arrives at once for one event."""
        self.close_connection = True
        self.send_response(200)
        for name, text in {
            "content-type": "text/event-stream",
            "connection": "close",
            "X-Queuing-Reason": "node",
        }.items():
            self.send_header(name, text)
        self.end_headers()
        last = f"event: {end}\n" + (f"data: {json.dumps(self.server.grant())}\n" if end == "succeeded" else "")
        for event in ("event: ping\n", last):
            self.wfile.write((event + "\n").encode())
            self.wfile.flush()
            time.sleep(0.2)

    def log_message(self, format: str, *args: Any) -> None:
        """The log is kept above."""
