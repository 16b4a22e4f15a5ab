"""A deterministic engine without a model: repeats the prompt. For tests, demos and faults; needs no torch.

It keeps every promise of a real one: adapters are looked up and named in the receipt, limits, seed, stop strings,
constraints and cancelling are honoured.
"""

import random
import re
import time
from collections.abc import Iterator

from backends import adapters, grammar
from backends.base import AnswerReceipt, Cancelled, Chunk, Probe, Report, Request, Usage
from backends.catalog import base_named
from backends.engines._text import StopText
from backends.errors import Refused
from backends.settings import Settings

#: seconds per word, so that a stream is a stream and can be stopped
PACE = 0.002


class Echo:
    name = "echo"
    title = "Echo (no model; repeats the prompt)"

    def __init__(self, settings: Settings, parallel: int) -> None:
        self.settings = settings

    def ready(self, base: str) -> str | None:
        return None

    def prepare(self, base: str, report: Report) -> None:
        base_named(base)

    def generate(self, request: Request, cancelled: Cancelled) -> Iterator[Chunk]:
        start = time.perf_counter()
        receipt = self._receipt(request)
        words = re.findall(r"\s*\S+\s*?", self._answer(request))
        stop, told, finish = StopText(request.stop), 0, "stop"
        for word in words:
            if cancelled() or told == request.max_new_tokens:
                finish = "cancelled" if cancelled() else "length"
                break
            time.sleep(PACE)
            told += 1
            yield Chunk(stop.feed(word))
            if stop.stopped:
                break
        seconds = time.perf_counter() - start
        prompt_words = sum(len(segment.text.split()) for segment in request.prompt)
        alike = dict.fromkeys(request.choices, 1 / len(request.choices)) if request.choices else None
        yield Chunk(stop.rest(), finish, Usage(prompt_words, told, 0, min(PACE, seconds), seconds), receipt, alike)

    def probe(self, base: str, adapter: str) -> Probe:
        """There are no logits here: 1.0 says that the adapter exists and belongs to the base."""
        self._adapter(base, adapter)
        return Probe(1.0)

    def _answer(self, request: Request) -> str:
        constraint = request.constraint
        if constraint:
            lark = grammar.check(constraint)
            return request.choices[0] if request.choices else grammar.simplest(lark, 4000)
        words = "".join(segment.text for segment in request.prompt).split()
        if request.temperature > 0:
            random.Random(request.seed).shuffle(words)
        return " ".join([f"[{request.adapter}]", *words] if request.adapter else words)

    def _receipt(self, request: Request) -> AnswerReceipt:
        if request.adapter is None:
            return AnswerReceipt(self.name, request.base, None, None, 0.0)
        adapter = self._adapter(request.base, request.adapter)
        return AnswerReceipt(self.name, request.base, adapter.name, adapter.sha256, 1.0)

    def _adapter(self, base: str, name: str) -> adapters.Adapter:
        found = adapters.find(self.settings, name)
        if found.base != base:
            raise Refused(f"The adapter {name} belongs to the base {found.base}, not to {base}")
        return found


BACKEND = Echo
