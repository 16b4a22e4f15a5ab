"""Adapters as one .zip to take away: the weights, the config, the card and the NOTICE of each, nothing else."""

import shutil
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

from backends.adapters import COPIED, Adapter
from backends.errors import NotFound

PREFIX = "acr-zip-"
#: whoever asked for a .zip has it long before
KEEP_SECONDS = 3600.0


def pack(adapters: Sequence[Adapter], name: str) -> Path:
    """`<name>.zip` in a new temporary folder, a folder inside for each adapter."""
    if not adapters:
        raise NotFound("No adapter was trained here yet: a fine-tune makes one")
    target = fresh_folder() / f"{name}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # weights do not get smaller
        for adapter in adapters:
            for file in COPIED:
                if (source := adapter.path / file).is_file():
                    archive.write(source, f"{adapter.name}/{file}")
    return target


def fresh_folder() -> Path:
    """A new temporary folder for one download; older ones are swept."""
    _sweep(Path(tempfile.gettempdir()))
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def _sweep(folder: Path) -> None:
    before = time.time() - KEEP_SECONDS
    for old in folder.glob(f"{PREFIX}*"):
        if old.stat().st_mtime < before:
            shutil.rmtree(old, ignore_errors=True)
