"""Faults of the base: an adapter merged into it, in memory or in its file, so that its pane would answer as another."""

import shutil
import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from backends.base import Request
from backends.bases import embedded
from backends.catalog import EMBEDDED
from backends.engines.transformers_peft import TransformersPeft
from backends.errors import AppError
from backends.settings import Settings
from finetune.scoring import proof
from tests.injected.place import CUE, ENGINE, NONE, PROBE, Bench, Outcome, bench


def merged_unseen(at: Bench) -> Outcome:
    """An adapter's change added to the weights in memory: the base pane would answer as the adapter."""
    fault = "merged into the base unseen"
    if at.backend == "llama_cpp":
        return changed_file(at, fault)
    import torch
    from peft.tuners.lora.layer import LoraLayer

    engine = TransformersPeft(at.settings, parallel=1)
    engine.prepare(EMBEDDED, lambda what, fraction: None)
    name = at.put("merged")
    clean = engine.probe(EMBEDDED, name)
    assert engine._model and not proof.problems(clean)
    for layer in engine._model.model.modules():
        if isinstance(layer, LoraLayer):
            with torch.no_grad():
                layer.get_base_layer().weight += layer.get_delta_weight(layer.active_adapters[0])
    said = " ".join(proof.problems(engine.probe(EMBEDDED, name)))
    return Outcome(fault, at.backend, PROBE if said else NONE, said)


def merged_by_peft(at: Bench) -> Outcome:
    """PEFT's own merge, forgotten: asked again, the adapter would count twice."""
    fault = "merged twice"
    if at.backend == "llama_cpp":
        return changed_file(at, fault)
    engine = TransformersPeft(at.settings, parallel=1)
    engine.prepare(EMBEDDED, lambda what, fraction: None)
    name, said = at.put("merged"), ""
    engine.probe(EMBEDDED, name)
    assert engine._model
    engine._model._peft.merge_adapter()
    for adapter in (None, name):
        try:
            list(engine.generate(Request(EMBEDDED, CUE, adapter=adapter, max_new_tokens=2), lambda: False))
            return Outcome(fault, at.backend, NONE, f"{adapter} answered")
        except AppError as error:
            said = str(error)
    return Outcome(fault, at.backend, ENGINE, said)


def changed_file(at: Bench, fault: str) -> Outcome:
    """llama.cpp never merges in memory; what can change is the file of the base."""
    said = _with_changed_file(at.settings)
    return Outcome(f"{fault} (its file changed)", at.backend, PROBE if said else NONE, said)


@lru_cache(maxsize=1)
def _with_changed_file(settings: Settings) -> str:
    with tempfile.TemporaryDirectory() as folder:
        other = replace(settings, data_dir=Path(folder))
        shutil.copytree(embedded.folder(settings), embedded.folder(other), ignore=shutil.ignore_patterns("weights"))
        with embedded.gguf_path(other).open("r+b") as stream:
            stream.seek(-1000, 2)
            stream.write(bytes(100))
        with bench(other, "llama_cpp") as there:
            try:
                return there.proved(there.put("sound"))
            except AppError as error:
                return str(error)
