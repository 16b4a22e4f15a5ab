"""One question over HTTP to an OpenAI-compatible server: events of its stream, everything bounded.

The server is named by the environment alone and is not trusted: time, bytes and lines are capped, redirects are not
followed, compressed answers are refused, and nothing that it says reaches a person without our key taken out.
"""

import json
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from backends.base import Cancelled
from backends.engines import _backoff as backoff
from backends.errors import AppError, BadInput, NotFound, Refused, Unavailable
from backends.guards import allowed_url, redact
from backends.settings import MB, Settings

if TYPE_CHECKING:
    import ssl

    import httpx

MAX_LINE, MAX_BODY, MAX_ERROR = MB // 4, 8 * MB, MB // 64
CONNECT_SECONDS = 10.0

Event = dict[str, Any]


class Cut(Exception):
    """The stream ended in the middle of an answer; the message says how."""


class SchemaRefused(AppError):
    """The server does not take the request as it is, and it carried a schema that it may not know."""


@dataclass(frozen=True)
class Server:
    """The one server that the environment names, with its key."""

    url: str
    host: str
    key: str
    seconds: float

    @classmethod
    def of(cls, settings: Settings) -> "Server":
        if not settings.openai_url:
            raise Unavailable("No OpenAI-compatible server is set: put its address into ACR_OPENAI_URL and restart")
        host = allowed_url(settings.openai_url, "ACR_OPENAI_URL").hostname or ""
        return cls(settings.openai_url.rstrip("/"), host, settings.openai_key, settings.openai_seconds)

    def clean(self, text: str) -> str:
        """Words of the server for a person: one short line, no key."""
        told = redact(text.replace(self.key, "***") if self.key else text)
        return " ".join(told.split())[:200]


def events(server: Server, body: dict[str, Any], cancelled: Cancelled) -> Generator[Event, None, None]:
    """Events of a streamed answer, up to its end; `Cut` when the server breaks off after it has begun to answer."""
    end = time.monotonic() + server.seconds
    for attempt in range(1, backoff.TRIES + 1):
        with _asked(server, body, cancelled, end) as response:
            if response.status_code in backoff.BUSY:
                wait = backoff.seconds(response.headers.get("Retry-After"), attempt)
            else:
                _check(server, response, "response_format" in body)
                yield from _events(server, response, cancelled, end)
                return
        if attempt == backoff.TRIES or wait > min(backoff.MAX_WAIT, end - time.monotonic()):
            raise Unavailable(
                f"{server.host} is busy ({response.status_code}) at try {attempt} and asks to wait {wait:.0f} s: "
                "try again later"
            )
        if backoff.left_while_waiting(wait, cancelled):
            return


@contextmanager
def _asked(server: Server, body: dict[str, Any], cancelled: Cancelled, end: float) -> Iterator["httpx.Response"]:
    """The response once its headers are there. A watcher cuts the connection at `end` or when the asker goes."""
    import httpx

    headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
    if server.key:
        headers["Authorization"] = f"Bearer {server.key}"
    left = max(0.1, end - time.monotonic())
    watch = _Watch(cancelled, end)
    limits = httpx.Timeout(left, connect=min(CONNECT_SECONDS, left))
    try:
        with (
            httpx.Client(timeout=limits, follow_redirects=False, verify=_certificates()) as client,
            watch,
            client.stream(
                "POST",
                f"{server.url}/chat/completions",
                json=body,
                headers=headers,
                extensions={"trace": watch.follow},
            ) as response,
        ):
            yield response
    except (httpx.ConnectError, httpx.ConnectTimeout):
        raise Unavailable(f"Could not reach {server.host}: nothing was asked. Is ACR_OPENAI_URL right?") from None
    except httpx.HTTPError as error:
        late = time.monotonic() >= end
        why = f"took longer than {server.seconds:g} s" if late else f"broke off ({type(error).__name__})"
        raise Unavailable(f"{server.host} {why} before it answered; ask again") from None


@lru_cache(maxsize=1)
def _certificates() -> "ssl.SSLContext":
    """Read once: it takes longer than a question to a server near by."""
    import httpx

    return httpx.create_ssl_context()


class _Watch:
    """Shuts the connection down from beside: every byte of a slow server starts the read time-out anew."""

    def __init__(self, cancelled: Cancelled, end: float) -> None:
        self.cancelled, self.end = cancelled, end
        self._socket: Any = None
        self._over = threading.Event()

    def follow(self, name: str, info: dict[str, Any]) -> None:
        """httpx tells every step; the connection is what we wait for."""
        if name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = info["return_value"].get_extra_info("socket")

    def __enter__(self) -> None:
        threading.Thread(target=self._look, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(backoff.LOOK):
            if self._socket and (self.cancelled() or time.monotonic() >= self.end):
                with suppress(OSError):
                    self._socket.shutdown(2)
                return


def _check(server: Server, response: "httpx.Response", with_schema: bool) -> None:
    """Anything but a stream of events is an error in one sentence."""
    status = response.status_code
    if status in (401, 403):  # their words may quote the key
        raise Refused(f"{server.host} does not accept the key in ACR_OPENAI_KEY ({status})")
    if 300 <= status < 400:
        raise Refused(
            f"{server.host} sends the question elsewhere ({status}), which is not followed: see ACR_OPENAI_URL"
        )
    if status != 200:
        said = server.clean(_message(_beginning(response)))
        if status in (400, 422) and with_schema:
            raise SchemaRefused(said)
        kind = NotFound if status == 404 else BadInput if status < 500 else Unavailable
        raise kind(f"{server.host} refused the question ({status}): {said or 'no reason given'}")
    form = response.headers.get("Content-Type", "").partition(";")[0].strip()
    if form != "text/event-stream" or response.headers.get("Content-Encoding", "identity") != "identity":
        raise Unavailable(f"{server.host} answered with {server.clean(form) or 'something'} that is no plain stream")


def _beginning(response: "httpx.Response") -> bytes:
    data = b""
    for part in response.iter_raw():
        data += part
        if len(data) > MAX_ERROR:
            break
    return data[:MAX_ERROR]


def _message(data: bytes) -> str:
    """The reason inside an error's body, in the shapes that servers use; nothing of a web page."""
    try:
        told = json.loads(data)
        error = told.get("error", told)
        return str(error.get("message") or error.get("detail") or "") if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError, RecursionError):
        return ""


def _events(server: Server, response: "httpx.Response", cancelled: Cancelled, end: float) -> Iterator[Event]:
    for line in _lines(server, response, cancelled, end):
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            return
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            raise Unavailable(f"{server.host} sent something that is no OpenAI stream")
        if "error" in event:
            raise Unavailable(f"{server.host} broke off: {server.clean(_message(data)) or 'no reason given'}")
        yield event


def _lines(server: Server, response: "httpx.Response", cancelled: Cancelled, end: float) -> Iterator[bytes]:
    """Whole lines of the raw body; `Cut` at a broken connection or the deadline, an error beyond the caps."""
    import httpx

    rest, total = b"", 0
    try:
        for part in response.iter_raw():
            total += len(part)
            *whole, rest = (rest + part).split(b"\n")
            if total > MAX_BODY or len(rest) > MAX_LINE or any(len(line) > MAX_LINE for line in whole):
                raise Unavailable(f"{server.host} sent more than an answer can be; it was cut off")
            yield from whole
            if cancelled():
                return
    except httpx.HTTPError:
        pass
    else:
        if time.monotonic() < end:
            return
    if not cancelled():
        late = time.monotonic() >= end
        raise Cut(f"took longer than {server.seconds:g} s" if late else "broke off in the middle")
