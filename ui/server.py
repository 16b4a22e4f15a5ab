"""How the page is served: launch settings and two small middlewares. No `server_name`: off a Space Gradio
binds to this machine only, and a Space sets GRADIO_SERVER_NAME itself.
"""

from collections.abc import Sequence
from typing import Any

from backends.settings import Settings
from ui import theme
from ui.limits import BodyLimit

OWN_HOSTS = ("localhost", "127.0.0.1", "[::1]")
#: of handlers; one that waits for its turn at the engine holds one and does nothing
THREADS = 100
QUEUE = {"default_concurrency_limit": 4, "max_size": 64, "api_open": False}


def queued(blocks: Any) -> Any:
    """The page with its queue. Gradio's looks for work 1,000 times a second, for 3 % of a core; 50 times will do."""
    blocks.queue(**QUEUE)
    blocks._queue.sleep_when_free = 0.02
    return blocks


def launch_settings(settings: Settings, routes: Sequence[Any] = ()) -> dict[str, Any]:
    """Everything that `Blocks.launch` is told; `routes` are served beside the page."""
    return {
        "theme": theme.theme(),
        "css_paths": [theme.CSS],
        "share": False,
        "ssr_mode": False,
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "max_file_size": settings.max_upload,
        "allowed_paths": [],
        "blocked_paths": [str(settings.data_dir)],
        "footer_links": ["api"],
        "state_session_capacity": 500,
        "mcp_server": False,
        "pwa": False,
        "max_threads": THREADS,
        "app_kwargs": {"middleware": middleware(settings), "routes": list(routes)},
    }


def middleware(settings: Settings) -> list[Any]:
    """Security headers and a limit of bytes; off a Space also a list of host names, which stops DNS rebinding."""
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    outer = [Middleware(SecurityHeaders, framed_by=_framed_by(settings)), Middleware(BodyLimit)]
    if settings.space_id:
        return outer
    hosts = [*OWN_HOSTS, *settings.hosts]
    return [*outer, Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)]


def _framed_by(settings: Settings) -> str:
    """Who may show the page in a frame: on a Space the Hub's own page, elsewhere nobody."""
    return "https://huggingface.co https://*.huggingface.co" if settings.space_id else "'none'"


class SecurityHeaders:
    """Plain ASGI, so that streamed answers pass through untouched."""

    def __init__(self, app: Any, framed_by: str) -> None:
        self.app = app
        policy = f"frame-ancestors {framed_by}; object-src 'none'; base-uri 'self'"
        self.headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *self.headers]}
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
