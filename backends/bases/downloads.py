"""Downloads from the Hub: one at a time for everybody here, with progress; stopped at any moment, resumed later."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from backends.errors import Refused, Unavailable
from backends.settings import ROOT, Settings

Kind = Literal["base", "adapter"]
CLOSED = (
    "On a public Space its owner chooses what is downloaded: duplicate this Space, or run the app on your own machine"
)


@dataclass(frozen=True)
class Download:
    kind: Kind
    name: str
    state: Literal["running", "done", "failed", "cancelled"] = "running"
    what: str = "Starting"
    fraction: float = 0.0
    #: guessed from the speed since the start
    seconds_left: float | None = None


class Downloads:
    """The download of this app; the last one stays to be looked at when it has ended."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._now: Download | None = None

    def now(self) -> Download | None:
        return self._now

    def start(self, kind: Kind, name: str) -> None:
        if self.settings.public:
            raise Refused(CLOSED)
        with self._lock:
            if self._now and self._now.state == "running":
                raise Unavailable(f"{self._now.name} is being downloaded: wait for it, or stop it first")
            self._now = Download(kind, name)
            argv = [sys.executable, "-m", "backends.bases.download", kind, name]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, env=self._env(), cwd=ROOT, text=True)
            threading.Thread(target=self._follow, args=(self._process,), name="download", daemon=True).start()

    def cancel(self) -> None:
        """Stop it; what is there already is not fetched again."""
        with self._lock:
            if self._now and self._now.state == "running" and self._process:
                self._now = replace(self._now, state="cancelled", what="Stopped", seconds_left=None)
                self._process.kill()
                self._process.wait()

    def _env(self) -> dict[str, str]:
        kept_out = ("SPACES_", "ACR_METRICS_TOKEN", "ACR_OPENAI_")
        own = {key: value for key, value in os.environ.items() if not key.startswith(kept_out)}
        return own | self.settings.to_env()

    def _follow(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout and process.stdin
        began, first = time.monotonic(), None
        for line in process.stdout:
            told = _read(line)
            if "fraction" in told:
                fraction = float(told["fraction"])
                first = fraction if first is None or fraction < first else first
                self._tell(
                    process,
                    what=str(told["what"]),
                    fraction=fraction,
                    seconds_left=_left(time.monotonic() - began, first, fraction),
                )
            elif "done" in told:
                self._tell(process, state="done", what=f"{told['done']} is here", fraction=1.0, seconds_left=None)
            elif "error" in told:
                self._tell(process, state="failed", what=str(told["message"]), seconds_left=None)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()
        self._tell(process, state="failed", what="The download broke off: start it again, it goes on where it was")

    def _tell(self, process: "subprocess.Popen[str]", **news: object) -> None:
        """Of a download that still runs; an end is told once."""
        with self._lock:
            if self._now and self._now.state == "running" and self._process is process:
                self._now = replace(self._now, **news)  # type: ignore[arg-type]


def _read(line: str) -> dict[str, Any]:
    """A line of the child; libraries may print others."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _left(seconds: float, first: float, fraction: float) -> float | None:
    speed = (fraction - first) / seconds if seconds > 2 else 0.0
    return (1 - fraction) / speed if speed > 0 else None
