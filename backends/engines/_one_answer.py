"""One answer of the transformers engine while it grows: tokens in, chunks of text out, the receipt with the last."""

import time
from collections.abc import Sequence

from backends.base import AnswerReceipt, Cancelled, Chunk, Request, Usage
from backends.bases.tokenizer import Tokens
from backends.engines._text import Decoder, StopText


class Growing:
    """`feed` it every token; it has ended when `finish` says how."""

    def __init__(self, tokens: Tokens, ends: Sequence[int], prompt: int, request: Request) -> None:
        self.ends, self.prompt, self.limit = ends, prompt, request.max_new_tokens
        self.text, self.stop = Decoder(tokens), StopText(request.stop)
        self.start, self.first, self.count = time.perf_counter(), 0.0, 0
        self.finish: str | None = None

    def feed(self, token: int, cancelled: Cancelled) -> Chunk | None:
        """The text that `token` adds; None when the answer ended with it."""
        self.first = self.first or time.perf_counter() - self.start
        self.count += 1
        if cancelled() or token in self.ends:
            self.finish = "stop" if token in self.ends else "cancelled"
            return None
        chunk = Chunk(self.stop.feed(self.text.feed(token)))
        if self.stop.stopped:
            self.finish = "stop"
        elif self.count == self.limit:
            self.finish = "length"
        return chunk

    def last(self, receipt: AnswerReceipt) -> Chunk:
        rest = "" if self.stop.stopped else self.stop.feed(self.text.rest()) + self.stop.rest()
        seconds = time.perf_counter() - self.start
        usage = Usage(self.prompt, self.count, 0, round(self.first, 4), round(seconds, 4))
        return Chunk(rest, self.finish or "length", usage, receipt)
