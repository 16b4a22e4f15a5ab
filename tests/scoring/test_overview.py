"""`eval report --all`: every task and every kind of system on a terminal of 100 columns."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from backends import adapters
from backends.files import write_json
from backends.settings import ROOT, Settings
from finetune import all_tasks, examples
from finetune.compare import overview
from finetune.rows import data

pytestmark = pytest.mark.slow


def figure(value: float | None, n: int = 200) -> dict[str, Any]:
    around = {"low": value - 0.05, "high": value + 0.05} if value is not None else {"low": None, "high": None}
    return {"value": value, "n": n} | around


def made(task: str, primary: str, **values: float | None) -> dict[str, Any]:
    """A report with one figure per system; names are those of the systems, `_` for `-`."""
    kinds = {"base": "base", "few_shot": "few-shot", "mine": "adapter"}
    systems = [
        {
            "name": name.replace("_", "-"),
            "title": f"the {name}",
            "kind": kinds.get(name, "trivial"),
            "metrics": {primary: figure(value)},
        }
        for name, value in values.items()
    ]
    return {"task": task, "primary": primary, "n": 200, "systems": systems, "verdict": "One is better. " * 20}


def test_the_best_trivial_system_is_shown_and_nearest_stands_apart() -> None:
    lower = made("complexity", "mae", constant_5=2.0, length=0.9, nearest=0.5, base=3.0, few_shot=2.5, mine=0.4)
    higher = made("sourcegraph", "item_f1", repo_a=0.2, echo=0.4, nearest=0.5, base=0.1, few_shot=0.3, mine=0.9)
    assert {column: system["name"] for column, system in overview.contestants(lower).items()} == {
        "zero-shot": "base",
        "few-shot": "few-shot",
        "trivial": "length",
        "nearest": "nearest",
        "adapter": "mine",
    }
    assert overview.contestants(higher)["trivial"]["name"] == "echo"
    figures, intervals = overview.rows(lower)
    assert figures["task"] == "complexity" and intervals["task"] == "  mae ↓"
    assert (figures["adapter"], intervals["adapter"]) == ("0.40  n=200", "0.35 to 0.45")


def test_what_did_not_take_part_and_what_has_no_figure_are_left_open() -> None:
    figures, intervals = overview.rows(made("complexity", "mae", length=None, base=3.0))
    assert "adapter" not in figures and figures["trivial"] == "-  n=200" and "trivial" not in intervals


@pytest.fixture
def stored(settings: Settings) -> Settings:
    """A result of our own for every task, as `eval run` would have left it."""
    for name, task in all_tasks().items():
        rows = data.read_rows(examples.path_of(name, "test"), task, settings)
        report = made(name, task.primary, always_the_same=0.25, nearest=0.5, base=0.1, few_shot=0.3, mine=0.9)
        shipped = (examples.FOLDER / name / "adapter").is_dir()
        report["adapters"] = {name: adapters.find(settings, name).sha256} if shipped else {}
        report |= {"data_sha256": data.digest(rows), "rows": [{"row": 0}]}
        write_json(settings.evaluations_dir / name / "eval-20990101-000000.json", report)
    return settings


def report_all(settings: Settings, *flags: str) -> str:
    argv = [sys.executable, "-m", "finetune", "eval", "report", "--all", *flags]
    env = {**os.environ, **settings.to_env()}
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=400).stdout


def test_every_task_has_its_lines_and_none_is_wider_than_the_terminal(stored: Settings) -> None:
    shown = report_all(stored)
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].split() == list(overview.COLUMNS)
    for name, task in all_tasks().items():
        at = next(i for i, line in enumerate(lines) if line.split()[:1] == [name])
        assert lines[at].split()[1:] == [
            "0.10",
            "n=200",
            "0.30",
            "n=200",
            "0.25",
            "n=200",
            "0.50",
            "n=200",
            "0.90",
            "n=200",
        ]
        assert lines[at + 1].split()[0] == task.primary
        assert f"{name}: the best trivial system is always-the-same" in shown


def test_the_same_as_one_json_document_without_the_rows(stored: Settings) -> None:
    reports = json.loads(report_all(stored, "--json"))
    assert [r["task"] for r in reports] == list(all_tasks())
    for report in reports:
        assert {"task", "n", "data_sha256", "systems"} <= report.keys() and "rows" not in report
        assert {s["kind"] for s in report["systems"]} == {"base", "few-shot", "trivial", "adapter"}
