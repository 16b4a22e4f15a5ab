"""Any OpenAI-compatible server (vLLM, Ollama, llama-server, GPT-4o-mini): a base to compare with, no adapters of ours.

Which server and which key is one pair from the environment (ACR_OPENAI_URL, ACR_OPENAI_KEY); a request names the model
alone, as the base "openai_http:<model>".
"""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from backends import catalog
from backends.base import AnswerReceipt, Cancelled, Chunk, Constraint, Probe, Report, Request, Usage
from backends.engines._openai_wire import Cut, Event, SchemaRefused, Server, events
from backends.engines._text import StopText
from backends.errors import AppError, BadInput, Refused, Unavailable
from backends.settings import Settings

#: what OpenAI's own server takes at most; StopText cuts at all of them in any case
MAX_STOPS = 4
#: ends that are those of an answer; any other is the server's own, such as content_filter
FINISHES = ("stop", "length")
NO_FORM = "asked without the form: this server cannot be held to it"


class OpenAiHttp:
    name = "openai_http"
    title = "an OpenAI-compatible server"

    def __init__(self, settings: Settings, parallel: int) -> None:
        self.settings = settings
        self._schema_refused: set[str] = set()  # models of which the server does not take a schema

    def ready(self, base: str) -> str | None:
        if not base.startswith(catalog.REMOTE):
            return f"{base[:60]} cannot be asked on {self.title}: name one of its models with --model"
        try:
            catalog.base_named(base)
            Server.of(self.settings)
        except AppError as error:
            return str(error)
        return None

    def prepare(self, base: str, report: Report) -> None:
        """Nothing to load; whether the server is there shows with the first question."""

    def probe(self, base: str, adapter: str) -> Probe:
        raise Refused(f"The logits of {base[:60]} stay at its server: adapters are measured on our own engines")

    def generate(self, request: Request, cancelled: Cancelled) -> Iterator[Chunk]:
        if request.adapter:
            raise Refused(
                f"{request.base} answers as itself: the adapter {request.adapter} is asked on our own engines"
            )
        try:
            yield from self._asked(request, cancelled)
        except Unavailable:
            if not cancelled():  # else it was we who hung up
                raise
            yield Chunk(finish="cancelled")

    def _asked(self, request: Request, cancelled: Cancelled) -> Iterator[Chunk]:
        """Ask with the schema; a server that refuses it is asked without, now and from then on."""
        server, model = Server.of(self.settings), request.base.removeprefix(catalog.REMOTE)
        form = {} if model in self._schema_refused else _form(request.constraint)
        try:
            yield from _Answer(request, model, form).stream(server, cancelled)
        except SchemaRefused:
            yield from _Answer(request, model, {}).stream(server, cancelled)
            self._schema_refused.add(model)


class _Answer:
    """One answer as it comes."""

    def __init__(self, request: Request, model: str, form: dict[str, Any]) -> None:
        self.request, self.form = request, form
        self.body = _body(request, model) | form
        self.model = model  # as asked, until the server says which it is
        self.finish: str | None = None
        self.usage: dict[str, Any] = {}
        self.pieces = 0

    def stream(self, server: Server, cancelled: Cancelled) -> Iterator[Chunk]:
        stop, start, first, note = StopText(self.request.stop), time.perf_counter(), 0.0, self._note()
        try:
            with closing(events(server, self.body, cancelled)) as told:
                for event in told:
                    text = self._read(event, server)
                    if text:
                        self.pieces += 1
                        first = first or time.perf_counter() - start
                        yield Chunk(stop.feed(text))
                    if stop.stopped:
                        self.finish = "stop"
                        break
            end = "ended in the middle"  # a stream that just ends was cut somewhere on its way
        except Cut as cut:
            end = str(cut)
        if cancelled():
            self.finish = "cancelled"
        elif self.finish not in FINISHES:
            end = f"ended the answer with {self.finish}" if self.finish else end
            self.finish, note = "cut", f"{server.host} {end}"
        seconds = time.perf_counter() - start
        receipt = AnswerReceipt(OpenAiHttp.name, catalog.REMOTE + self.model, None, None, 0.0, note)
        yield Chunk("" if stop.stopped else stop.rest(), self.finish, self._usage(first, seconds), receipt)

    def _note(self) -> str:
        return NO_FORM if self.request.constraint and not self.form else ""

    def _read(self, event: Event, server: Server) -> str:
        """The text of an event; what else it tells is kept."""
        try:
            self.model = server.clean(str(event.get("model") or self.model))
            self.usage = dict(event.get("usage") or self.usage)
            choices = event.get("choices") or [{}]
            if ended := choices[0].get("finish_reason"):
                self.finish = server.clean(str(ended))
            text = (choices[0].get("delta") or {}).get("content") or ""
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            text = None
        if not isinstance(text, str):
            raise Unavailable(f"{server.host} sent something that is no OpenAI stream")
        return text

    def _usage(self, first: float, seconds: float) -> Usage:
        """Tokens as the server counts them, else the pieces that came."""
        cached = self.usage.get("prompt_tokens_details")
        return Usage(
            _count(self.usage.get("prompt_tokens"), 0),
            _count(self.usage.get("completion_tokens"), self.pieces),
            _count(cached.get("cached_tokens") if isinstance(cached, dict) else 0, 0),
            round(first, 4),
            round(seconds, 4),
        )


def _body(request: Request, model: str) -> dict[str, Any]:
    """The prompt's text, without special tokens, as one message of the user."""
    text = "".join(segment.text for segment in request.prompt if not segment.special)
    if not text.strip():
        raise BadInput("The prompt has no text for a server that writes its own template")
    body = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": request.max_new_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed,
    }
    return body | ({"stop": list(request.stop[:MAX_STOPS])} if request.stop else {})


def _form(constraint: Constraint | None) -> dict[str, Any]:
    """A JSON schema in OpenAI's words. No server-independent way is known for grammars and choices."""
    if constraint is None or constraint.kind != "json_schema":
        return {}
    schema = {"name": "answer", "schema": constraint.value, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _count(value: Any, otherwise: int) -> int:
    return value if type(value) is int and value >= 0 else otherwise


BACKEND = OpenAiHttp
