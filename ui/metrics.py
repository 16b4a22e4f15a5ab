"""`/metrics` on the page's own server: the figures of backends/measured.py for Prometheus.

On a public Space they are served only to whoever shows ACR_METRICS_TOKEN; elsewhere to anybody who reaches the page,
unless a token is set.
"""

import hmac
from collections.abc import Callable
from typing import Any

from backends import prometheus
from backends.measured import Snapshot
from backends.settings import Settings

PATH = "/metrics"


def route(settings: Settings, figures: Callable[[], Snapshot]) -> Any:
    """The route for the server."""
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def metrics(request: Request) -> PlainTextResponse:
        if not allowed(settings, request.headers.get("authorization", "")):
            return PlainTextResponse("Not here without its token (ACR_METRICS_TOKEN)\n", status_code=404)
        return PlainTextResponse(prometheus.text(figures()), media_type=prometheus.CONTENT_TYPE)

    return Route(PATH, metrics, methods=["GET"])


def allowed(settings: Settings, authorization: str) -> bool:
    if not settings.metrics_token:
        return not settings.public
    given = authorization.removeprefix("Bearer ").strip()
    return hmac.compare_digest(given.encode(), settings.metrics_token.encode())
