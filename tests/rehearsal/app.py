"""app.py running on a rehearsed ZeroGPU: started with a base of one's choice, called from inside, visited over HTTP."""

import base64
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from backends.base import Request, Segment
from backends.settings import ROOT
from tests.parts.ports import free_port
from tests.rehearsal.device_api import DeviceApi
from tests.rehearsal.on_cpu import MARK

PATIENCE = 240.0
SIGNED_IN = "x." + base64.urlsafe_b64encode(b'{"user": "ada"}').decode().rstrip("=") + ".y"


class App:
    """One life of the app, with the stand-in that it schedules its GPU at."""

    def __init__(self, device: DeviceApi, process: "subprocess.Popen[str]", port: int, log: Path) -> None:
        self.device, self.process, self.port, self._log = device, process, port, log
        self.told: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.packed = 0
        self.page: dict[str, Any] = {}  # as the browser gets it

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def started(self) -> "App":
        """Return when the start-up report came and the page is served: a port that listens is not yet a page."""
        self.packed = self._next()["packed"]
        deadline = time.monotonic() + PATIENCE
        heard = ""
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                answer = httpx.get(f"{self.url}/config", timeout=PATIENCE)
                heard = f"{answer.status_code} with {len(answer.content)} bytes"
                if self.device.asked("/startup-report") and answer.is_success and answer.content:
                    self.page = answer.json()
                    return self
            except httpx.TransportError as error:
                heard = repr(error)
            time.sleep(0.1)
        raise AssertionError(f"the app did not start ({self.url} gave {heard}): {self.log()}")

    def call(self, op: str = "", payload: Any = None, **options: Any) -> dict[str, Any]:
        """A call from inside the app: `{"lines": [...]}`, and `title` and `error` where it failed."""
        self.begin(op, payload, **options)
        return self.end()

    def begin(self, op: str = "", payload: Any = None, **options: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"op": op, "payload": payload, **options}) + "\n")
        self.process.stdin.flush()

    def end(self) -> dict[str, Any]:
        """What became of the call that was begun."""
        return self._next()

    def ask(
        self, base: str, adapter: str | None, text: str = "Hello", tokens: int = 12, **options: Any
    ) -> dict[str, Any]:
        """A question straight to `gpu_call`."""
        return self.call(
            "generate", {"backend": "transformers", "request": wire(base, adapter, text, tokens)}, **options
        )

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._listener.join(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    def log(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]

    def _next(self) -> dict[str, Any]:
        told = self.told.get(timeout=PATIENCE)
        assert told is not None, f"the app ended: {self.log()}"
        return told

    def _listen(self) -> None:
        assert self.process.stdout
        with self._log.open("a") as kept:
            for line in self.process.stdout:
                if line.startswith(MARK):
                    self.told.put(json.loads(line.removeprefix(MARK)))
                elif not line.startswith("SPACES_ZERO_GPU_DEBUG"):
                    kept.write(line)
                    kept.flush()
        self.told.put(None)


def wire(base: str, adapter: str | None, text: str, tokens: int = 12) -> dict[str, Any]:
    return Request(base, (Segment(text),), adapter=adapter, max_new_tokens=tokens).to_wire()


@contextmanager
def running(folder: Path, data: Path, fault: str = "", **environment: str) -> Iterator[App]:
    """The app as a Space would start it, with `environment` besides; `fault` is one of broken.FAULTS."""
    device, port = DeviceApi(), free_port()
    (folder / "cgroup").write_text("0::/fake\n")
    own = {
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": device.url,
        "ZEROGPU_PROC_SELF_CGROUP_PATH": str(folder / "cgroup"),
        "ZEROGPU_OFFLOAD_DIR": str(folder / "tensors"),  # removed and made anew
        "ZEROGPU_MMAP_AUTOPRUNE_PATTERN": str(folder / "nothing"),
        "SPACE_ID": "tests/rehearsal",
        "HF_HUB_OFFLINE": "1",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_SERVER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "ACR_DATA_DIR": str(data),
    }
    argv = [sys.executable, "-m", "tests.rehearsal.on_cpu", *([fault] if fault else [])]
    process = subprocess.Popen(
        argv,
        cwd=ROOT,
        env=os.environ | own | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    app = App(device, process, port, folder / "log.txt")
    try:
        yield app
    finally:
        app.stop()
        device.shutdown()
        device.server_close()
