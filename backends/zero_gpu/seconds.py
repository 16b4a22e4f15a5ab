"""How many GPU seconds a call asks for: from what calls took here, with room to spare. Too many cost a place in the
queue or are refused; too few end an answer in the middle.
"""

import math
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from backends.base import MAX_NEW_TOKENS, Usage
from backends.catalog import EMBEDDED, Base, base_named
from backends.errors import AppError
from backends.operations import Payload

#: of the slowest call that was measured
MARGIN = 1.4
LEAST = 5
#: before anything was measured: seconds until the first token, and per token of a small base and of a billion weights
START, TOKEN, TOKEN_OF_A_BILLION = 8.0, 0.03, 0.004
#: reading a base that lies on the disk, in MB a second
READ = 400.0
#: a base that was not placed may take this long to load in every cold call
LOAD_AT_MOST = 60.0
REMEMBERED = 20

#: bases that are on the GPU whenever a call begins
placed: set[str] = set()


@dataclass
class Speed:
    """The last calls to one base: seconds besides writing, and seconds a token."""

    starts: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    tokens: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))


_speeds: dict[str, Speed] = defaultdict(Speed)
_lock = threading.Lock()


def note(base: str, usage: Usage, spent: float) -> None:
    """What a finished answer took. The load of a base that is not placed is counted apart, by its size."""
    with _lock:
        speed = _speeds[base]
        writing = usage.seconds - usage.first_token_seconds
        if usage.new_tokens > 1:
            speed.tokens.append(writing / (usage.new_tokens - 1))
        speed.starts.append(max(spent - writing - loading(base), 0.0))


def asked_for(op: str, payload: Payload) -> int:
    """Seconds for one call. A payload that makes no sense gets the least: it is refused inside."""
    base, tokens = _meant(payload)
    if base is None:
        return LEAST
    start, token = costs(base)
    return max(LEAST, math.ceil(MARGIN * (start + tokens * token)))


def tokens_within(base: str, seconds: float) -> int:
    """How long an answer may be that asks for at most `seconds`."""
    start, token = costs(base_named(base))
    if seconds < LEAST:
        return 0
    return min(MAX_NEW_TOKENS, max(0, math.floor((seconds / MARGIN - start) / token)))


def costs(base: Base) -> tuple[float, float]:
    """(seconds before the first token, seconds a token), the worst that was seen."""
    with _lock:
        speed = _speeds[base.name]
        token = max(speed.tokens, default=TOKEN + TOKEN_OF_A_BILLION * base.parameters / 1e9)
        start = max(speed.starts, default=START)
    return start + loading(base.name), token


def loading(base: str) -> float:
    """Seconds for reading a base that was not placed; nothing for one that was."""
    if base in placed:
        return 0.0
    unpacked = 2 if base == EMBEDDED else 1  # it comes in 4-bit and is read in 16-bit
    return 2.0 + unpacked * base_named(base).download_mb / READ


def _meant(payload: Payload) -> tuple[Base | None, int]:
    """The base and the most tokens of a payload, which may be anything."""
    try:
        requests: Any = payload.get("requests") or [payload.get("request") or {}]
        base = base_named(str(requests[0].get("base") or payload.get("base")))
        return base, min(max(int(request.get("max_new_tokens", 0)) for request in requests), MAX_NEW_TOKENS)
    except (AppError, AttributeError, LookupError, TypeError, ValueError):
        return None, 0
