"""What a .gguf file says about itself: its metadata and its tensors' shapes. Standard library only.

`gguf.GGUFReader` needs 9 s for a vocabulary of 262,144 words; walking the bytes once needs 0.2 s.
"""

import mmap
import struct
from pathlib import Path
from typing import Any

from backends.errors import BadInput

#: GGUF value type -> struct code; the two that have no fixed width are strings and arrays
FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


class _Cursor:
    """Reads one value after the other."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.at = data, 0

    def fixed(self, code: str, count: int = 1) -> tuple[Any, ...]:
        layout = f"<{count}{code}"
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def string(self) -> str:
        (length,) = self.fixed("Q")
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            (inner,), (count,) = self.fixed("I"), self.fixed("Q")
            if inner == STRING:
                return [self.string() for _ in range(count)]
            return list(self.fixed(FIXED[inner], count))
        return self.fixed(FIXED[kind])[0]


Shapes = dict[str, tuple[int, ...]]


def read_metadata(path: Path) -> dict[str, Any]:
    """All metadata keys of the file; BadInput when it is no GGUF file."""
    return _read(path)[0]


def read_shapes(path: Path) -> Shapes:
    """Every tensor's name and shape, slowest dimension first as in torch."""
    return _read(path)[1]


def _read(path: Path) -> tuple[dict[str, Any], Shapes]:
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:4] != b"GGUF":
            raise BadInput(f"{path.name} is no GGUF file")
        cursor = _Cursor(data)
        cursor.at = 4
        try:
            (version,), (tensors, keys) = cursor.fixed("I"), cursor.fixed("Q", 2)
            if version not in (2, 3):
                raise BadInput(f"{path.name} is GGUF version {version}, readable are 2 and 3")
            metadata = {cursor.string(): cursor.value(cursor.fixed("I")[0]) for _ in range(keys)}
            return metadata, dict(_tensor(cursor) for _ in range(tensors))
        except (struct.error, KeyError, UnicodeDecodeError):
            raise BadInput(f"{path.name} is cut short or damaged") from None


def _tensor(cursor: _Cursor) -> tuple[str, tuple[int, ...]]:
    name, (dimensions,) = cursor.string(), cursor.fixed("I")
    shape = cursor.fixed("Q", dimensions)
    cursor.fixed("I"), cursor.fixed("Q")  # type and offset
    return name, shape[::-1]
