"""Who a visitor is: `local` off a Space, the signed-in name on one, else a random id that this app signed.

The id lives in the browser's storage and comes back with every event; whatever else a script sends is refused. The key
stays here: the `secret` of gr.BrowserState is known to every browser, so it protects nothing.
"""

import hashlib
import hmac
import os
import secrets
from functools import lru_cache

import gradio as gr

from backends.errors import Refused
from backends.settings import Settings

LOCAL = "local"


def remembered() -> gr.BrowserState:
    """The place in the browser, readable again after a restart."""
    return gr.BrowserState("", storage_key="acr-owner", secret="acr-owner")


@lru_cache(maxsize=1)
def _key() -> bytes:
    """ACR_SECRET, which outlives a restart of the Space; without it visitors are new after each."""
    return (os.environ.get("ACR_SECRET") or secrets.token_hex(32)).encode()


def _signed(name: str) -> str:
    return f"{name}.{hmac.new(_key(), name.encode(), hashlib.sha256).hexdigest()}"


def _name_in(kept: object) -> str | None:
    """The id in what a browser sent, if this app signed it."""
    name = kept.partition(".")[0] if isinstance(kept, str) else ""
    return name if name and hmac.compare_digest(_signed(name).encode(), str(kept).encode()) else None


def known_or_new(kept: object) -> str:
    """What the browser keeps from now on: what it had, or 128 new random bits with our signature."""
    return str(kept) if _name_in(kept) else _signed(f"visitor-{secrets.token_hex(16)}")


def visitor(request: gr.Request | None) -> str:
    """Whose turn it is at the engine: a page, or whoever signed in. Nothing hangs on it but the order of answers."""
    return (request and (request.username or request.session_hash)) or "nobody"


def of(settings: Settings, kept: object, request: gr.Request | None) -> str:
    """The owner of what this visitor starts; Refused when the browser keeps nothing."""
    if settings.space_id is None:
        return LOCAL
    if request is not None and request.username:
        return f"user-{request.username}"
    if name := _name_in(kept):
        return name
    raise Refused("Your browser keeps no data for this page, so a run could not be yours: allow it and reload")
