"""transformers + PEFT: the engine for CUDA and ZeroGPU, and the exact reference on a CPU.

One base in memory beside those that were placed for good. When memory runs out, the base is loaded again in the next
smaller form, and the receipts say so.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from backends import adapters
from backends.base import AnswerReceipt, Cancelled, Chunk, Probe, Report, Request, Segment
from backends.bases import embedded, hub, tokenizer
from backends.bases.tokenizer import Tokens
from backends.catalog import Base, base_named
from backends.engines import PROBE_PROMPT, _load_plan
from backends.engines._adapters import wanted
from backends.engines._decoding import check_length, choose, decode, ends
from backends.engines._one_answer import Growing
from backends.engines._peft_model import PeftBase
from backends.engines._together import check_together, decode_together, grow
from backends.errors import Unavailable
from backends.grammar import Mask, check
from backends.settings import Settings

#: a request as it is meant here: the base's tokenizer, the prompt's ids, who answers
Read = tuple[Tokens, list[int], adapters.Adapter | None]


class TransformersPeft:
    name = "transformers"
    title = "transformers + PEFT"

    def __init__(self, settings: Settings, parallel: int) -> None:
        self.settings = settings
        self._turn = threading.Lock()
        self._base: str | None = None
        self._model: PeftBase | None = None
        self._placed: dict[str, PeftBase] = {}
        #: how many forms of a base have proved too large here
        self._too_large: dict[str, int] = {}

    def ready(self, base: str) -> str | None:
        if self.name not in base_named(base).engines:
            return f"{base_named(base).title} cannot be asked on {self.title}"
        return None

    def prepare(self, base: str, report: Report) -> None:
        if base in self._placed or self._base == base:
            return
        with self._turn:
            self._held(base, report)

    def place(self, base: str, report: Report) -> None:
        """Load `base` to stay: it is never put out for another one."""
        with self._turn:
            if base not in self._placed:
                self._placed[base] = self._loaded(base, report)

    def generate(self, request: Request, cancelled: Cancelled) -> Iterator[Chunk]:
        _, prompt, adapter = self._read(request)

        def answer(model: PeftBase) -> Iterator[Chunk]:
            check_length(prompt, request, model.context)
            with model.using(adapter) as scale:
                yield from self._answer(
                    model, prompt, request, self._receipt(request, adapter, scale, model), cancelled
                )

        with self._taking_turn(cancelled) as mine:
            if not mine:
                yield Chunk(finish="cancelled")
                return
            yield from self._within_memory(request.base, answer)

    def generate_together(self, requests: Sequence[Request], cancelled: Cancelled) -> Iterator[tuple[int, Chunk]]:
        """Answers of several adapters and the base in one batch: chunks, each with the number of its request."""
        check_together(requests)
        read = [self._read(request) for request in requests]
        with self._taking_turn(cancelled) as mine:
            if not mine:
                yield from ((row, Chunk(finish="cancelled")) for row in range(len(requests)))
                return
            try:
                yield from self._batch(self._held(requests[0].base, hub.silent), requests, read, cancelled)
            except (MemoryError, RuntimeError) as error:
                if not _load_plan.out_of_memory(error):
                    raise
                raise Unavailable(
                    f"There is not enough memory for {len(requests)} answers at once: ask fewer together"
                ) from None

    def _batch(
        self, model: PeftBase, requests: Sequence[Request], read: Sequence[Read], cancelled: Cancelled
    ) -> Iterator[tuple[int, Chunk]]:
        for request, (_, prompt, _) in zip(requests, read, strict=True):
            check_length(prompt, request, model.context)
        tokens, prompts = read[0][0], [prompt for _, prompt, _ in read]
        last = ends(model, tokens)
        with model.mixing([adapter for _, _, adapter in read]) as (forward, scales):
            rows = [Growing(tokens, last, len(prompts[row]), request) for row, request in enumerate(requests)]
            masks = [self._mask(model, request, last) for request in requests]
            over = [lambda row=row: bool(row.finish) for row in rows]
            steps = decode_together(forward, model.model.device, prompts, requests, masks, over)
            for row, chunk in grow(steps, rows, cancelled):
                receipt = self._receipt(requests[row], read[row][2], scales[row], model)
                yield row, chunk or rows[row].last(receipt)

    def probe(self, base: str, adapter: str) -> Probe:
        """The exact largest difference between the logits of the last position of a fixed prompt."""
        import torch

        found = wanted(self.settings, base, adapter)
        prompt = tokenizer.load(self.settings, base_named(base)).encode((Segment(PROBE_PROMPT),))
        with self._taking_turn(lambda: False):
            model = self._held(base, hub.silent)
            ids = torch.tensor([prompt], device=model.model.device)
            logits = []
            for which in (None, found):
                # loading comes first: tensors made in inference mode could never be switched on outside of it
                with model.using(which), torch.inference_mode():
                    logits.append(model.model(input_ids=ids, use_cache=False, logits_to_keep=1).logits.float())
            drift = model.drift()
        if base_named(base).source == "pypi":
            embedded.check(self.settings)
        effect = float((logits[0] - logits[1]).abs().max())
        return Probe(effect, base_named(base).sha256 or "", {"tokens_compared": float(logits[0].numel())}, drift)

    def _read(self, request: Request) -> Read:
        """What a request means here, checked before it waits for its turn."""
        if request.constraint:
            check(request.constraint)
        tokens = tokenizer.load(self.settings, base_named(request.base))
        adapter = wanted(self.settings, request.base, request.adapter) if request.adapter else None
        return tokens, tokens.encode(request.prompt), adapter

    @contextmanager
    def _taking_turn(self, cancelled: Cancelled) -> Iterator[bool]:
        """True when it is our turn; False if the asker left while waiting."""
        while not self._turn.acquire(timeout=0.1):
            if cancelled():
                yield False
                return
        try:
            yield True
        finally:
            self._turn.release()

    def _held(self, name: str, report: Report) -> PeftBase:
        """The base `name` in memory: placed, there already, or loaded in place of the one that is there."""
        if name in self._placed:
            return self._placed[name]
        if self._base != name or self._model is None:
            self._base, self._model = None, None  # two bases at once may not fit
            self._model = self._loaded(name, report)
            self._base = name
        return self._model

    def _loaded(self, name: str, report: Report) -> PeftBase:
        base = base_named(name)
        folder = _weights(self.settings, base, report)
        report(f"Loading {base.title}", 0.9)
        _load_plan.give_back()
        placed = sum(model.model.get_memory_footprint() for model in self._placed.values())
        plans = _load_plan.plans(base, _load_plan.here(self.settings, placed), self.settings.quantization)
        for plan in plans[self._too_large.get(name, 0) :]:
            try:
                return PeftBase(folder, plan)
            except (MemoryError, RuntimeError, OSError) as error:
                if not _load_plan.out_of_memory(error):
                    raise Unavailable(f"{base.title} could not be loaded: {str(error)[:200]}") from None
            _load_plan.give_back()
            self._too_large[name] = self._too_large.get(name, 0) + 1
        self._too_large.pop(name, None)
        raise Unavailable(f"{base.title} does not fit into memory here, not even as small as it goes")

    def _within_memory(self, base: str, answer: Callable[[PeftBase], Iterator[Chunk]]) -> Iterator[Chunk]:
        """`answer`, and again with the base in a smaller form where memory ran out before anything was said."""
        said = False
        while True:
            try:
                for chunk in answer(self._held(base, hub.silent)):
                    said = said or bool(chunk.text)
                    yield chunk
                return
            except (MemoryError, RuntimeError) as error:
                if not _load_plan.out_of_memory(error):
                    raise
            self._put_out(base)
            if said:
                raise Unavailable(
                    "Memory ran out in the middle of the answer. It is loaded in a smaller form now: ask again, or "
                    "ask for a shorter answer"
                )

    def _put_out(self, base: str) -> None:
        """Forget the base in its present form; the next load takes a smaller one."""
        self._placed.pop(base, None)
        self._base, self._model = None, None
        self._too_large[base] = self._too_large.get(base, 0) + 1

    def _answer(
        self, model: PeftBase, prompt: list[int], request: Request, receipt: AnswerReceipt, cancelled: Cancelled
    ) -> Iterator[Chunk]:
        tokens = tokenizer.load(self.settings, base_named(request.base))
        if request.choices:
            yield from choose(model, tokens, prompt, request, receipt)
            return
        last = ends(model, tokens)
        growing = Growing(tokens, last, len(prompt), request)
        for token in decode(model, prompt, request, self._mask(model, request, last)):
            if chunk := growing.feed(token, cancelled):
                yield chunk
            if growing.finish:
                break
        yield growing.last(receipt)

    def _mask(self, model: PeftBase, request: Request, last: Sequence[int]) -> Mask | None:
        if not request.constraint:
            return None
        path = self.settings.bases_dir / request.base / "tokenizer.json"
        return Mask(request.constraint, path, model.vocab_size, last)

    def _receipt(
        self, request: Request, adapter: adapters.Adapter | None, scale: float, model: PeftBase
    ) -> AnswerReceipt:
        name, sha256 = (adapter.name, adapter.sha256) if adapter else (None, None)
        return AnswerReceipt(self.name, request.base, name, sha256, scale, model.plan.note)


def _weights(settings: Settings, base: Base, report: Report) -> Path:
    if base.source == "hub":
        return hub.base_dir(settings, base, report)
    embedded.prepare_weights(settings, report)
    return embedded.weights_dir(settings)


BACKEND = TransformersPeft
