"""A new task needs one file and one example folder: here it gets them in a copy of the code, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.files import write_json
from backends.settings import ROOT, Settings
from finetune.rows import data
from tests.parts import tiny_base

pytestmark = pytest.mark.slow

FILE = '''
"""Has this word an even or an odd number of letters?"""

from backends.base import Constraint
from finetune.rows import data
from finetune.scoring import baselines
from finetune.task import Field, Metric, Task, Unreadable


def clean(row):
    return {column: data.text_in(row, column) for column in ("word", "parity")}


def parse(answer):
    if answer.strip() not in ("even", "odd"):
        raise Unreadable(f"neither even nor odd: {answer[:60]!r}")
    return answer.strip()


TASK = Task(
    name="parity",
    title="Even or odd",
    summary="Has this word an even or an odd number of letters?",
    inputs=(Field("word", "Word", "write one word", lines=1),),
    target="parity",
    instruction="Say whether this word has an even or an odd number of letters.",
    cue="Parity:",
    max_new_tokens=8,
    panel="chip",
    constraint=Constraint("choices", ["even", "odd"]),
    samples=({"word": "heron"},),
    clean=clean,
    answer_of=lambda row: row["parity"],
    parse=parse,
    judge=lambda row, value: (value == row["parity"], {}),
    metrics=(Metric("accuracy", "right answers", "rate", "higher", part=lambda s: float(s.correct)),),
    primary="accuracy",
    trivial=(baselines.constant("always-even", "always even", "even"),),
)
'''
WORDS = {
    "train": [
        "fig",
        "plum",
        "pear",
        "apple",
        "cherry",
        "quince",
        "apricot",
        "mulberry",
        "nectarine",
        "lime",
        "kiwi",
        "lemon",
    ],
    "val": ["melon", "orange"],
    "test": ["mango", "papaya", "guava", "date"],
}


def row(word: str) -> dict[str, str]:
    return {"word": word, "parity": "odd" if len(word) % 2 else "even"}


class Copy:
    """The code as it is, with one file and one folder more, and a random base to train on."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root = root
        self.settings = replace(settings, catalog=tiny_base.catalog(root / "catalog"))
        for package in ("backends", "finetune"):
            shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
        (root / "finetune" / "tasks" / "parity.py").write_text(FILE.lstrip())
        for split, words in WORDS.items():
            data.write_rows(root / "examples" / "parity" / f"{split}.jsonl", map(row, words))
        tiny_base.prepare(self.settings)

    def run(self, *words: str) -> Any:
        env = {**os.environ, **self.settings.to_env(), "ACR_LINGER": "1"}
        argv = [sys.executable, "-m", "finetune", *words, "--json"]
        done = subprocess.run(argv, cwd=self.root, env=env, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def copy(tmp_path: Path, settings: Settings) -> Copy:
    return Copy(tmp_path / "copy", settings)


def test_one_file_and_one_folder_are_a_task(copy: Copy) -> None:
    assert "parity" in {task["name"] for task in copy.run("tasks")}

    asked = ("--task", "parity", "--base", tiny_base.NAME, "--adapter", "none", "--engine", "echo")
    answer = copy.run("generate", *asked, "heron")
    assert (answer["parsed"], answer["valid"]) == ("even", True)

    rows = str(copy.root / "examples" / "parity" / "train.jsonl")
    quick = ("--set", "max_steps=2", "--set", "eval_steps=2")
    ended = copy.run("train", rows, "--task", "parity", "--base", tiny_base.NAME, "--name", "ninth", *quick, "--wait")
    assert (ended["status"], ended["adapter"]) == ("succeeded", "ninth"), ended["reason"]
    assert {a["task"] for a in copy.run("adapters") if a["name"] == "ninth"} == {"parity"}

    copy.run("eval", "run", "--task", "parity", "--adapter", "ninth", "--engine", "echo")
    reports = {report["task"]: report for report in copy.run("eval", "report", "--all")}
    systems = {s["name"]: s["metrics"]["accuracy"]["value"] for s in reports["parity"]["systems"]}
    assert systems.keys() == {"ninth", "always-even", "nearest", "base", "few-shot", "ninth-free", "base-free"}
    assert systems["ninth"] == systems["always-even"] == 0.5  # echo takes the first choice


def test_a_file_without_a_task_is_named(copy: Copy) -> None:
    write_json(copy.root / "finetune" / "tasks" / "half.py", {})
    done = subprocess.run([sys.executable, "-m", "finetune", "tasks"], cwd=copy.root, capture_output=True, text=True)
    assert done.returncode and "half.py: a file of this folder must end in `TASK = ...`" in done.stderr
