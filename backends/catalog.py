"""The catalog: every base and adapter that is known by name, one small JSON file each. Data, never code.

A folder of one's own may add to it (ACR_CATALOG); it cannot replace what ships.
"""

import json
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from backends.errors import BadInput, NotFound
from backends.settings import settings

FOLDER = Path(__file__).parent / "catalog"
EMBEDDED = "gemma-3-270m"
#: before the name of a model that the OpenAI-compatible server of the environment serves
REMOTE = "openai_http:"
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}")


@dataclass(frozen=True)
class Base:
    """A base model: where it comes from, under which terms, what it needs and which engines can run it."""

    name: str
    title: str
    source: Literal["pypi", "hub", "remote"]
    hub_id: str
    licence: str
    licence_url: str
    gated: bool
    parameters: int
    download_mb: int
    #: family name of the architecture: gemma3_text, gemma3, llama, llama4, qwen3, phi
    architecture: str
    engines: tuple[str, ...]
    format: str = "plain"
    #: digest of the file that is the base (the embedded .gguf); Hub bases are pinned by revision instead
    sha256: str | None = None
    revision: str | None = None
    notice: str = ""
    notes: str = ""


@dataclass(frozen=True)
class HubAdapter:
    """An adapter or a merged model that someone published: what and where; fetched when asked for."""

    name: str
    title: str
    kind: Literal["adapter", "merged"]
    base: str
    task: str
    hub_id: str
    licence: str
    revision: str | None = None
    notes: str = ""


@lru_cache(maxsize=1)
def bases() -> dict[str, Base]:
    return {name: Base(**_tuples(data)) for name, data in _entries("bases").items()}


@lru_cache(maxsize=1)
def hub_adapters() -> dict[str, HubAdapter]:
    return {name: HubAdapter(**data) for name, data in _entries("adapters").items()}


@lru_cache(maxsize=1)
def merged() -> dict[str, Base]:
    """Adapters that were published merged into their base: whole models, asked like bases of their own."""
    return {
        name: replace(
            bases()[entry.base],
            name=name,
            title=entry.title,
            source="hub",
            hub_id=entry.hub_id,
            licence=entry.licence,
            licence_url=f"https://huggingface.co/{entry.hub_id}",
            gated=False,
            sha256=None,
            revision=entry.revision,
            notes=entry.notes,
        )
        for name, entry in hub_adapters().items()
        if entry.kind == "merged" and entry.base in bases()
    }


def base_named(name: str) -> Base:
    if name.startswith(REMOTE):
        return _remote(name)
    if name in merged():
        return merged()[name]
    if name not in bases():
        raise NotFound(f"There is no base {name[:60]!r}; known: {', '.join(bases())}")
    return bases()[name]


def _remote(name: str) -> Base:
    """A model at a server: it keeps weights and template to itself, so prompts go there as plain text."""
    model = name.removeprefix(REMOTE)
    if not MODEL.fullmatch(model):
        raise BadInput(f"{model[:60]!r} cannot be the name of a model: name one that the server serves, with --model")
    return Base(
        name=name,
        title=model,
        source="remote",
        hub_id=model,
        licence="that of the server",
        licence_url="",
        gated=False,
        parameters=0,
        download_mb=0,
        architecture="unknown",
        engines=("openai_http",),
    )


def _entries(kind: str) -> dict[str, dict[str, Any]]:
    own = settings().catalog
    files = {path.stem: path for folder in (own, FOLDER) if folder for path in (folder / kind).glob("*.json")}
    return {name: {"name": name} | json.loads(path.read_bytes()) for name, path in sorted(files.items())}


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
