"""Proof that an adapter does something and that the base beside it is the base: measured once, kept by digests."""

from dataclasses import asdict

from backends import adapters
from backends.adapters import Adapter
from backends.base import Probe
from backends.bases import hub
from backends.catalog import base_named
from backends.engine_client import Engine
from backends.errors import Refused
from backends.files import read_json, write_json
from backends.lora import lora_config
from backends.settings import Settings

NOTHING = "This adapter changes nothing: its answers are those of the base alone"


def engine_for(adapter: Adapter) -> str:
    """The engine that answers as this adapter: llama.cpp where it can apply it."""
    engines = base_named(adapter.base).engines
    return "llama_cpp" if "llama_cpp" in engines and not lora_config.beyond_lora(adapter.config) else "transformers"


def effect(engine: Engine, settings: Settings, adapter: Adapter, backend: str) -> Probe:
    """What `adapter` does to the logits of its base on `backend`; known at once when it was measured before."""
    base = base_named(adapter.base)
    of_base = base.sha256 or hub.revision(settings, base) or "unpinned"
    name = f"{adapter.sha256[:32]}-{adapter.config_sha256[:16]}-{of_base[:32]}-{backend}.json"
    path = settings.cache_dir / "probes" / name
    if kept := read_json(path):
        return Probe(**kept)
    probe = engine.probe(adapter.base, adapter.name, backend)
    if adapters.find(settings, adapter.name).sha256 != adapter.sha256:
        raise Refused(f"Adapter {adapter.name} was replaced while it was measured; try again")
    if not probe.base_drift:  # a fault of this process, not of these files
        write_json(path, asdict(probe))
    return probe


def problems(probe: Probe) -> list[str]:
    """What a probe says against an adapter or against the base beside it, one sentence each."""
    found = [NOTHING] if probe.effect == 0 else []
    if probe.base_drift:
        found.append(
            f"The base beside its adapters is not the base that was loaded (logits differ by {probe.base_drift:.3g}): "
            "restart the program"
        )
    return found
