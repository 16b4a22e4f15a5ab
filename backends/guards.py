"""Security checks in one place: names, places, secrets, weight files before torch sees them."""

import json
import math
import os
import re
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import SplitResult, urlsplit

from backends.errors import BadInput, Refused

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
#: names that Windows keeps for devices: an adapter folder may travel there
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
#: a name with a dot and letters at its end: no number in any notation, so nothing of the local network by address
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
SECRET = re.compile(r"\b(hf_|sk-|ak-|Bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)

MAX_HEADER = 10 << 20
#: bytes per element of the dtypes that weights of an adapter may have
DTYPES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}

TensorInfo = tuple[str, tuple[int, ...]]  # dtype, shape


def safe_name(text: str, what: str) -> str:
    """`text` if it can be the name of a folder everywhere, else BadInput; never repaired, so never merged."""
    device = isinstance(text, str) and text.split(".")[0].upper() in DEVICES
    if not isinstance(text, str) or not NAME.fullmatch(text) or ".." in text or text.endswith(".") or device:
        raise BadInput(
            f"{what} cannot be {str(text)[:60]!r}: accepted are 1 to 80 of a-z, A-Z, 0-9, '-', '_' and '.', "
            "beginning with a letter or digit"
        )
    return text


def inside(path: Path, folder: Path) -> Path:
    """`path` resolved, links followed; Refused when that is not below `folder`."""
    resolved = path.resolve()
    if resolved == folder.resolve() or not resolved.is_relative_to(folder.resolve()):
        raise Refused(f"{path.name[:60]!r} leads out of its folder and is not followed")
    return resolved


def allowed_url(text: str, what: str) -> SplitResult:
    """The parts of an address that we may send to: https to a named host, or this very machine by choice."""
    url = urlsplit(text)
    try:
        host, port, plain = url.hostname or "", url.port, url.username is None and url.password is None
    except ValueError:
        host, port, plain = "", None, False
    own = host in ("localhost", "127.0.0.1", "::1") and url.scheme in ("http", "https")
    named = url.scheme == "https" and HOST.fullmatch(host) is not None
    if not plain or not (own or named) or port == 0 or not text.isascii() or any(c.isspace() for c in text):
        raise Refused(
            f"{what} must be an https:// address of a named host, or one of this machine, without a user name"
        )
    return url


def redact(text: str) -> str:
    """`text` without keys: for logs, errors and whatever a foreign server said."""
    return SECRET.sub(r"\1***", text)


def read_safetensors_header(path: Path) -> dict[str, TensorInfo]:
    """`{tensor: (dtype, shape)}` of a safetensors file whose header is wholly consistent with its size.

    Standard library only. Anything odd is refused: no later reader meets a file that lies about itself.
    """
    with path.open("rb") as stream:
        header, data_size = _header(stream, path.name)
    header.pop("__metadata__", None)
    if not header:
        raise BadInput(f"{path.name} holds no tensors")
    ends = sorted((*_entry(path.name, name, entry), name) for name, entry in header.items())
    expected = 0
    for begin, end, name in ends:
        if begin != expected:
            raise BadInput(f"{path.name}: tensor {name[:80]} overlaps another one or leaves a gap")
        expected = end
    if expected != data_size:
        raise BadInput(f"{path.name}: its tensors take {expected} bytes, the file has {data_size}: cut short or padded")
    return {name: (entry["dtype"], tuple(entry["shape"])) for name, entry in header.items()}


def _header(stream: BinaryIO, file: str) -> tuple[dict[str, Any], int]:
    size = os.fstat(stream.fileno()).st_size
    length = int.from_bytes(stream.read(8), "little")
    if size < 8 or length > min(size - 8, MAX_HEADER):
        raise BadInput(f"{file} is no safetensors file: its header would take {length} bytes")
    try:
        header = json.loads(stream.read(length), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError):
        raise BadInput(f"{file} is no safetensors file: its header is not clean JSON") from None
    if not isinstance(header, dict):
        raise BadInput(f"{file} is no safetensors file: its header is not an object")
    return header, size - 8 - length


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _entry(file: str, name: str, entry: Any) -> tuple[int, int]:
    """(begin, end) of one tensor, after its dtype, shape and length agreed with each other."""
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [begin, end]} if len(entry) == 3:
            if dtype not in DTYPES:
                raise BadInput(f"{file}: tensor {name[:80]} has type {dtype[:20]!r}, not {' or '.join(DTYPES)}")
            whole = all(type(n) is int and n >= 0 for n in (*shape, begin, end))
            if whole and end - begin == math.prod(shape) * DTYPES[dtype]:
                return begin, end
    raise BadInput(f"{file}: the entry of tensor {name[:80]} contradicts itself")
