"""What the engines did: answers, latency, tokens, errors by kind, per adapter and engine; never a visitor's text.

Kept in memory only: since the start in one set of counters, and by the minute for the last hour. A latency runs from
the moment an answer's turn came to its last piece; waiting for the turn is counted apart, and so is a cold start: the
first answer of an adapter after the engine started, or after eight others.
"""

import math
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backends import adapters
from backends.settings import Settings

MINUTES = 60
#: adapters that an engine keeps loaded for a base
RESIDENT = 8
#: so many adapters on engines get figures of their own, the others share one line
MOST = 200
#: bounds of the first and of each next bucket: a quantile is right to about a tenth
FIRST, RATIO = 0.01, 1.2
ANSWERED, STOPPED = "answered", "stopped"
BASE_ALONE, UNKNOWN, OTHERS = "(the base alone)", "(unknown)", "(others)"


@dataclass(frozen=True, order=True)
class Key:
    """What is counted together."""

    engine: str
    base: str
    adapter: str


@dataclass(frozen=True)
class Ended:
    """How one answer ended; `outcome` is ANSWERED, STOPPED or the kind of its error."""

    engine: str
    base: str
    adapter: str | None
    outcome: str
    waited: float
    seconds: float
    cold: bool = False
    tokens: int = 0
    #: of the engine alone, for tokens a second
    engine_seconds: float = 0.0
    #: how many asked for exactly this while it was made
    askers: int = 1


@dataclass
class Seconds:
    """A distribution of seconds in buckets that grow by RATIO."""

    count: int = 0
    total: float = 0.0
    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        self.count += 1
        self.total += seconds
        self.buckets[max(0, math.ceil(math.log(max(seconds, FIRST) / FIRST, RATIO)))] += 1

    def merge(self, other: "Seconds") -> None:
        self.count += other.count
        self.total += other.total
        self.buckets += other.buckets

    def quantile(self, share: float) -> float | None:
        """The middle of the bucket that holds it; None when nothing was measured."""
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= share * self.count:
                return FIRST * RATIO ** (bucket - 0.5) if bucket else FIRST
        return None


@dataclass
class Figures:
    """The counters of one key over one stretch of time."""

    outcomes: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    engine_seconds: float = 0.0
    #: requests that were answered by the answer to another one
    shared: int = 0
    warm: Seconds = field(default_factory=Seconds)
    cold: Seconds = field(default_factory=Seconds)
    waited: Seconds = field(default_factory=Seconds)

    @property
    def requests(self) -> int:
        return self.outcomes.total() + self.shared

    @property
    def answered(self) -> int:
        return self.outcomes[ANSWERED]

    @property
    def errors(self) -> dict[str, int]:
        return {kind: count for kind, count in sorted(self.outcomes.items()) if kind not in (ANSWERED, STOPPED)}

    @property
    def tokens_per_second(self) -> float | None:
        return self.tokens / self.engine_seconds if self.engine_seconds else None

    def add(self, one: Ended) -> None:
        self.outcomes[one.outcome] += 1
        self.tokens += one.tokens
        self.engine_seconds += one.engine_seconds
        self.shared += one.askers - 1
        self.waited.add(one.waited)
        if one.outcome == ANSWERED:
            (self.cold if one.cold else self.warm).add(one.seconds)

    def merge(self, other: "Figures") -> None:
        self.outcomes += other.outcomes
        self.tokens += other.tokens
        self.engine_seconds += other.engine_seconds
        self.shared += other.shared
        self.warm.merge(other.warm)
        self.cold.merge(other.cold)
        self.waited.merge(other.waited)


Table = dict[Key, Figures]


@dataclass(frozen=True)
class Snapshot:
    """All figures at one moment."""

    seconds: float
    all: Table
    hour: Table
    #: minutes ago -> what ended then
    minutes: dict[int, Figures]
    #: process -> bytes
    memory: dict[str, int]
    #: engine -> answers being made, requests waiting
    queues: dict[str, tuple[int, int]]


class Measured:
    """The counters of this process. `now` must never run backwards."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self._now = now
        self._lock = threading.Lock()
        self.began = now()
        self._all: Table = {}
        self._minutes: dict[int, Table] = {}

    @property
    def seconds(self) -> float:
        """Since when there are figures."""
        return self._now() - self.began

    def record(self, one: Ended) -> None:
        key = Key(one.engine, one.base, self._label(one.adapter))
        with self._lock:
            if key not in self._all and len(self._all) >= MOST:
                key = Key(one.engine, OTHERS, OTHERS)
            minute = int(self._now() // 60)
            for old in [known for known in self._minutes if known <= minute - MINUTES]:
                del self._minutes[old]
            for table in (self._all, self._minutes.setdefault(minute, {})):
                table.setdefault(key, Figures()).add(one)

    def snapshot(self, memory: dict[str, int], queues: dict[str, tuple[int, int]]) -> Snapshot:
        return Snapshot(self.seconds, self.since_start(), self.last_hour(), self.by_minute(), memory, queues)

    def since_start(self) -> Table:
        with self._lock:
            return _merged([self._all])

    def last_hour(self) -> Table:
        return _merged(list(self._recent().values()))

    def by_minute(self) -> dict[int, Figures]:
        """Minutes ago -> what ended then, of all keys together; minutes in which nothing did are left out."""
        return {ago: whole(table) for ago, table in sorted(self._recent().items(), reverse=True)}

    def _recent(self) -> dict[int, Table]:
        with self._lock:
            this = int(self._now() // 60)
            return {this - at: _merged([table]) for at, table in self._minutes.items() if this - at < MINUTES}

    def _label(self, name: str | None) -> str:
        """An adapter's name; on a public Space a visitor's own is told by its digest, for its name is a text of his."""
        if name is None:
            return BASE_ALONE
        found = adapters.adapters(self.settings).get(name)
        if found is None:
            return UNKNOWN
        return f"own {found.sha256[:8]}" if self.settings.public and found.origin != "shipped" else name


class Warm:
    """Which adapters an engine process has loaded by now, as far as its answers tell."""

    def __init__(self) -> None:
        self._life: int | None = None
        self._recent: dict[tuple[str, str], list[str | None]] = {}

    def was_cold(self, life: int | None, engine: str, base: str, adapter: str | None) -> bool:
        """Was this the first answer of an adapter (its digest; None = the base) in this life of the engine?"""
        if life != self._life:
            self._life, self._recent = life, {}
        recent = self._recent.setdefault((engine, base), [])
        cold = adapter not in recent
        self._recent[engine, base] = [known for known in recent if known != adapter][1 - RESIDENT :] + [adapter]
        return cold


def whole(table: Mapping[Key, Figures]) -> Figures:
    """All keys together."""
    every = Figures()
    for figures in table.values():
        every.merge(figures)
    return every


def _merged(tables: list[Table]) -> Table:
    made: Table = {}
    for table in tables:
        for key, figures in table.items():
            made.setdefault(key, Figures()).merge(figures)
    return made


def resident(pid: int) -> int | None:
    """Bytes of memory that a process holds; None when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
