"""What one request to the page may weigh: a body beyond the limit is refused before anything reads it.

Files come by their own route, which has Gradio's `max_file_size`; everything else is a handful of fields.
"""

from typing import Any

from backends.settings import MB

MAX_BODY = 4 * MB
UPLOADS = "/gradio_api/upload"


class TooLarge(Exception):
    """More came than was announced."""


class BodyLimit:
    """Plain ASGI, so that streamed answers pass through untouched."""

    def __init__(self, app: Any, limit: int = MAX_BODY) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"].endswith(UPLOADS):
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self.limit:
            await _refuse(send, self.limit)
            return
        await self._counted(scope, receive, send)

    async def _counted(self, scope: Any, receive: Any, send: Any) -> None:
        """A body without a length, or with a wrong one, is counted as it comes."""
        seen, answered = 0, False

        async def counting() -> Any:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                raise TooLarge
            return message

        async def noting(message: Any) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, counting, noting)
        except TooLarge:
            if not answered:
                await _refuse(send, self.limit)


async def _refuse(send: Any, limit: int) -> None:
    said = f"A request of more than {limit // MB} MB is not taken here\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": said})
