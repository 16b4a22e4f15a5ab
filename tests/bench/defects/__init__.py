"""The seeded-defect corpus: for each check files with its defect and files that only look like it.

A file counts as found when the check names exactly the rows that were spoiled, and as a false alarm when the check says
anything about a file that only tempts it.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from backends import catalog
from backends.bases import tokenizer
from backends.settings import Settings
from finetune import formats
from finetune.check.examine import examine
from finetune.check.finding import SHOWN
from finetune.check.lengths import Lengths
from tests.bench.defects import lengths, repeats, rows, texts
from tests.bench.defects.change import Change, Rows

FILES = 50
SHORT, ROOMY = 256, 4096  # max_length where it is tested, and elsewhere
WRITTEN = 72  # tokens an answer may have where that is tested


@dataclass
class Kind:
    """One check with what spoils and what tempts, and the rows that both begin with."""

    spoil: Change
    tempt: Change
    ordinary: Callable[[Random, int], Rows] = rows.written
    max_length: int = ROOMY
    written: int = 400
    #: rows go into a held-out file beside the one that is examined
    held_out: bool = False


@dataclass
class Counts:
    found: int = 0
    missed: int = 0
    alarms: int = 0

    @property
    def recall(self) -> float:
        return self.found / (self.found + self.missed)

    @property
    def precision(self) -> float:
        said = self.found + self.alarms
        return self.found / said if said else 0.0


def kinds(settings: Settings) -> dict[str, Kind]:
    base = catalog.base_named(catalog.EMBEDDED)
    measured = Lengths(rows.task(WRITTEN), formats.format_for(base, settings), tokenizer.load(settings, base), SHORT)
    made = {name: Kind(*pair, max_length=SHORT) for name, pair in lengths.kinds(measured).items()}
    made["answer_cut"].written = WRITTEN
    made |= {name: Kind(*pair) for name, pair in (texts.KINDS | repeats.KINDS).items()}
    made |= {name: Kind(*pair, ordinary=rows.labelled) for name, pair in repeats.LABELLED.items()}
    made["overlap"] = Kind(repeats.leaked, repeats.related, held_out=True)
    return made


def score(settings: Settings, files: int = FILES, seed: int = 0) -> dict[str, Counts]:
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in kinds(settings).items():
            chance, counts[name] = Random(f"{seed}/{name}"), Counts()
            for _ in range(files):
                found = examined(settings, Path(folder), chance, name, kind, kind.spoil)
                counts[name].found += found
                counts[name].missed += not found
                counts[name].alarms += not examined(settings, Path(folder), chance, name, kind, kind.tempt)
    return counts


def examined(settings: Settings, folder: Path, chance: Random, name: str, kind: Kind, change: Change) -> bool:
    """Whether the check says of one file what it should: the spoiled rows, or nothing."""
    some = kind.ordinary(chance, chance.randint(40, 80))
    held = [dict(row) for row in some]
    changed = change(chance, held if kind.held_out else some)
    path, beside = folder / "train.jsonl", folder / "test.jsonl"
    write(chance, path, some)
    if kind.held_out:
        write(chance, beside, held[-20:])
    report = examine(
        path,
        rows.task(kind.written),
        settings,
        catalog.base_named(catalog.EMBEDDED),
        kind.max_length,
        held_out=[beside] if kind.held_out else (),
    )
    said = next((finding for finding in report.findings if finding.check == name), None)
    if change is kind.tempt:
        return said is None
    return said is not None and (not changed or list(said.lines) == [i + 1 for i in changed][:SHOWN])


def write(chance: Random, path: Path, some: Rows) -> None:
    plain = chance.random() < 0.5
    path.write_text("".join(json.dumps(row, ensure_ascii=plain) + "\n" for row in some), encoding="utf-8")


def measure(settings: Settings) -> str:
    lines = [f"{FILES} files with each defect and {FILES} that only look like it.", ""]
    lines += ["| check | precision | recall |", "|---|---|---|"]
    for name, counts in score(settings).items():
        lines.append(f"| {name} | {counts.precision:.2f} | {counts.recall:.2f} |")
    return "\n".join(lines)
