"""One question to several panes at once: who can stand in a pane, and their answers as they come."""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import Any

from backends import adapters, catalog
from backends.base import Chunk, Request
from backends.bases import hub
from backends.engine_client import Engine
from backends.errors import AppError
from backends.settings import Settings
from finetune import ask
from finetune.ask import Answer
from finetune.task import Row, Task

LOCAL = ("llama_cpp", "transformers")
REMOTE = "openai_http"
#: seconds after which the states are told even if nothing came, so that a reader who left is noticed
PULSE = 0.5


@dataclass(frozen=True)
class Pane:
    """Who answers in a pane: an adapter on its base or a base alone, and on which engine."""

    base: str
    engine: str
    adapter: str | None = None

    @property
    def name(self) -> str:
        return f"{self.adapter or self.base} on {self.engine}"

    def request(self, settings: Settings, task: Task, row: Row, **sampling: Any) -> Request:
        return replace(ask.request(settings, task, row, self.adapter, base=self.base), **sampling)


@dataclass
class State:
    """A pane while its answer comes; in the end it has an `answer` or an `error`."""

    chunks: list[Chunk] = field(default_factory=list)
    answer: Answer | None = None
    error: Exception | None = None

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks)

    @property
    def ended(self) -> bool:
        return self.answer is not None or self.error is not None


def offered(settings: Settings, task: Task) -> dict[str, Pane]:
    """Every pane that can be had for a task here, by name: its adapters, the bases that are on this machine, and the
    model of the environment's server.
    """
    made = [adapter for adapter in adapters.adapters(settings).values() if adapter.task == task.name]
    known = [*catalog.bases().values(), *catalog.merged().values()]
    here = [b for b in known if b.source == "pypi" or hub.is_ready(settings, b)]
    who = [(catalog.base_named(a.base), a.name) for a in made] + [(base, None) for base in here]
    panes = [Pane(base.name, engine, name) for engine in LOCAL for base, name in who if engine in base.engines]
    if settings.openai_url and settings.openai_model:
        panes.append(Pane(catalog.REMOTE + settings.openai_model, REMOTE))
    return {pane.name: pane for pane in panes}


def together(
    engine: Engine, settings: Settings, asked: Sequence[tuple[str, Request | AppError]]
) -> Iterator[list[State]]:
    """The states of all panes whenever one changed; `asked` is an engine's name with the request, or why there is none.

    One thread reads each pane. Closing this hangs up on every answer that is still coming.
    """
    states = [State(error=request) if isinstance(request, AppError) else State() for _, request in asked]
    news: SimpleQueue[tuple[int, Chunk | Exception | None]] = SimpleQueue()
    gone = threading.Event()
    for number, (backend, request) in enumerate(asked):
        if isinstance(request, Request):
            chunks = ask.send(engine, settings, request, backend)
            reader = threading.Thread(
                target=_read, args=(number, chunks, news.put, gone), name=f"pane {number}", daemon=True
            )
            reader.start()
    try:
        while not all(state.ended for state in states):
            for number, told in _arrived(news):
                _take(states[number], told)
            yield states
    finally:
        gone.set()


def _read(number: int, chunks: Generator[Chunk, None, None], put: Callable[[Any], None], gone: threading.Event) -> None:
    try:
        with closing(chunks):
            for chunk in chunks:
                if gone.is_set():
                    return
                put((number, chunk))
        put((number, None))
    except Exception as error:  # of this pane alone: the others go on
        put((number, error))


def _arrived(news: SimpleQueue) -> Iterator[tuple[int, Chunk | Exception | None]]:
    """All that came since the last look; waits a moment for the first."""
    try:
        yield news.get(timeout=PULSE)
        while True:
            yield news.get_nowait()
    except Empty:
        return


def _take(state: State, told: Chunk | Exception | None) -> None:
    if isinstance(told, Chunk):
        state.chunks.append(told)
    elif told is not None:
        state.error = told
    else:
        try:
            state.answer = ask.collect(state.chunks)
        except AppError as error:
            state.error = error
