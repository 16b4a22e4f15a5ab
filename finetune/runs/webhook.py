"""A notice in JSON to one address when a run ends. The address is the owner's of this place, never a visitor's."""

import logging
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Thread
from typing import Any

from backends.errors import Refused
from backends.files import dump_json
from backends.guards import allowed_url, redact
from backends.settings import Settings
from finetune.runs.store import Row

SECONDS = 10.0
TRIES = 3

log = logging.getLogger(__name__)


def tell(settings: Settings, row: Row) -> None:
    """Send it from a thread: nobody's run waits for somebody else's server."""
    if settings.webhook:
        Thread(target=_send, args=(settings.webhook, notice(row)), daemon=True).start()


def notice(row: Row) -> dict[str, Any]:
    """What is told: no rows, no prompts, no owner, no keys."""
    numbers = {key: row.summary.get(key) for key in ("step", "steps", "train_loss", "eval_loss", "seconds")}
    known = {"run": row.run, "name": row.name, "kind": row.kind, "task": row.task, "status": row.status}
    return known | {"reason": redact(row.reason), "adapter": row.adapter} | numbers


def _send(address: str, body: dict[str, Any]) -> None:
    for attempt in range(1, TRIES + 1):
        try:
            status = _post(address, dump_json(body).encode())
            log.info("webhook: run %s %s was answered with %s", body["run"], body["status"], status)
            if status < 500:
                return
        except Refused as error:
            log.error("webhook: %s", error)
            return
        except (OSError, HTTPException) as error:
            log.warning("webhook: attempt %s of %s failed: %s", attempt, TRIES, redact(str(error)))


def _post(address: str, body: bytes) -> int:
    """The status of the answer; a redirect is an answer like any other and is not followed."""
    url = allowed_url(address, "ACR_WEBHOOK")
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(str(url.hostname), url.port, timeout=SECONDS)
    try:
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()
