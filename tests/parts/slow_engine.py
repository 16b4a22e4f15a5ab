"""An engine whose answers come when the test says so: a word for every permit, or all at once after `go`."""

import threading
from collections.abc import Iterator

from backends.base import AnswerReceipt, Chunk, Request, Usage
from backends.settings import Settings


class SlowEngine:
    """As much of backends/engine_client.py as the queue needs; it repeats the prompt."""

    def __init__(self, settings: Settings, parallel: int) -> None:
        self.settings = settings
        self.parallel = parallel
        self.life = 1
        self.go = threading.Event()
        self.words = threading.Semaphore(0)
        #: beginnings of the prompts in the order in which they were asked, and of those that were hung up on
        self.order: list[str] = []
        self.hung_up: list[str] = []
        self.fails: Exception | None = None

    def generate(self, request: Request, backend: str = "echo") -> Iterator[Chunk]:
        text = request.prompt[0].text.strip()
        self.order.append(text[:20])
        try:
            for number, word in enumerate(text.split()):
                while not self.go.is_set() and not self.words.acquire(timeout=0.01):
                    pass
                if self.fails:
                    raise self.fails
                yield Chunk(f" {word}" if number else word)
        except GeneratorExit:
            self.hung_up.append(text[:20])
            raise
        receipt = AnswerReceipt(backend, request.base, request.adapter, None, 1.0 if request.adapter else 0.0)
        yield Chunk(finish="stop", usage=Usage(1, len(text.split()), 0, 0.01, 0.1), receipt=receipt)
