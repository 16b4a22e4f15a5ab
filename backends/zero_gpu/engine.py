"""A ZeroGPU as an engine, with the face of engine_client.Engine: it is asked in the visitor's event, on his quota."""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

from backends import zero_gpu
from backends.base import Chunk, Probe, Request
from backends.bases import embedded, hub
from backends.catalog import EMBEDDED, Base, base_named
from backends.engines.transformers_peft import TransformersPeft
from backends.errors import Refused
from backends.guards import redact
from backends.settings import Settings
from backends.zero_gpu import seconds
from backends.zero_gpu.refusals import Call, GpuRefused, in_words


class GpuEngine:
    """Every call schedules a GPU for the seconds that backends/zero_gpu/seconds.py names."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def generate(self, request: Request, backend: str = TransformersPeft.name) -> Iterator[Chunk]:
        """Stream an answer. Closing the iterator ends it at the next token."""
        last = Chunk()
        payload = {"request": request.to_wire(), "backend": backend}
        with closing(self._lines("generate", payload, request.base)) as lines:
            for line in lines:
                if "spent" not in line:
                    last = Chunk.from_wire(line)
                    yield last
                elif last.usage and last.finish != "cancelled":
                    seconds.note(request.base, last.usage, line["spent"])

    def probe(self, base: str, adapter: str, backend: str = TransformersPeft.name) -> Probe:
        """How much `adapter` changes the logits of a fixed prompt."""
        probe, _ = self._lines("probe", {"base": base, "adapter": adapter, "backend": backend}, base)
        return Probe(**probe)

    def offered(self, op: str, payload: dict[str, Any], asked: int) -> Generator[dict[str, Any], None, None]:
        """An operation that a layer above offers (zero_gpu.offer), which asks for `asked` seconds."""
        return self._scheduled(op, payload, Call(asked))

    def _lines(self, op: str, payload: dict[str, Any], base: str) -> Generator[dict[str, Any], None, None]:
        self._check(base_named(base))
        call = Call(seconds.asked_for(op, payload), lambda most: seconds.tokens_within(base, most))
        return self._scheduled(op, payload, call)

    def _scheduled(self, op: str, payload: dict[str, Any], call: Call) -> Generator[dict[str, Any], None, None]:
        import gradio
        import httpx

        try:
            with closing(zero_gpu.gpu_call(op, payload)) as lines:
                yield from lines
        except gradio.Error as error:
            raise in_words(str(error.title), str(error.message), call) from None
        except (httpx.HTTPError, OSError, RuntimeError) as error:  # no connection, or an answer nobody understands
            raise GpuRefused(f"ZeroGPU did not give a GPU: {redact(str(error))[:120]}") from None

    def _check(self, base: Base) -> None:
        """Refuse, before anything is spent, a base that would have to be loaded inside the call for too long."""
        if base.name in seconds.placed:
            return
        here = embedded.has_weights(self.settings) if base.name == EMBEDDED else hub.is_ready(self.settings, base)
        if here and seconds.loading(base.name) <= seconds.LOAD_AT_MOST:
            return
        why = f" ({zero_gpu.why_not_placed(base.name)})" if zero_gpu.why_not_placed(base.name) else ""
        raise Refused(
            f"{base.title} was not put on the GPU when this app started{why}: add {base.name} to ACR_ZEROGPU_BASES in "
            "the settings of this Space and restart it"
        )
