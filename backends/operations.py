"""What an engine can be asked over a wire, each by its name. Plain dicts in, a stream of plain dicts out.

The engine process (backends/engine.py) and the ZeroGPU entry point (backends/zero_gpu.py) both speak exactly this.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from backends.base import Cancelled, Generates, Probe, Report, Request
from backends.errors import BadInput, NotFound
from backends.settings import Settings

Payload = Mapping[str, Any]
Lines = Generator[dict[str, Any], None, None]
#: opened around a preparation; gives the report that is told how far it is
Preparing = Callable[[], AbstractContextManager[Report]]


class Operations:
    """The operations on a set of engines."""

    def __init__(self, settings: Settings, engines: Mapping[str, Generates], preparing: Preparing) -> None:
        self.settings = settings
        self.engines = engines
        self.preparing = preparing
        self._by_name: dict[str, Callable[[Payload, Cancelled], Lines]] = {
            "generate": self._generate,
            "generate_together": self._generate_together,
            "probe": self._probe,
            "prepare": self._prepare,
        }

    def run(self, op: str, payload: Payload, cancelled: Cancelled = lambda: False) -> Lines:
        if op not in self._by_name:
            raise NotFound(f"There is no operation {op[:40]!r}; known: {', '.join(self._by_name)}")
        return self._by_name[op](payload, cancelled)

    def prepare(self, engine: Generates, base: str) -> None:
        """Make `base` ready on `engine`; at once when it is."""
        if why := engine.ready(base):
            raise BadInput(why)
        with self.preparing() as report:
            engine.prepare(base, report)

    def _generate(self, payload: Payload, cancelled: Cancelled) -> Lines:
        request = self._request(payload.get("request"))
        engine = self._engine(payload)
        self.prepare(engine, request.base)
        for chunk in engine.generate(request, cancelled):
            yield chunk.to_wire()

    def _generate_together(self, payload: Payload, cancelled: Cancelled) -> Lines:
        """Several adapters of one base in one batch; each line says to which of the requests it belongs."""
        requests = [self._request(data) for data in payload.get("requests") or ()]
        engine = self._engine(payload)
        batch = getattr(engine, "generate_together", None)
        if batch is None:
            raise BadInput(f"{engine.title} answers one request at a time")
        for base in {request.base for request in requests}:
            self.prepare(engine, base)
        for row, chunk in batch(requests, cancelled):
            yield {"row": row} | chunk.to_wire()

    def _request(self, data: Any) -> Request:
        request = Request.from_wire(dict(data or {}))
        length = sum(len(segment.text) for segment in request.prompt)
        if length > self.settings.max_prompt_chars:
            raise BadInput(
                f"The prompt has {length:,} characters; at most {self.settings.max_prompt_chars:,} are accepted"
            )
        return request

    def _probe(self, payload: Payload, cancelled: Cancelled) -> Lines:
        engine = self._engine(payload)
        self.prepare(engine, _text(payload, "base"))
        probe: Probe = engine.probe(_text(payload, "base"), _text(payload, "adapter"))
        yield asdict(probe)

    def _prepare(self, payload: Payload, cancelled: Cancelled) -> Lines:
        self.prepare(self._engine(payload), _text(payload, "base"))
        yield {"state": "ready"}

    def _engine(self, payload: Payload) -> Generates:
        name = _text(payload, "backend")
        if name not in self.engines:
            raise NotFound(f"There is no engine {name[:40]!r} here; running: {', '.join(self.engines)}")
        return self.engines[name]


def _text(payload: Payload, key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str):
        raise BadInput(f"The request needs the text {key!r}")
    return value
