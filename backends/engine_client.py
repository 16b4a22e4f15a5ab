"""The engine process as an object: start it, ask it, stop it. A crash ends the answers in progress, nothing else.

Safe to use from several threads. Whoever asks next after a crash starts the process again.
"""

import json
import os
import secrets
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from backends import process
from backends.base import Chunk, Probe, Report, Request
from backends.catalog import EMBEDDED
from backends.errors import Unavailable, from_wire
from backends.files import dump_json
from backends.settings import ROOT, Settings

BACKENDS = ("llama_cpp", "transformers", "openai_http")
#: seconds until the process listens; it prepares the base only after that
START_SECONDS = 60.0
#: seconds between two lines of an answer; preparing a large base may take this long before the first
SILENCE_SECONDS = 3600.0
CRASHED = "The engine stopped while answering; it starts again with the next question"


class _Process:
    """One life of the engine process, with the port and the key to reach it."""

    def __init__(self, settings: Settings, backends: Sequence[str], parallel: int, base: str) -> None:
        options = {"--backends": ",".join(backends), "--parallel": str(parallel), "--base": base}
        argv = [sys.executable, "-m", "backends.engine", *(word for pair in options.items() for word in pair)]
        self._popen = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(settings), cwd=ROOT
        )
        self._key = secrets.token_urlsafe(32)
        self._port = self._greet()
        self.pid = self._popen.pid

    def _greet(self) -> int:
        """Hand over the key, which stays off argv and environment, and read the port."""
        stdin, stdout = self._popen.stdin, self._popen.stdout
        assert stdin and stdout
        try:
            stdin.write(self._key.encode() + b"\n")
            stdin.flush()
            ready = select.poll()  # unlike select() it takes the high numbers that a busy app has
            ready.register(stdout, select.POLLIN)
            line = stdout.readline() if ready.poll(START_SECONDS * 1000) else b""
            return int(json.loads(line)["port"])
        except (OSError, ValueError):
            self.end()
            raise Unavailable("The engine process did not start; its output in the log says why") from None

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def let_die(self) -> None:
        """A process that crashed closes its connections a moment before it is gone."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(1)

    @contextmanager
    def open(self, method: str, path: str, body: Any = None) -> Iterator[HTTPResponse]:
        """A response whose lines come as they are made; leaving early drops the connection, which cancels."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=SILENCE_SECONDS)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        with closing(connection):
            connection.request(method, path, dump_json(body).encode() if body is not None else None, headers)
            with connection.getresponse() as response:
                yield response

    def end(self) -> None:
        """Close its stdin, which it takes as its end; kill it if it does not."""
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe:
                pipe.close()
        try:
            self._popen.wait(5)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def _environment(settings: Settings) -> dict[str, str]:
    """Ours, without the SPACES_* variables (they would make torch believe in a GPU), with the same folders."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("SPACES_", "ACR_METRICS_TOKEN"))}
    own = process.SHORT_SPIN | own  # whoever sets it himself is obeyed
    own["ACR_DATA_DIR"] = str(settings.data_dir)
    if settings.base_gguf:
        own["ACR_BASE_GGUF"] = str(settings.base_gguf.resolve())
    return own


class Engine:
    """Answers questions through an engine process of its own; use it in a `with` block or call `stop`."""

    def __init__(self, settings: Settings, backends: Sequence[str], parallel: int, base: str) -> None:
        self.settings = settings
        self.backends = tuple(backends)
        self.parallel = parallel
        self.base = base
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._stopped = False

    @classmethod
    def start(
        cls, settings: Settings, backends: Sequence[str] = BACKENDS, parallel: int = 2, base: str = EMBEDDED
    ) -> "Engine":
        """Start the process; it begins at once to prepare `base` on the first of `backends`."""
        engine = cls(settings, backends, parallel, base)
        engine._running()
        return engine

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def life(self) -> int | None:
        """The pid of the process as it is now, which is not started for it; None while there is none."""
        process = self._process
        return process.pid if process and process.alive else None

    def state(self) -> dict[str, Any]:
        """`{"state": "preparing" | "ready" | "failed", "what", "fraction", "answers": {...}}`."""
        return self._last("GET", "/")

    def prepare(self, base: str = EMBEDDED, backend: str | None = None) -> None:
        """Return when `base` can be asked on `backend` (default: the first)."""
        self._last("POST", "/prepare", {"base": base, "backend": backend or self.backends[0]})

    def wait_ready(self, report: Report) -> None:
        """Return when the embedded base can be asked on the first backend; meanwhile tell `report` how far it is."""
        while (now := self.state())["state"] == "preparing":
            report(now["what"], now["fraction"])
            time.sleep(0.2)
        if now["state"] == "failed":
            raise Unavailable(now["what"])

    def generate(self, request: Request, backend: str = "llama_cpp") -> Iterator[Chunk]:
        """Stream an answer. Closing the iterator cancels it at the next token."""
        for line in self._lines("POST", "/generate", {"request": request.to_wire(), "backend": backend}):
            yield Chunk.from_wire(line)

    def probe(self, base: str, adapter: str, backend: str = "llama_cpp") -> Probe:
        """How much `adapter` changes the logits of a fixed prompt."""
        return Probe(**self._last("POST", "/probe", {"base": base, "adapter": adapter, "backend": backend}))

    def stop(self) -> None:
        """End the process, and with it all answers in progress; for good."""
        with self._lock:
            self._stopped = True
            if self._process:
                self._process.end()
                self._process = None

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _running(self) -> _Process:
        with self._lock:
            if self._stopped:
                raise Unavailable("The engine was stopped")
            if self._process and not self._process.alive:
                self._process.end()
                self._process = None
            if not self._process:
                self._process = _Process(self.settings, self.backends, self.parallel, self.base)
            return self._process

    def _last(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        return list(self._lines(method, path, body))[-1]

    def _lines(self, method: str, path: str, body: Any = None) -> Iterator[dict[str, Any]]:
        """The lines of a response; an error line, and a crash, are raised as the error they tell."""
        process = self._running()
        try:
            with process.open(method, path, body) as response:
                for raw in response:
                    line = json.loads(raw)
                    if "error" in line:
                        raise from_wire(line["error"], line["message"])
                    if "end" in line:
                        return
                    yield line
        except (OSError, HTTPException, ValueError):
            pass
        process.let_die()
        raise Unavailable(CRASHED)
