"""A visitor of the page without a browser: presses a button as Gradio's own script does, and reads what comes back."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
from gradio_client.utils import apply_diff

PATIENCE = 240.0


class Visitor:
    """`token` is what the platform sends along for one who is signed in."""

    def __init__(self, url: str, token: str, page: dict[str, Any]) -> None:
        self.http = httpx.Client(base_url=url, headers={"x-ip-token": token, "x-gradio-user": "app"}, timeout=PATIENCE)
        self.config = page
        self.parts = {part["id"]: part["props"] for part in self.config["components"]}

    def press(self, button: str, **filled: Any) -> Iterator[str]:
        """Every state of what the button's event shows, as text; `filled` goes into fields by their label."""
        pressed = self._id(button)
        (event,) = [e for e in self.config["dependencies"] if [pressed, "click"] in [list(t) for t in e["targets"]]]
        data = [self._value(part, filled) for part in event["inputs"]]
        session = secrets.token_hex(6)
        body = {
            "data": data,
            "fn_index": event["id"],
            "session_hash": session,
            "event_data": None,
            "trigger_id": pressed,
        }
        self.http.post("/gradio_api/queue/join", json=body).raise_for_status()
        yield from self._states(session)

    def _states(self, session: str) -> Iterator[str]:
        shown: list[Any] = []
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                told = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if told.get("msg") == "process_generating":
                    data = told["output"]["data"]
                    shown = [apply_diff(old, new) for old, new in zip(shown, data, strict=True)] if shown else data
                    yield json.dumps(shown, ensure_ascii=False)
                elif told.get("msg") == "process_completed":
                    yield json.dumps(told["output"], ensure_ascii=False)
                    return

    def _id(self, name: str) -> int:
        (found,) = [number for number, props in self.parts.items() if props.get("elem_id") == name]
        return int(found)

    def _value(self, part: int, filled: dict[str, Any]) -> Any:
        props = self.parts[part]
        return filled.get(str(props.get("label")), props.get("value"))
