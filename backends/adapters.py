"""Adapters: a folder with safetensors weights, `adapter_config.json` and `card.json`. Data, never code.

Shipped ones are in examples/<task>/adapter; trained and added ones in the data folder, where a name appears only when
its files are whole and have been checked. Other files that a folder may carry are never copied and never read.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from backends.bases.base_shapes import linear_shapes
from backends.catalog import Base, bases
from backends.errors import BadInput, NotFound, Refused
from backends.files import dump_json, exclusive, publish, room_for, sha256_of, write_json
from backends.guards import inside, safe_name
from backends.lora import lora_config, lora_weights
from backends.settings import MB, ROOT, Settings

WEIGHTS, CONFIG, CARD = "adapter_model.safetensors", "adapter_config.json", "card.json"
COPIED = (WEIGHTS, CONFIG, CARD, "NOTICE")
SHIPPED_DIR = ROOT / "examples"
MAX_CONFIG = 1 * MB

Origin = Literal["shipped", "trained", "added", "given"]


@dataclass(frozen=True)
class Adapter:
    """A LoRA on one base, as its files describe it."""

    name: str
    path: Path
    #: name in the catalog where it is known there, else the words of adapter_config.json
    base: str
    task: str | None
    #: digest of the weights file
    sha256: str
    config: dict[str, Any]
    card: dict[str, Any]
    origin: Origin

    @property
    def weights(self) -> Path:
        return self.path / WEIGHTS

    @property
    def config_sha256(self) -> str:
        return hashlib.sha256(dump_json(self.config, sort_keys=True).encode()).hexdigest()


def adapters(settings: Settings) -> dict[str, Adapter]:
    """Every adapter that can be named here; folders that are not whole are left out."""
    found: dict[str, Adapter] = {}
    for folder in sorted(SHIPPED_DIR.glob("*/adapter")):
        _list(found, folder, "shipped", folder.parent.name)
    for folder in sorted(settings.adapters_dir.glob("[!.]*")):
        if not folder.is_symlink():
            _list(found, folder, "added", folder.name)
    return found


def find(settings: Settings, name: str) -> Adapter:
    known = adapters(settings)
    if name not in known:
        names = ", ".join(known) or "none yet: train one on the Fine-tune tab"
        raise NotFound(f"There is no adapter {str(name)[:80]!r}; known: {names}")
    return known[name]


def read(folder: Path, origin: Origin, name: str | None = None) -> Adapter:
    """The adapter in `folder`; BadInput names the file that is missing or not readable."""
    for file in (WEIGHTS, CONFIG):
        if not (folder / file).is_file():
            raise BadInput(f"{folder.name} is no adapter folder: {file} is missing; only safetensors are accepted")
    config, card = _object(folder / CONFIG), _object(folder / CARD) if (folder / CARD).exists() else {}
    return Adapter(
        name=name or str(card.get("name") or folder.name),
        path=folder,
        base=str(card.get("base") or _base_name(config.get("base_model_name_or_path"))),
        task=str(card["task"]) if card.get("task") else None,
        sha256=_digest(folder / WEIGHTS),
        config=config,
        card=card,
        origin="trained" if origin == "added" and card.get("origin") == "trained" else origin,
    )


def verify(settings: Settings, adapter: Adapter) -> list[str]:
    """Everything that speaks against loading this adapter, one sentence each; an empty list means that it is sound."""
    base = bases().get(adapter.base)
    if base is None:
        return [f"it is for the base {adapter.base[:80]!r}, which is not known here; known: {', '.join(bases())}"]
    if wrong := lora_config.problems(adapter.config):
        return wrong
    shapes = linear_shapes(settings, base)
    in_weights = lora_weights.problems(adapter.weights, adapter.config, base.title, shapes)
    return _other_base(adapter, base) + _changed(adapter) + in_weights


def check(settings: Settings, adapter: Adapter) -> None:
    """Refuse an adapter that is not sound, with the first reason; sound ones are remembered by their digests."""
    base = bases().get(adapter.base)
    sizes_known = base is not None and linear_shapes(settings, base) is not None
    key = (adapter.path, adapter.sha256, adapter.config_sha256, dump_json(adapter.card), sizes_known)
    if key in _SOUND:
        return
    if problems := verify(settings, adapter):
        raise Refused(f"Adapter {adapter.name} cannot be used: {problems[0]}")
    _SOUND.add(key)


_SOUND: set[tuple[object, ...]] = set()


def add(settings: Settings, folder: Path) -> Adapter:
    """Copy a folder that somebody made into the data folder, once it has been found sound."""
    return _place(settings, folder, read(folder, "given").name, "added")


def install(settings: Settings, folder: Path, name: str) -> Adapter:
    """Publish what a run has trained; a name that is taken becomes name-2."""
    return _place(settings, folder, name, "trained")


def remove(settings: Settings, name: str) -> None:
    adapter = find(settings, name)
    if adapter.origin == "shipped":
        raise Refused(f"Adapter {name} came with the program and stays; only trained and added ones can be removed")
    gone = Path(tempfile.mkdtemp(prefix=".removed-", dir=settings.adapters_dir))
    inside(adapter.path, settings.adapters_dir).rename(gone / name)  # out of the list at once, then deleted
    shutil.rmtree(gone)


def _place(settings: Settings, folder: Path, name: str, origin: Origin) -> Adapter:
    safe_name(name, "The adapter's name")
    files = [folder / file for file in COPIED if (folder / file).exists()]
    size = sum(inside(file, folder).stat().st_size for file in files)
    with (
        exclusive(settings.adapters_dir / ".lock"),
        room_for(size + MB, settings.adapters_dir, f"Saving adapter {name}"),
        _aside(settings.adapters_dir) as aside,
    ):
        for file in files:
            shutil.copyfile(file, aside / file.name)
        # the copy is what is checked, so that nothing can change between check and use
        check(settings, copy := read(aside, "given", name))
        free = _free_name(settings, name)
        facts = {"name": free, "base": copy.base, "weights_sha256": copy.sha256, "origin": origin}
        write_json(aside / CARD, copy.card | facts)
        publish(aside, settings.adapters_dir / free)
    return find(settings, free)


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A hidden folder to fill and rename; what a killed process left of the kind goes first. Under the lock."""
    for rest in folder.glob(".part-*"):
        shutil.rmtree(rest, ignore_errors=True)
    aside = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _free_name(settings: Settings, name: str) -> str:
    """`name`, or name-2, name-3 …; names that differ only in case count as taken."""
    taken = {known.casefold() for known in adapters(settings)}
    taken |= {path.name.casefold() for path in settings.adapters_dir.iterdir()}
    numbered = (f"{name[:75]}-{n}" for n in range(2, len(taken) + 3))
    return next(free for free in (name, *numbered) if free.casefold() not in taken)


def _list(found: dict[str, Adapter], folder: Path, origin: Origin, name: str) -> None:
    try:
        found.setdefault(name, read(folder, origin, name))
    except (BadInput, OSError):
        return  # being written or removed by another process, or never whole


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes()) if path.stat().st_size <= MAX_CONFIG else None
        dump_json(value)  # NaN and infinities end here
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadInput(f"{path.parent.name}/{path.name} is not a JSON object of at most {MAX_CONFIG // MB} MB")
    return value


def _base_name(text: Any) -> str:
    """The catalog's name for what PEFT calls the base."""
    known = {base.hub_id.casefold(): base.name for base in bases().values()}
    return known.get(str(text).casefold(), str(text))


def _other_base(adapter: Adapter, base: Base) -> list[str]:
    named, digest = adapter.config.get("base_model_name_or_path"), adapter.card.get("base_sha256")
    wrong = []
    if named and _base_name(named) != base.name:
        wrong.append(f"card.json says base {base.name}, adapter_config.json says {str(named)[:80]}")
    if digest and base.sha256 and digest != base.sha256:
        wrong.append(f"it was trained on other weights of {base.title} ({str(digest)[:12]}…, here {base.sha256[:12]}…)")
    return wrong


def _changed(adapter: Adapter) -> list[str]:
    stated = adapter.card.get("weights_sha256")
    if stated and stated != adapter.sha256:
        return [f"its weights are not those of its card.json ({str(stated)[:12]}…, here {adapter.sha256[:12]}…)"]
    return []


def _digest(path: Path) -> str:
    facts = path.stat()
    return _digest_of(path, facts.st_ino, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=512)
def _digest_of(path: Path, *_identity: int) -> str:
    """Hashed once per state of the file: lists are drawn every second."""
    return sha256_of(path)
