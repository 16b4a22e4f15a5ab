"""Rows out of a file that a person gave: JSONL, a JSON list, CSV, TSV, Parquet or pasted text, told apart by content.

Read as a stream. Not covered: what a row must hold (data.py asks the task). Nothing here is ever executed.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from backends.errors import BadInput
from backends.files import dump_json
from backends.settings import MB, Settings
from finetune.rows import parquet_rows, pasted

MAX_ROW = MB  # characters of one row
BLOCK = 1 << 16
BOM = b"\xef\xbb\xbf"
PARQUET = b"PAR1"
#: a Parquet file may unpack to this many times the size that an upload may have
UNPACKED = 4
ACCEPTED = "give JSONL, a JSON list, CSV, TSV or Parquet, text saved as UTF-8"
FOREIGN = {
    b"PK\x03\x04": "a zip archive (or a spreadsheet)",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"BZh": "a bzip2 archive",
    b"%PDF": "a PDF",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"\x80\x02": "a Python pickle",
    b"\x80\x03": "a Python pickle",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
}


@dataclass(frozen=True)
class Line:
    """One row and where it stands; `problem` says why there is no row."""

    number: int
    row: dict[str, Any] | None = None
    problem: str | None = None


def lines(path: Path, settings: Settings) -> Iterator[Line]:
    """Every row of `path`; BadInput when the file as a whole cannot be one of rows."""
    check_size(path, settings)
    with path.open("rb") as stream:
        head = stream.read(BLOCK)
    found = _packed(path, settings) if head.startswith(PARQUET) else _written(path, head)
    for count, line in enumerate(found, 1):
        if count > settings.max_rows:
            raise BadInput(f"{path.name} has more than {settings.max_rows:,} rows, the most accepted here")
        yield _checked(line)


def _packed(path: Path, settings: Settings) -> Iterator[Line]:
    """A Parquet file has no lines: a row's number stands for one."""
    for number, row in enumerate(parquet_rows.rows(path, UNPACKED * settings.max_upload), 1):
        yield Line(number, row)


def _written(path: Path, head: bytes) -> Iterator[Line]:
    reader = _reader(path, head)
    # Bytes that are not UTF-8 become lone surrogates, which `_checked` finds: so the message can name the line.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        yield from reader(stream)


def check_size(path: Path, settings: Settings) -> None:
    """Refuse what is no file, or larger than a file of a person may be."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read: {error.strerror}") from None
    if size > settings.max_upload:
        raise BadInput(f"{path.name} has {size / MB:,.0f} MB; at most {settings.max_upload / MB:,.0f} MB are accepted")
    if not path.is_file():
        raise BadInput(f"{path.name} is not a file")


def _reader(path: Path, head: bytes) -> Any:
    """The function that reads such a file, chosen by its first bytes; the extension only tells CSV from nothing."""
    for magic, what in FOREIGN.items():
        if head.startswith(magic):
            raise BadInput(f"{path.name} is {what}: {ACCEPTED}")
    if b"\0" in head or head[257:262] == b"ustar":
        raise BadInput(f"{path.name} is a binary file: {ACCEPTED}")
    start, suffix = head.removeprefix(BOM).lstrip()[:1], path.suffix.lower()
    if not start:
        raise BadInput(f"{path.name} is empty: {ACCEPTED}")
    if start == b"[":
        return _json_list
    if start == b"{" or suffix in (".jsonl", ".ndjson", ".json"):
        return _json_lines
    text = head.removeprefix(BOM).decode(errors="replace")
    if pasted.looks_like(text):
        return _pairs
    if suffix in (".csv", ".tsv") or (suffix in ("", ".txt") and "\t" in text.partition("\n")[0]):
        return _table  # cells that were copied out of a spreadsheet have tabs between them
    raise BadInput(f"{path.name} holds no rows that can be read: {ACCEPTED}")


def _short_lines(stream: TextIO) -> Iterator[str]:
    number = 0
    while text := stream.readline(MAX_ROW + 1):
        number += 1
        if len(text) > MAX_ROW:
            raise BadInput(f"line {number} is longer than {MAX_ROW:,} characters, the most accepted for one row")
        yield text


def _json_lines(stream: TextIO) -> Iterator[Line]:
    for number, text in enumerate(_short_lines(stream), 1):
        if text.strip():
            yield _json_line(number, text)


def _json_line(number: int, text: str) -> Line:
    try:
        value = _DECODER.decode(text.strip())
    except RecursionError:
        return Line(number, problem="nested too deeply")
    except ValueError as error:
        return Line(number, problem=f"not one JSON object ({error})")
    return Line(number, value) if isinstance(value, dict) else Line(number, problem="not a JSON object")


def _json_list(stream: TextIO) -> Iterator[Line]:
    """The objects of one JSON list, one at a time, so that a large file is never in memory as a whole."""
    buffer, number = stream.read(BLOCK).lstrip()[1:], 1
    while True:
        buffer, skipped = _skip_gap(buffer, stream)
        number += skipped
        if buffer.startswith("]"):
            return
        value, end, buffer = _next_object(buffer, stream, number)
        yield Line(number, value)
        number += buffer.count("\n", 0, end)
        buffer = buffer[end:]


def _skip_gap(buffer: str, stream: TextIO) -> tuple[str, int]:
    """Drop blanks and the comma before an element; also how many line ends that were."""
    skipped = 0
    while True:
        rest = buffer.lstrip(" \t\r\n,")
        skipped += buffer.count("\n", 0, len(buffer) - len(rest))
        if rest:
            return rest, skipped
        buffer = stream.read(BLOCK)
        if not buffer:
            raise BadInput("The JSON list is cut off: its closing bracket is missing")


def _next_object(buffer: str, stream: TextIO, number: int) -> tuple[dict[str, Any], int, str]:
    if not buffer.startswith("{"):
        raise BadInput(f"line {number}: the JSON list must hold objects, one per row")
    while True:
        try:
            value, end = _DECODER.raw_decode(buffer)
            return value, end, buffer
        except RecursionError:
            raise BadInput(f"line {number}: nested too deeply") from None
        except ValueError as error:
            more = stream.read(BLOCK) if len(buffer) <= MAX_ROW else ""
            if not more:
                raise BadInput(
                    f"line {number}: not a JSON object of at most {MAX_ROW:,} characters ({error})"
                ) from None
            buffer += more


def _pairs(stream: TextIO) -> Iterator[Line]:
    for number, row in pasted.pairs(_short_lines(stream)):
        yield Line(number, dict(row))


def _table(stream: TextIO) -> Iterator[Line]:
    header = stream.readline(MAX_ROW)
    stream.seek(0)
    reader = csv.DictReader(_short_lines(stream), delimiter=max(",;\t", key=header.count), strict=True)
    try:
        names = reader.fieldnames or []
        if len(set(names)) < len(names):
            raise BadInput(f"line 1: a column name stands twice: {', '.join(names)[:200]}")
        for row in reader:
            extra = row.pop(None, None)
            present = {key: value for key, value in row.items() if value not in (None, "")}
            yield Line(reader.line_num, present, "more cells than the header has" if extra else None)
    except csv.Error as error:
        raise BadInput(f"line {reader.reader.line_num}: {error}") from None


def _checked(line: Line) -> Line:
    """What cannot be written as JSON and UTF-8 again is a problem of its row, not a crash at the end."""
    if line.problem is not None:
        return line
    try:
        text = dump_json(line.row)
        text.encode()
    except UnicodeEncodeError:
        return Line(line.number, problem="not UTF-8 text (save the file as UTF-8)")
    except TypeError:
        return Line(line.number, problem="holds a value that is no text, number or list")
    except ValueError:
        return Line(line.number, problem="holds NaN or an infinite value, which is not a number")
    if len(text) > 2 * MAX_ROW:  # JSON adds a little to cells that were not JSON
        return Line(line.number, problem=f"longer than {MAX_ROW:,} characters, the most accepted for one row")
    return line


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not a number")


_DECODER = json.JSONDecoder(parse_constant=_no_number)
