"""metrics.jsonl: one line a log step. A kill costs at most one line, and damage never hides.

A resumed run repeats the steps after its checkpoint; they replace the old ones, so steps rise strictly.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from backends.files import append_json

MAX_LINE = 64 * 1024

Point = dict[str, Any]


@dataclass
class Metrics:
    """What the file says: one merged point a step, and how many lines could not be read."""

    points: list[Point] = field(default_factory=list)
    damaged: int = 0


def append(path: Path, point: Point) -> None:
    """Add one line in one write. NaN and infinities become null: gaps, in JSON that every parser reads."""
    append_json(path, {key: _finite(value) for key, value in point.items()})


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read(path: Path) -> Metrics:
    """Every whole line of the file; half lines, binary and overlong ones are counted, never drawn."""
    found = Metrics()
    try:
        stream = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        return found
    with stream:
        for line in _lines(stream):
            point = _parse(line)
            if point:
                _place(found.points, point)
            elif line.strip():
                found.damaged += 1
    return found


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines of at most MAX_LINE; of a longer one only the beginning, which no parser takes."""
    while line := stream.readline(MAX_LINE):
        yield line
        while len(line) == MAX_LINE and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE)


def _parse(line: bytes) -> Point | None:
    try:
        point = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return point if isinstance(point, dict) and isinstance(point.get("step"), int) else None


def _place(points: list[Point], point: Point) -> None:
    """Merge the lines of one step; a step lower than the last means that the run was taken up there."""
    while points and points[-1]["step"] > point["step"]:
        points.pop()
    if points and points[-1]["step"] == point["step"]:
        points[-1] = {**points[-1], **point}
    else:
        points.append(point)
