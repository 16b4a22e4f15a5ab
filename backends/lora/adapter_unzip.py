"""One adapter out of a .zip: its known files, under our own names for them, never more than a bound of bytes.

What else an archive holds, links and paths among it, is not looked at: nothing is written but what COPIED names.
"""

import zipfile
from pathlib import Path, PurePosixPath

from backends.adapters import CONFIG, COPIED, WEIGHTS
from backends.errors import BadInput, NotFound
from backends.guards import NAME
from backends.lora.adapter_zip import fresh_folder
from backends.settings import MB

MAX_ENTRIES = 1000
BLOCK = 1 * MB


def unpack(archive: Path, limit: int) -> Path:
    """A folder with the one adapter of `archive`, for backends/adapters.py to check and add."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return _unpacked(opened, limit)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise BadInput(f"This is no .zip that can be read here: {str(error)[:120]}") from None


def _unpacked(opened: zipfile.ZipFile, limit: int) -> Path:
    found = _adapter_in(opened)
    target = fresh_folder() / (found.name if NAME.fullmatch(found.name) else "adapter")
    target.mkdir()
    left = limit
    for file in COPIED:
        entry = str(found / file)
        if entry in opened.namelist():
            left -= _copy(opened, entry, target / file, left)
    return target


def _adapter_in(opened: zipfile.ZipFile) -> PurePosixPath:
    """The folder inside the archive that is an adapter."""
    names = opened.namelist()
    if len(names) > MAX_ENTRIES:
        raise BadInput(f"This .zip has {len(names):,} files; an adapter has three or four")
    folders = {PurePosixPath(name).parent for name in names if PurePosixPath(name).name == WEIGHTS}
    whole = sorted(folder for folder in folders if str(folder / CONFIG) in names)
    if not whole:
        raise NotFound(f"This .zip holds no adapter: {WEIGHTS} and {CONFIG} are needed, side by side")
    if len(whole) > 1:
        listed = ", ".join(folder.name[:40] for folder in whole[:5])
        raise BadInput(f"This .zip holds {len(whole)} adapters ({listed}): add them one by one")
    return whole[0]


def _copy(opened: zipfile.ZipFile, entry: str, target: Path, limit: int) -> int:
    """Counted as it is unpacked: what an archive says of its sizes proves nothing."""
    size = 0
    with opened.open(entry) as source, target.open("wb") as out:
        while block := source.read(BLOCK):
            size += len(block)
            if size > limit:
                raise BadInput(f"Unpacked, this .zip is larger than {limit // MB:,} MB, and is not taken")
            out.write(block)
    return size
