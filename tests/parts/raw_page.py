"""The served page without a browser: its functions are asked by raw requests, as a script of a stranger would.

`python -m tests.parts.raw_page PORT [preparing]` is the process that serves it, with two routes of its own: /held says
what the server keeps of its sessions, /drop ends everything as if all pages were closed.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from backends.settings import ROOT, Settings
from tests.parts.ports import free_port

START_SECONDS = 240


class RawPage:
    """`with RawPage(settings) as page: page.outcome(page.function("answer")["id"], [...], "session")`."""

    def __init__(self, settings: Settings, *, preparing: bool = True) -> None:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/"
        argv = [sys.executable, "-m", "tests.parts.raw_page", str(port), *(["preparing"] if preparing else [])]
        self.log = Path(settings.data_dir).parent / f"page-{port}.log"
        env = {key: value for key, value in os.environ.items() if not key.startswith(("SPACE", "ACR_"))}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(argv, cwd=ROOT, env=env | settings.to_env(), stdout=out, stderr=out)

    def __enter__(self) -> "RawPage":
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.config = httpx.get(self.url + "config", timeout=60).json()
                self.functions = self.config["dependencies"]
                return self
            except (httpx.HTTPError, ValueError):
                assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()[-2000:]
                time.sleep(0.2)

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def function(self, name: str) -> dict[str, Any]:
        return next(found for found in self.functions if found["api_name"] == name)

    def sample(self, function: dict[str, Any]) -> list[Any]:
        """The values that a fresh page would send."""
        values = {component["id"]: component["props"].get("value") for component in self.config["components"]}
        return [values[number] for number in function["inputs"]]

    def post(self, body: dict[str, Any], http: httpx.Client | None = None) -> httpx.Response:
        url = self.url + "gradio_api/queue/join"
        return http.post(url, json=body) if http else httpx.post(url, json=body, timeout=120)

    def join(
        self, function: dict[str, Any], data: list[Any], session: str, http: httpx.Client | None = None
    ) -> httpx.Response:
        return self.post({"data": data, "fn_index": function["id"], "session_hash": session}, http)

    def outcome(self, number: int, data: list[Any], session: str, event: Any = None) -> str:
        """All that the server says of one call, up to its end; or that it refused it."""
        body = {"data": data, "fn_index": number, "session_hash": session, "event_data": event, "trigger_id": None}
        joined = self.post(body)
        if joined.status_code != 200:
            return joined.text
        said, url = [], self.url + "gradio_api/queue/data"
        with httpx.stream("GET", url, params={"session_hash": session}, timeout=120) as lines:
            for line in lines.iter_lines():
                told = json.loads(line[6:]) if line.startswith("data: ") else {}
                said.append(line)
                if told.get("msg") in ("process_completed", "close_stream", "unexpected_error") or "for ever" in line:
                    break
        return "\n".join(said)

    def outcomes(self, calls: list[tuple[int, list[Any]]], session: str) -> str:
        """The same of many calls of one session; those that are refused at once are told by their refusal."""
        said, left = [], 0
        with httpx.Client(timeout=120) as http:
            for number, data in calls:
                joined = self.post({"data": data, "fn_index": number, "session_hash": session}, http)
                said.append(joined.text)
                left += joined.status_code == 200
            url = self.url + "gradio_api/queue/data"
            with http.stream("GET", url, params={"session_hash": session}) as lines:
                for line in lines.iter_lines():
                    said.append(line)
                    left -= '"process_completed"' in line or "for ever" in line
                    if left <= 0:
                        break
        self.drop_everybody()
        return "\n".join(said)

    def held(self) -> dict[str, int]:
        return dict(httpx.get(self.url + "held", timeout=60).json())

    def drop_everybody(self) -> None:
        """Every page is closed: nothing stays in the queue, nothing goes on."""
        httpx.post(self.url + "drop", timeout=60).raise_for_status()
        self.until(lambda: not self.held()["running"])

    def until(self, condition: Callable[[], Any], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s"
            time.sleep(0.05)


class Preparing:
    """An engine that prepares for ever: whoever asks waits, as visitors of a slow machine do."""

    life = None
    parallel = 2

    def state(self) -> dict[str, Any]:
        return {"state": "preparing", "what": "for ever", "fraction": 0.5}


def serve(port: int, preparing: bool) -> None:
    import ui
    from backends.engine_client import Engine
    from backends.settings import settings
    from ui import metrics
    from ui.room import Room
    from ui.server import launch_settings, queued

    room = Room(settings())
    room._engine = Preparing() if preparing else Engine.start(settings(), ("echo",))  # type: ignore[assignment]
    page = queued(ui.build(room))
    told = launch_settings(settings(), [metrics.route(settings(), room.figures), *_routes(page)])
    page.launch(server_port=port, quiet=True, **told)


def _routes(page: Any) -> list[Any]:
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def held(request: Request) -> JSONResponse:
        sessions = page.app.state_holder.session_data
        closed = sum(session.is_closed for session in sessions.values())
        running = sum(1 for jobs in page._queue.active_jobs if jobs)
        return JSONResponse({"sessions": len(sessions), "closed": closed, "running": running})

    async def drop(request: Request) -> JSONResponse:
        for jobs in filter(None, page._queue.active_jobs):
            for job in jobs:
                job.alive = False
        for waiting in page._queue.event_queue_per_concurrency_id.values():
            waiting.queue.clear()
        return JSONResponse({})

    return [Route("/held", held), Route("/drop", drop, methods=["POST"])]


if __name__ == "__main__":
    serve(int(sys.argv[1]), "preparing" in sys.argv[2:])
