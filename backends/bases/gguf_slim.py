"""A copy of a .gguf file without its vocabulary, for a reader that wants the weights alone.

Transformers reads a file's metadata twice with `gguf.GGUFReader`, each time 9 s for a vocabulary of 262,144 words that
it then drops: most of what converting the embedded base took.
"""

import shutil
import struct
from pathlib import Path
from typing import Any

from backends.bases.gguf_meta import MAGIC, opened

#: metadata with an entry for each word
VOCABULARY = frozenset(f"tokenizer.ggml.{name}" for name in ("tokens", "scores", "token_type", "merges"))
#: GGUF's number for a value of 32 bits without a sign; and what the place of the weights is a multiple of
UINT32, ALIGNMENT = 4, 32


def write(source: Path, target: Path) -> None:
    """Copy the weights byte for byte and of the vocabulary only its size. BadInput where `source` is no GGUF file."""
    told, kept = dict[str, Any](), list[bytes]()
    with opened(source) as cursor:
        version = cursor.data[len(MAGIC) : cursor.at]
        tensors, keys = cursor.fixed("Q", 2)
        for _ in range(keys):
            start = cursor.at
            name, value = cursor.entry()
            told[name] = value
            if name not in VOCABULARY:
                kept.append(cursor.data[start : cursor.at])
        start = cursor.at
        for _ in range(tensors):
            cursor.tensor()
        named = cursor.data[start : cursor.at]
        weights = _aligned(cursor.at, told)
    kept.append(_number(f"{told['general.architecture']}.vocab_size", len(told["tokenizer.ggml.tokens"])))
    head = b"".join([MAGIC, version, struct.pack("<QQ", tensors, len(kept)), *kept, named])
    with source.open("rb") as old, target.open("wb") as new:
        new.write(head.ljust(_aligned(len(head), told), b"\0"))
        old.seek(weights)
        shutil.copyfileobj(old, new, 1 << 20)


def _aligned(at: int, told: dict[str, Any]) -> int:
    step = told.get("general.alignment", ALIGNMENT)
    return -(-at // step) * step


def _number(name: str, value: int) -> bytes:
    return struct.pack(f"<Q{len(name)}sII", len(name), name.encode(), UINT32, value)
