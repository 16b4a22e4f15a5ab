"""What the seeds trained, ready to be started by name: a recipe that brings its base, its prompt format and its rows.

One JSON file each in seed_systems/. `values` are the numbers of the seed where it gives them; `ours` says
which of them it does not give, `seed_only` keeps its settings that mean nothing here, each with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.catalog import Base
from backends.errors import BadInput, NotFound
from backends.settings import Settings
from finetune import formats
from finetune.formats.wording import from_json
from finetune.recipes import recipe
from finetune.rows import data, hub_rows
from finetune.task import Task

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Seed:
    """A recipe of a seed, as its file says."""

    name: str
    task: str
    base: str
    format: Mapping[str, Any]
    data: Mapping[str, Any]
    source: str

    def format_on(self, base: Base, settings: Settings) -> formats.Format:
        """Its prompt format; on a base without a chat template of its own the seed's texts in the plain one."""
        asked = self.format["name"]
        name = base.format if asked == "chat" else asked
        return formats.named(name, base, settings, from_json(self.format))


@dataclass(frozen=True)
class Fetched:
    """Where the rows of a seed lie now, how many of each split, and what was left out."""

    path: Path  # train.jsonl, with val.jsonl and test.jsonl beside it
    counts: Mapping[str, int]
    left_out: int
    problem: str | None  # of the first row that was left out


def find(name: str) -> Seed | None:
    """The seed's recipe of this name; None when the name is another recipe's or no recipe at all."""
    entry = recipe.recipes().get(name)
    if not entry or "base" not in entry:
        return None
    return Seed(name, *(entry[key] for key in ("task", "base", "format", "data", "source")))


def fetch(settings: Settings, task: Task, seed: Seed, shuffle: int) -> Fetched:
    """The seed's rows from the Hub, cleaned by the task and split by the seed's shares, in a folder of the cache."""
    if not seed.data.get("hub"):
        raise NotFound(f"The rows of {seed.name} are not on the Hub ({seed.data['where']}): give a file with them")
    wanted = hub_rows.from_json(seed.data)
    kept: list[dict[str, Any]] = []
    problems: list[str] = []
    for number, row in enumerate(hub_rows.rows(wanted, settings.max_rows), 1):
        try:
            kept.append(task.clean(row))
        except BadInput as problem:
            problems.append(f"row {number}, {problem}")
    if len(kept) <= len(problems):
        first = f": {problems[0]}" if problems else ""
        raise BadInput(f"{wanted.hub}: {len(kept)} rows are usable for {task.title}, {len(problems)} are not{first}")
    parts = _split(kept, task, seed.data["split_shares"], shuffle)
    folder = settings.cache_dir / "seed-rows" / seed.name
    folder.mkdir(parents=True, exist_ok=True)
    for split, some in parts.items():
        data.write_rows(folder / f"{split}.jsonl", some)
    counts = {split: len(some) for split, some in parts.items()}
    return Fetched(folder / "train.jsonl", counts, len(problems), problems[0] if problems else None)


def _split(
    rows: list[dict[str, Any]], task: Task, shares: Mapping[str, float], shuffle: int
) -> dict[str, list[dict[str, Any]]]:
    """By the seed's shares, which may be its counts; rows that ask the same stay on one side."""
    total, left, parts = sum(shares.values()), rows, {}
    for split in SPLITS[:0:-1]:
        if shares.get(split):
            share = len(rows) * shares[split] / total / len(left)
            left, parts[split] = data.split(left, task, seed=shuffle, val_share=share, most=len(left))
    return {"train": left, **parts}
