"""llama.cpp inside this process (package xllamacpp): the CPU default. One server per base, adapters chosen per request.

Every request names every loaded adapter with its scale, because an empty list would mean the server's own scales, at
which all adapters are on. The list is fixed when a server starts: another adapter means another server, made beside
the old one, which lives until its last answer ends. Adapters are known by their converted file, whose name holds the
digests of weights and config, so one that was trained again under the same name is another adapter here.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from backends import adapters, grammar
from backends.base import AnswerReceipt, Cancelled, Chunk, Probe, Report, Request, Segment, Usage
from backends.bases import embedded, tokenizer
from backends.bases.tokenizer import Tokens
from backends.catalog import base_named
from backends.engines import PROBE_PROMPT, TOP_K
from backends.engines._adapters import wanted
from backends.engines._choice import Scored, chunks
from backends.engines._llama_server import LlamaServer, check_scales
from backends.errors import AppError, BadInput, Refused
from backends.lora import lora_gguf
from backends.settings import Settings

#: adapters that stay loaded, 9 MB each
MAX_ADAPTERS = 8
#: the first rule of a grammar
START = re.compile(r"^start\s*:", re.MULTILINE)
#: how many of the likeliest tokens a probe compares
PROBE_TOKENS = 200


class LlamaCpp:
    name = "llama_cpp"
    title = "llama.cpp on the CPU"

    def __init__(self, settings: Settings, parallel: int) -> None:
        self.settings = settings
        self.parallel = parallel
        self._lock = threading.Lock()
        self._servers: dict[str, LlamaServer] = {}
        #: converted files of each base, least recently used first
        self._recent: dict[str, list[Path]] = {}
        #: what each base says to the probe when it is loaded without adapters
        self._clean: dict[str, dict[int, float]] = {}

    def ready(self, base: str) -> str | None:
        if self.name not in base_named(base).engines:
            return f"{base_named(base).title} cannot be asked on {self.title}: there is no .gguf file of it here"
        return None

    def prepare(self, base: str, report: Report) -> None:
        if base in self._servers:
            return
        with self._lock:
            if base in self._servers:
                return
            embedded.prepare(self.settings, report)
            report("Starting the engine", 0.9)
            tokenizer.load(self.settings, base_named(base))
            self._recent[base] = self._shipped(base)
            server = self._start(self._recent[base])
            server.warm()
            self._servers[base] = server

    def generate(self, request: Request, cancelled: Cancelled) -> Iterator[Chunk]:
        lark = grammar.check(request.constraint) if request.constraint else None
        prompt = self._prompt(request)
        adapter = wanted(self.settings, request.base, request.adapter) if request.adapter else None
        file = lora_gguf.cached(self.settings, adapter) if adapter else None
        server = self._server_with(request.base, file)
        if request.choices:
            yield from self._choose(request, prompt, server, server.scales(file), adapter, cancelled)
            return
        body = self._body(request, prompt, server.scales(file), self._ended(request.base, lark) if lark else "")
        text, start, first, last = "", time.perf_counter(), 0.0, None
        with closing(server.stream(body, cancelled)) as events:
            for event in events:
                first = first or time.perf_counter() - start
                text += event["content"]
                last = event if event["stop"] else None
                yield Chunk(event["content"])
        if last is None:
            yield Chunk(finish="cancelled")
            return
        if lark and not grammar.allows(lark, text):
            raise Refused("The engine did not keep to the form that was asked for; its answer is not used")
        check_scales(last, server.scales(file))
        usage = _usage(last, len(prompt), first, time.perf_counter() - start)
        finish = "length" if last["stop_type"] == "limit" else "stop"
        yield Chunk("", finish, usage, _receipt(request.base, adapter))

    def _choose(
        self,
        request: Request,
        prompt: list[int],
        server: LlamaServer,
        lora: list[dict[str, Any]],
        adapter: adapters.Adapter | None,
        cancelled: Cancelled,
    ) -> Iterator[Chunk]:
        """The likeliest of the choices; each is scored from the prompt on, so that none depends on another."""
        tokens = tokenizer.load(self.settings, base_named(request.base))
        scores, start = {}, time.perf_counter()
        for choice in request.choices:
            if cancelled():
                yield Chunk(finish="cancelled")
                return
            answer = [*tokens.encode_text(choice), tokens.eos]
            scores[choice] = server.score(prompt, lora, answer, _forced(tokens, answer))
        found = Scored(scores, len(prompt), time.perf_counter() - start)
        yield from chunks(request, found, tokens, _receipt(request.base, adapter))

    def probe(self, base: str, adapter: str) -> Probe:
        """Compares the likeliest tokens only: all that llama.cpp tells of its logits at a bearable price."""
        file = lora_gguf.cached(self.settings, wanted(self.settings, base, adapter))
        prompt = tokenizer.load(self.settings, base_named(base)).encode((Segment(PROBE_PROMPT),))
        server = self._server_with(base, file)
        off, on = (server.likeliest(prompt, server.scales(which), PROBE_TOKENS) for which in (None, file))
        if base not in self._clean:
            embedded.check(self.settings)
            self._clean[base] = self._start([]).likeliest(prompt, [], PROBE_TOKENS)
        compared = {"tokens_compared": float(len(off.keys() & on.keys()))}
        return Probe(_largest(off, on), base_named(base).sha256 or "", compared, _largest(self._clean[base], off))

    def _prompt(self, request: Request) -> list[int]:
        prompt = tokenizer.load(self.settings, base_named(request.base)).encode(request.prompt)
        limit = LlamaServer.CONTEXT - request.max_new_tokens
        if len(prompt) > limit:
            raise BadInput(
                f"The prompt has {len(prompt):,} tokens; with up to {request.max_new_tokens:,} for the answer this "
                f"engine takes at most {limit:,}: shorten it, or ask for a shorter answer"
            )
        return prompt

    def _body(self, request: Request, prompt: list[int], lora: list[dict[str, Any]], form: str) -> dict[str, Any]:
        greedy = request.temperature == 0
        return {
            "prompt": prompt,
            "lora": lora,
            "n_predict": request.max_new_tokens,
            "temperature": request.temperature,
            "top_k": 1 if greedy else TOP_K,
            "top_p": request.top_p,
            "min_p": 0.0,
            "seed": request.seed,
            "stop": list(request.stop),
            # a kept prefix saves 20 ms but changes the shape of batches, and with it the answer to the same question
            "cache_prompt": False,
            "grammar": form,
        }

    def _ended(self, base: str, lark: str) -> str:
        """The form closed by the base's end token: llama.cpp itself would take the end of a chat turn for the end,
        which a base that answers without turns never says, and so could not stop where the form lets it go on."""
        end = tokenizer.load(self.settings, base_named(base)).eos
        return "%llguidance {}\n" + f"start: whole_answer <[{end}]>\n" + START.sub("whole_answer:", lark, count=1)

    def _server_with(self, base: str, file: Path | None) -> LlamaServer:
        """The running server of `base`, or a new one if it lacks the adapter in `file`."""
        with self._lock:
            if file:
                recent = [path for path in self._recent[base] if path != file][1 - MAX_ADAPTERS :] + [file]
                if file not in self._servers[base].files:
                    self._servers[base] = self._start(recent)
                self._recent[base] = recent
            return self._servers[base]

    def _start(self, files: list[Path]) -> LlamaServer:
        return LlamaServer(embedded.gguf_path(self.settings), files, self.parallel, self.settings.threads)

    def _shipped(self, base: str) -> list[Path]:
        """Converted files of the shipped adapters, loaded from the start; a broken one tells so when it is asked."""
        files = []
        for adapter in adapters.adapters(self.settings).values():
            if adapter.origin == "shipped" and adapter.base == base:
                try:
                    adapters.check(self.settings, adapter)
                    files.append(lora_gguf.cached(self.settings, adapter))
                except AppError:
                    continue
        return files[:MAX_ADAPTERS]


def _forced(tokens: Tokens, answer: list[int]) -> str:
    """A grammar of exactly these tokens. One of a single byte stands there as text: llama.cpp fails at its id."""
    pieces = {token: str(tokens.tokenizer.id_to_token(token)) for token in answer}
    steps = (json.dumps(pieces[token]) if len(pieces[token].encode()) == 1 else f"<[{token}]>" for token in answer)
    return "%llguidance {}\nstart: " + " ".join(steps)


def _largest(first: dict[int, float], second: dict[int, float]) -> float:
    """The largest difference over the tokens of either; one that is not told is at most the least likely told."""
    least = min(first.values()), min(second.values())
    return max(abs(first.get(t, least[0]) - second.get(t, least[1])) for t in first.keys() | second.keys())


def _receipt(base: str, adapter: adapters.Adapter | None) -> AnswerReceipt:
    if adapter is None:
        return AnswerReceipt(LlamaCpp.name, base, None, None, 0.0)
    return AnswerReceipt(LlamaCpp.name, base, adapter.name, adapter.sha256, 1.0)


def _usage(event: dict[str, Any], prompt_tokens: int, first: float, seconds: float) -> Usage:
    cached = event["timings"]["cache_n"]
    return Usage(prompt_tokens, event["tokens_predicted"], cached, round(first, 4), round(seconds, 4))


BACKEND = LlamaCpp
