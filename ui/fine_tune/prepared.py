"""The rows of a draft as a training takes them: read, parted, and written where the next step finds them again."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from backends.files import publish
from finetune import examples
from finetune.rows import data, parts
from ui.fine_tune.state import SAMPLE, Draft

NAMES = ("train", "val", "test")


@dataclass(frozen=True)
class Prepared:
    folder: Path

    @property
    def train_path(self) -> Path:
        return self.folder / "train.jsonl"

    @cached_property
    def train(self) -> list[dict[str, Any]]:
        return data.read_jsonl(self.train_path)

    @cached_property
    def val(self) -> list[dict[str, Any]]:
        return data.read_jsonl(self.folder / "val.jsonl")

    @property
    def test_path(self) -> Path:
        return self.folder / "test.jsonl"

    @property
    def test(self) -> list[dict[str, Any]]:
        return data.read_jsonl(self.test_path)


def prepared(draft: Draft) -> Prepared:
    """BadInput when a row cannot be used. Equal rows and shares give equal parts, so they are made once."""
    folder = draft.folder / "prepared" / draft.parts_key
    if not folder.is_dir():
        made = _parts(draft)
        shutil.rmtree(folder.parent, ignore_errors=True)
        aside = folder.with_name("aside")
        for name in NAMES:
            data.write_rows(aside / f"{name}.jsonl", made[name])
        publish(aside, folder)
    return Prepared(folder)


def _parts(draft: Draft) -> dict[str, list[dict[str, Any]]]:
    table, task = draft.table, draft.task
    rows = data.read_rows(table.path, task, draft.settings, table.version.roles or None)
    if draft.origin != SAMPLE:
        return parts.parted(rows, task, draft.shares)
    val = data.read_rows(examples.path_of(task.name, "val"), task, draft.settings)
    held = {data.input_key(task, row) for row in val}
    return {"train": [row for row in rows if data.input_key(task, row) not in held], "val": val, "test": []}
