"""The example sets that ship: `examples/<task>/{train,val,test}.jsonl` and the stored report."""

from pathlib import Path

from backends.errors import NotFound
from backends.settings import ROOT

FOLDER = ROOT / "examples"


def path_of(task: str, split: str) -> Path:
    """The file of a split; NotFound when this task ships none."""
    path = FOLDER / task / f"{split}.jsonl"
    if not path.is_file():
        raise NotFound(f"Task {task} ships no {split} examples: give a file of your own")
    return path


def report_path(task: str) -> Path:
    return FOLDER / task / "report.json"
