"""Does the evidence hold? Every figure is computed again from the rows, points and votes in the file, and compared."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backends.errors import BadInput
from backends.files import dump_json, read_json
from backends.settings import Settings
from finetune.compare import stored_rows
from finetune.compare.evidence import VERSION, curves
from finetune.compare.votes import ballots, tally
from finetune.compare.votes.pairs import Contestant
from finetune.rows import data, row_files

#: figures are stored with six digits
CLOSE = 1e-6


def read(path: Path, settings: Settings) -> dict[str, Any]:
    """The evidence in a file, which may come from anybody."""
    row_files.check_size(path, settings)
    found = read_json(path)
    if not isinstance(found, dict) or found.get("evidence") != VERSION:
        raise BadInput(f"{path.name} is no evidence of version {VERSION}: `python -m finetune evidence RUN` makes it")
    return found


def differences(evidence: Mapping[str, Any]) -> list[str]:
    """Every figure that does not come again, as `where: stored, computed`; an empty list means that all do."""
    try:
        return [*_of_report(evidence["report"]), *_of_training(evidence["training"]), *_of_votes(evidence["votes"])]
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise BadInput(f"This evidence is not whole: {type(error).__name__} {error}") from None


def _of_report(made: Mapping[str, Any] | None) -> Iterator[str]:
    if made is None:
        return
    again = stored_rows.again(made)
    for key in stored_rows.MADE:
        if key in made or key in again:
            yield from _unlike(f"report.{key}", made.get(key), _as_json(again.get(key)))
    digest = data.digest(stored_rows.of(made).values())
    if "data_sha256" in made:
        yield from _unlike("report.data_sha256", made["data_sha256"], digest)


def _of_training(training: list[Mapping[str, Any]]) -> Iterator[str]:
    for number, one in enumerate(training):
        yield from _unlike(f"training[{number}].figures", one["figures"], curves.figures(one["curve"]))


def _of_votes(votes: Mapping[str, Any] | None) -> Iterator[str]:
    if votes is None:
        return
    first, second = (Contestant(**who) for who in votes["contestants"])
    poll = ballots.Poll(votes["comparison"], votes["task"], (first, second), votes["votes"])
    yield from _unlike("votes.tally", votes["tally"], _as_json(tally.tally(poll)))


def _as_json(value: Any) -> Any:
    """As it looks after a journey through a file: tuples are lists, keys are texts."""
    return json.loads(dump_json(value))


def _unlike(where: str, stored: Any, now: Any) -> Iterator[str]:
    """What is stored must come again; what a later version computes besides is no fault of an older file."""
    if isinstance(stored, dict) and isinstance(now, dict):
        for key in stored:
            yield from _unlike(f"{where}.{key}", stored.get(key), now.get(key))
    elif isinstance(stored, list) and isinstance(now, list) and len(stored) == len(now):
        for number, (one, other) in enumerate(zip(stored, now, strict=True)):
            yield from _unlike(f"{where}[{number}]", one, other)
    elif not _same(stored, now):
        yield f"{where}: stored {_short(stored)}, computed {_short(now)}"


def _same(stored: Any, now: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (stored, now))
    return math.isclose(stored, now, rel_tol=CLOSE, abs_tol=CLOSE) if numbers else bool(stored == now)


def _short(value: Any) -> str:
    text = dump_json(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
