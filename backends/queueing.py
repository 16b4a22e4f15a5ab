"""The queue before the engine: a few answers at a time, turns fair between visitors, bounded, each told its place.

A request that is exactly one in flight joins it: made once, read by all. Whoever reads first fetches the next piece
for everyone, and when the last reader leaves, the engine is hung up on. The visitor with the fewest answers is next.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field

from backends.base import Chunk, Probe, Request, Waiting
from backends.engine_client import Engine
from backends.errors import AppError, Unavailable
from backends.files import dump_json
from backends.measured import ANSWERED, STOPPED, Ended, Measured, Warm

#: requests that may wait for one engine, of all visitors and of one of them
MAX_WAITING, MAX_OF_ONE = 32, 8
#: seconds until a place is told again: so a visitor who left is noticed
PULSE = 0.5
SLOTS = {"transformers": 1}  # answers at a time, where it is not the engine's `parallel`

Chunks = Generator[Chunk, None, None]


class QueueFull(Unavailable):
    """Too many are waiting already."""

    kind = "queue_full"


@dataclass(eq=False)
class _Flight:
    """One answer, for everyone who asked for exactly it."""

    key: tuple[str, str]
    visitor: str
    request: Request
    backend: str
    engine: Engine
    source: Chunks
    #: told when there is a new piece, or when somebody else may fetch it
    grown: threading.Condition
    asked: float
    #: when its turn came
    turn: float | None = None
    readers: int = 0
    askers: int = 0
    chunks: list[Chunk] = field(default_factory=list)
    #: somebody is fetching the next piece
    fetching: bool = False
    ended: bool = False
    error: Exception | None = None


class EngineQueue:
    """All visitors' requests to one engine process."""

    def __init__(self, engine: Callable[[], Engine], measured: Measured) -> None:
        self.engine = engine
        self.measured = measured
        self._lock = threading.Lock()
        self._turns = threading.Condition(self._lock)
        self._flights: dict[tuple[str, str], _Flight] = {}  # in the order in which they were asked
        self._pace: dict[str, float] = {}  # seconds of an answer lately, by engine
        self._parallel = 1
        self._warm = Warm()

    def generate(self, visitor: str, request: Request, backend: str) -> Chunks:
        """Chunks that tell the place while it waits, then those of the answer. Closing this gives the turn back."""
        flight = self._join(visitor, request, backend)
        try:
            patience, told = 0.05, 0
            while waiting := self._waiting(flight, patience):
                patience = PULSE
                yield Chunk(waiting=waiting)
            while self._reaches(flight, told):
                yield flight.chunks[told]
                told += 1
        finally:
            self._leave(flight)

    def lengths(self) -> dict[str, tuple[int, int]]:
        """Engine -> how many answers it is making, and how many requests wait for it."""
        with self._lock:
            running = Counter(flight.backend for flight in self._flights.values() if flight.turn is not None)
            waiting = Counter(flight.backend for flight in self._flights.values() if flight.turn is None)
        return {backend: (running[backend], waiting[backend]) for backend in sorted({*running, *waiting})}

    def _join(self, visitor: str, request: Request, backend: str) -> _Flight:
        engine = self.engine()
        key = (backend, dump_json(request.to_wire(), sort_keys=True))
        try:
            with self._lock:
                self._parallel = engine.parallel
                flight = self._flights.get(key)
                if flight is None:
                    self._check_room(visitor, backend)
                    source, grown = _source(engine, request, backend), threading.Condition(self._lock)
                    flight = _Flight(key, visitor, request, backend, engine, source, grown, time.monotonic())
                    self._flights[key] = flight
                    self._give_turns()
                flight.readers += 1
                flight.askers += 1
                return flight
        except QueueFull as full:
            self.measured.record(Ended(backend, request.base, request.adapter, full.kind, 0.0, 0.0))
            raise

    def _check_room(self, visitor: str, backend: str) -> None:
        waiting = self._order(backend)
        of_one = sum(other.visitor == visitor for other in waiting)
        if of_one >= MAX_OF_ONE:
            raise QueueFull(f"{of_one} of your questions are waiting already: let them be answered, or stop them")
        if len(waiting) >= MAX_WAITING:
            raise QueueFull(f"{len(waiting)} questions are waiting already: try again in a minute")

    def _give_turns(self) -> None:
        """Under the lock, whenever somebody came or went."""
        for backend in {flight.backend for flight in self._flights.values()}:
            running = sum(f.backend == backend and f.turn is not None for f in self._flights.values())
            for flight in self._order(backend)[: max(0, self._slots(backend) - running)]:
                flight.turn = time.monotonic()
        self._turns.notify_all()

    def _slots(self, backend: str) -> int:
        return SLOTS.get(backend, self._parallel)

    def _order(self, backend: str) -> list[_Flight]:
        """Those that wait, the next one first: every visitor's first before anyone's second."""
        before = Counter(f.visitor for f in self._flights.values() if f.backend == backend and f.turn is not None)
        ranked: list[tuple[int, int, _Flight]] = []
        for flight in self._flights.values():
            if flight.backend == backend and flight.turn is None:
                ranked.append((before[flight.visitor], len(ranked), flight))
                before[flight.visitor] += 1
        return [flight for *_, flight in sorted(ranked, key=lambda entry: entry[:2])]

    def _waiting(self, flight: _Flight, patience: float) -> Waiting | None:
        """The place of a flight, if its turn does not come within `patience` seconds."""
        with self._turns:
            if self._turns.wait_for(lambda: flight.turn is not None, patience):
                return None
            order = self._order(flight.backend)
            place, pace = order.index(flight) + 1, self._pace.get(flight.backend)
            rounds = -(-place // self._slots(flight.backend))
            return Waiting(place, len(order), pace * rounds if pace is not None else None)

    def _reaches(self, flight: _Flight, number: int) -> bool:
        """Is there a piece with this number? Waits for it, or fetches it if nobody does."""
        while True:
            with flight.grown:
                flight.grown.wait_for(lambda: len(flight.chunks) > number or flight.ended or not flight.fetching)
                if len(flight.chunks) > number:
                    return True
                if flight.error:
                    raise flight.error
                if flight.ended:
                    return False
                flight.fetching = True
            self._fetch(flight)

    def _fetch(self, flight: _Flight) -> None:
        chunk, ended = None, None
        try:
            chunk = next(flight.source, None)
        except Exception as failed:
            flight.error = failed
        with self._lock:
            flight.fetching = False
            if chunk is not None:
                flight.chunks.append(chunk)
            else:
                ended = self._end(flight)
            flight.grown.notify_all()
        if ended:
            self.measured.record(ended)

    def _leave(self, flight: _Flight) -> None:
        with self._lock:
            flight.readers -= 1
            if flight.readers or flight.ended:
                return
            del self._flights[flight.key]  # from here on nobody joins it
        with suppress(Exception):  # of an answer that nobody wants any more
            flight.source.close()
        with self._lock:
            ended = self._end(flight)
        self.measured.record(ended)

    def _end(self, flight: _Flight) -> Ended:
        """Under the lock: its turn is the next one's."""
        flight.ended = True
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
        self._give_turns()
        ended = self._told(flight)
        if ended.outcome == ANSWERED:
            known = self._pace.get(flight.backend, ended.seconds)
            self._pace[flight.backend] = 0.8 * known + 0.2 * ended.seconds
        return ended

    def _told(self, flight: _Flight) -> Ended:
        """What is counted of it."""
        now, last, asked = time.monotonic(), (flight.chunks or [Chunk()])[-1], flight.request
        turn = now if flight.turn is None else flight.turn
        outcome, cold, usage = _outcome(flight.error, last), False, last.usage
        if outcome == ANSWERED and last.receipt:
            cold = self._warm.was_cold(flight.engine.life, flight.backend, asked.base, last.receipt.sha256)
        return Ended(
            flight.backend,
            asked.base,
            asked.adapter,
            outcome,
            waited=turn - flight.asked,
            seconds=now - turn,
            cold=cold,
            tokens=usage.new_tokens if usage else 0,
            engine_seconds=usage.seconds if usage else 0.0,
            askers=flight.askers,
        )


class VisitorEngine:
    """The engine as one visitor has it: his answers wait for their turn, anything else does not."""

    def __init__(self, queue: EngineQueue, visitor: str) -> None:
        self._queue, self._visitor = queue, visitor

    def generate(self, request: Request, backend: str = "llama_cpp") -> Chunks:
        return self._queue.generate(self._visitor, request, backend)

    def probe(self, base: str, adapter: str, backend: str = "llama_cpp") -> Probe:
        return self._queue.engine().probe(base, adapter, backend)


def _source(engine: Engine, request: Request, backend: str) -> Chunks:
    """The engine's answer; nothing is asked before the first piece is wanted."""
    yield from engine.generate(request, backend)


def _outcome(error: Exception | None, last: Chunk) -> str:
    if error:
        return error.kind if isinstance(error, AppError) else AppError.kind
    if last.finish in (None, "cancelled"):
        return STOPPED
    return "cut" if last.finish == "cut" else ANSWERED
