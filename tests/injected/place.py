"""Where a fault is put in: a data folder with the embedded base, an engine process there, and what came of it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from backends import adapters
from backends.base import Request, Segment
from backends.bases.base_shapes import linear_shapes
from backends.bases.gguf_meta import Shapes
from backends.catalog import EMBEDDED, base_named
from backends.engine_client import Engine
from backends.errors import AppError
from backends.settings import Settings
from finetune import ask
from finetune.scoring import proof
from tests.parts.loras import write_lora

CUE = (Segment("The capital of France is"),)
ENGINES = ("llama_cpp", "transformers")
FILES, PROBE, RECEIPT, ENGINE, NONE = "the adapter's files", "the probe", "the receipt", "the engine", "nothing"


@dataclass(frozen=True)
class Outcome:
    """What became of one fault on one engine: the check that caught it and its sentence."""

    fault: str
    engine: str
    check: str
    sentence: str


@dataclass
class Bench:
    """A data folder with the embedded base, and an engine process that answers there."""

    settings: Settings
    backend: str
    engine: Engine

    @property
    def shapes(self) -> Shapes:
        return linear_shapes(self.settings, base_named(EMBEDDED)) or {}

    def put(self, name: str, **options: Any) -> str:
        """A folder straight into the list of adapters, past the checks of `adapters.add`, as a foreign tool might."""
        folder = self.settings.adapters_dir / name
        shutil.rmtree(folder, ignore_errors=True)
        write_lora(folder, options.pop("shapes", self.shapes), **options)
        return name

    def ask(self, adapter: str | None) -> str:
        """The text of an answer, with the receipt checked as for every answer on the page."""
        asked = Request(EMBEDDED, CUE, adapter=adapter, max_new_tokens=8)
        sha256 = adapters.find(self.settings, adapter).sha256 if adapter else None
        text = ""
        for chunk in self.engine.generate(asked, self.backend):
            text += chunk.text
            if chunk.receipt:
                ask.check_receipt(chunk.receipt, asked, sha256, self.backend)
        return text

    def proved(self, adapter: str) -> str:
        """The first thing that the probe says against the adapter or the base; empty = nothing."""
        found = adapters.find(self.settings, adapter)
        return " ".join(proof.problems(proof.effect(self.engine, self.settings, found, self.backend)))

    def refused(self, adapter: str | None) -> str:
        """What an answer is refused with; empty when text came."""
        try:
            self.ask(adapter)
        except AppError as error:
            return str(error)
        return ""


@contextmanager
def bench(settings: Settings, backend: str) -> Iterator[Bench]:
    with Engine.start(settings, (backend,), parallel=1) as engine:
        engine.prepare(EMBEDDED, backend)
        yield Bench(settings, backend, engine)
