"""The queue before the engine: turns, places, sharing, bounds, crashes. The echo engine in its own process."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from backends import queueing
from backends.base import Chunk, Request, Segment
from backends.catalog import EMBEDDED
from backends.errors import Unavailable
from backends.measured import ANSWERED, STOPPED, Measured, whole
from backends.queueing import EngineQueue, QueueFull
from backends.settings import Settings
from tests.parts.slow_engine import SlowEngine

LONG = "one two three four five six seven eight nine ten " * 100


def asked(text: str, **options: object) -> Request:
    return Request(EMBEDDED, (Segment(text),), **options)  # type: ignore[arg-type]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 10 seconds"
        time.sleep(0.01)


def text_of(chunks: Iterator[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


@pytest.fixture
def measured(settings: Settings) -> Measured:
    return Measured(settings)


@pytest.fixture
def slow(settings: Settings, measured: Measured) -> SlowEngine:
    return SlowEngine(settings, parallel=2)


@pytest.fixture
def queue(slow: SlowEngine, measured: Measured) -> EngineQueue:
    return EngineQueue(lambda: slow, measured)  # type: ignore[arg-type,return-value]


def test_whoever_finds_a_free_engine_hears_nothing_of_a_queue(queue: EngineQueue, slow: SlowEngine) -> None:
    slow.go.set()
    told = list(queue.generate("ann", asked("good day"), "echo"))
    assert text_of(iter(told)) == "good day"
    assert not any(chunk.waiting for chunk in told)
    assert told[-1].receipt and queue.lengths() == {}


def test_those_who_wait_are_told_their_place_and_then_answered(queue: EngineQueue, slow: SlowEngine) -> None:
    running = [queue.generate(who, asked(f"for {who}"), "echo") for who in ("ann", "bob")]
    waiting = [queue.generate(who, asked(f"for {who}"), "echo") for who in ("cid", "dan", "eve")]
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(text_of, chunks) for chunks in running]
        until(lambda: queue.lengths() == {"echo": (2, 0)})
        places = [next(chunks).waiting for chunks in waiting]
        assert [(place.place, place.of) for place in places if place] == [(1, 1), (2, 2), (3, 3)]
        assert [place.seconds for place in places if place] == [None] * 3, "nothing was measured yet"
        slow.go.set()
        assert [end.result() for end in ends] == ["for ann", "for bob"]
        assert [text_of(chunks) for chunks in waiting] == ["for cid", "for dan", "for eve"]


def test_the_wait_is_guessed_from_the_answers_before(queue: EngineQueue, slow: SlowEngine) -> None:
    slow.go.set()
    list(queue.generate("ann", asked("warm up"), "echo"))
    slow.go.clear()
    blocked = [queue.generate(who, asked(f"for {who}"), "echo") for who in ("ann", "bob", "cid")]
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(text_of, chunks) for chunks in blocked[:2]]
        until(lambda: queue.lengths() == {"echo": (2, 0)})
        place = next(blocked[2]).waiting
        assert place and place.seconds is not None and place.seconds >= 0
        slow.go.set()
        assert [end.result() for end in ends] == ["for ann", "for bob"]
    assert text_of(blocked[2]) == "for cid"


def test_a_visitor_with_many_questions_does_not_make_others_wait_for_all_of_them(
    queue: EngineQueue, slow: SlowEngine
) -> None:
    with ThreadPoolExecutor(12) as pool:
        first = [pool.submit(text_of, queue.generate("greedy", asked(f"g{n}"), "echo")) for n in range(2)]
        until(lambda: queue.lengths() == {"echo": (2, 0)})
        more = [pool.submit(text_of, queue.generate("greedy", asked(f"g{n}"), "echo")) for n in range(2, 6)]
        until(lambda: queue.lengths() == {"echo": (2, 4)})
        modest = queue.generate("modest", asked("m"), "echo")
        place = next(modest).waiting
        assert place and (place.place, place.of) == (1, 5), "the newest, but the next"
        slow.words.release(1)  # the first of the running ones ends
        until(lambda: any(f.visitor == "modest" and f.turn for f in queue._flights.values()))
        slow.go.set()
        assert text_of(modest) == "m"
        assert [end.result() for end in (*first, *more)] == [f"g{n}" for n in range(6)]


def test_stopping_gives_the_turn_to_the_next_at_once(queue: EngineQueue, slow: SlowEngine, measured: Measured) -> None:
    slow.words.release(2)  # one word for each of the two that run
    running = [queue.generate(who, asked(f"{who} {LONG}"), "echo") for who in ("ann", "bob")]
    assert all(next(chunks).text for chunks in running)
    third = queue.generate("cid", asked("third"), "echo")
    assert next(third).waiting
    running[0].close()  # type: ignore[attr-defined]
    assert slow.hung_up == [f"ann {LONG}"[:20]]
    slow.go.set()
    assert text_of(third) == "third"
    running[1].close()  # type: ignore[attr-defined]
    assert whole(measured.since_start()).outcomes == {STOPPED: 2, ANSWERED: 1}
    assert queue.lengths() == {}


def test_who_leaves_the_queue_takes_nobody_with_him(queue: EngineQueue, slow: SlowEngine) -> None:
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(text_of, queue.generate(who, asked(who), "echo")) for who in ("ann", "bob")]
        until(lambda: queue.lengths() == {"echo": (2, 0)})
        cid, dan = (queue.generate(who, asked(who), "echo") for who in ("cid", "dan"))
        assert next(cid).waiting and next(dan).waiting
        cid.close()  # type: ignore[attr-defined]
        place = next(dan).waiting
        assert place and (place.place, place.of) == (1, 1)
        slow.go.set()
        assert text_of(dan) == "dan"
        assert [end.result() for end in ends] == ["ann", "bob"]
    assert "cid" not in slow.order


def test_identical_requests_in_flight_are_answered_once(
    queue: EngineQueue, slow: SlowEngine, measured: Measured
) -> None:
    with ThreadPoolExecutor(4) as pool:
        ends = [pool.submit(text_of, queue.generate(f"v{n}", asked("the same"), "echo")) for n in range(4)]
        until(lambda: len(queue._flights) == 1 and next(iter(queue._flights.values())).askers == 4)
        slow.go.set()
        assert [end.result() for end in ends] == ["the same"] * 4
    assert slow.order == ["the same"]
    figures = whole(measured.since_start())
    assert (figures.requests, figures.answered, figures.shared) == (4, 1, 3)
    list(queue.generate("later", asked("the same"), "echo"))
    assert slow.order == ["the same"] * 2, "an answer that has ended is not kept"


def test_what_differs_in_seed_or_engine_is_not_shared(queue: EngineQueue, slow: SlowEngine) -> None:
    slow.go.set()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda seed: list(queue.generate("ann", asked("same", seed=seed), "echo")), range(3)))
    assert slow.order == ["same"] * 3


def test_the_first_asker_may_leave_a_shared_answer(queue: EngineQueue, slow: SlowEngine) -> None:
    slow.words.release(1)
    first = queue.generate("ann", asked("a b c"), "echo")
    second = queue.generate("bob", asked("a b c"), "echo")
    assert (next(first).text, next(second).text) == ("a", "a")
    first.close()  # type: ignore[attr-defined]
    assert slow.hung_up == []
    slow.go.set()
    assert text_of(second) == " b c"


def test_beyond_its_bounds_the_queue_refuses_in_words(
    queue: EngineQueue, slow: SlowEngine, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "MAX_WAITING", 3)
    monkeypatch.setattr(queueing, "MAX_OF_ONE", 2)
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(text_of, queue.generate(who, asked(who), "echo")) for who in ("ann", "bob")]
        until(lambda: queue.lengths() == {"echo": (2, 0)})
        held = [queue.generate("cid", asked(f"c{n}"), "echo") for n in range(2)]
        assert all(next(chunks).waiting for chunks in held)
        with pytest.raises(QueueFull, match="2 of your questions are waiting"):
            next(queue.generate("cid", asked("c2"), "echo"))
        held.append(queue.generate("dan", asked("d"), "echo"))
        assert next(held[2]).waiting
        with pytest.raises(QueueFull, match="3 questions are waiting already"):
            next(queue.generate("eve", asked("e"), "echo"))
        slow.go.set()
        assert [end.result() for end in ends] == ["ann", "bob"]
        assert [text_of(chunks) for chunks in held] == ["c0", "c1", "d"]
    assert whole(measured.since_start()).errors == {"queue_full": 2}


def test_an_error_reaches_everyone_who_shares_the_answer_and_frees_the_turn(
    queue: EngineQueue, slow: SlowEngine, measured: Measured
) -> None:
    slow.fails = Unavailable("no luck")
    slow.go.set()
    for _ in range(3):
        with pytest.raises(Unavailable, match="no luck"):
            list(queue.generate("ann", asked("a"), "echo"))
    assert queue.lengths() == {} and whole(measured.since_start()).errors == {"unavailable": 3}


def test_a_cold_start_is_the_first_answer_of_an_adapter_in_a_life_of_the_engine(
    queue: EngineQueue, slow: SlowEngine, measured: Measured
) -> None:
    slow.go.set()
    for _ in range(3):
        list(queue.generate("ann", asked("a"), "echo"))
    figures = whole(measured.since_start())
    assert (figures.cold.count, figures.warm.count) == (1, 2)
    slow.life += 1
    list(queue.generate("ann", asked("a"), "echo"))
    assert whole(measured.since_start()).cold.count == 2
