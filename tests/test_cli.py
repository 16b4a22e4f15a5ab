"""The command line as its users run it: one JSON document on stdout, exit codes, one clear sentence for bad input."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backends.settings import ROOT, Settings

GOOD = {"code": "function f(a) { return a ? 1 : 2; }", "score": 1.5}


@pytest.fixture
def run(settings: Settings) -> Any:
    return lambda *words, text=None: finetune(settings, *words, text=text)


def finetune(settings: Settings, *words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **settings.to_env(), "ACR_LINGER": "1"}
    argv = [sys.executable, "-m", "finetune", *words]
    return subprocess.run(argv, cwd=ROOT, env=env, input=text, capture_output=True, text=True, timeout=400)


def rows(path: Path, *some: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in some))
    return str(path)


@pytest.mark.parametrize("command", ["tasks", "bases", "adapters", "recipes", "runs"])
def test_a_list_is_one_json_document(run: Any, command: str) -> None:
    done = run(command, "--json")
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), list)


def test_wrong_usage_ends_with_2(run: Any) -> None:
    assert run("train").returncode == 2
    assert run("no-such-command").returncode == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ('{"text": "a", "label": 1}\n', "code"),
        (json.dumps(GOOD) + "\n" + json.dumps({"code": GOOD["code"]}) + "\n", "line 2"),
        (json.dumps(GOOD | {"score": "high"}) + "\n", "line 1"),
        ("{broken\n", "line 1"),
    ],
)
def test_bad_rows_are_named_and_nothing_is_submitted(
    run: Any, settings: Settings, tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / "rows.jsonl").write_text(content)
    done = run("train", str(tmp_path / "rows.jsonl"), "--task", "complexity", "--json")
    assert done.returncode == 1
    assert words in json.loads(done.stdout)["message"]
    assert "Traceback" not in done.stderr
    assert not list(settings.runs_dir.glob("*")) and not list(settings.inbox_dir.glob("*.json"))


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("train", "missing.jsonl", "--task", "complexity"), "no file"),
        (("train", "README.md", "--task", "nonsense"), "no task"),
        (("generate", "--task", "complexity", "--adapter", "nobody", "x => x"), "nobody"),
        (("generate", "--task", "complexity", "--adapter", "none", "this is prose about code"), "JavaScript function"),
        (("generate", "--task", "complexity", "--adapter", "none", "   "), "empty"),
        (("generate", "--task", "complexity", "--adapter", "none"), "INPUT"),
        (("status", "nothing"), "no run"),
        (("eval", "report", "--task", "complexity", "--adapter", "nobody"), "nobody"),
        (("adapters", "verify", "nobody"), "nobody"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    run: Any, settings: Settings, words: tuple[str, ...], error: str
) -> None:
    done = run(*words)
    assert done.returncode == 1
    assert error in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not settings.bases_dir.exists(), "no engine was started for it"


def test_a_setting_that_no_recipe_has_is_refused(run: Any, tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", *[GOOD | {"code": f"function f{i}() {{}}"} for i in range(20)])
    done = run("train", source, "--task", "complexity", "--set", "trust_remote_code=true")
    assert done.returncode == 1 and "trust_remote_code" in done.stderr


@pytest.mark.model
def test_train_ask_and_compare_end_to_end(base_settings: Settings, tmp_path: Path) -> None:
    """Six real steps, then the new adapter answers under its own name and is compared with the base."""
    source = str(ROOT / "examples" / "complexity" / "val.jsonl")
    knobs = [f"--set={knob}" for knob in ("max_steps=6", "eval_steps=6", "per_device_train_batch_size=2")]
    done = finetune(base_settings, "train", source, "--task", "complexity", "--name", "six", *knobs, "--wait", "--json")
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert (status["status"], status["step"], status["adapter"]) == ("succeeded", 6, "six")
    assert status["eval_loss"] is not None

    asked, answers = rows(tmp_path / "in.jsonl", GOOD), tmp_path / "out.jsonl"
    done = finetune(
        base_settings, "generate", "--task", "complexity", "--adapter", "six", "--in", asked, "--out", str(answers)
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(answers.read_text())
    assert answer["receipt"]["adapter"] == "six" and answer["receipt"]["scale"] == 1.0
    assert answer["valid"] and 1.0 <= answer["parsed"] <= 10.0

    done = finetune(base_settings, "compare", "six", "base", "--task", "complexity", "--sample", "3", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [s["name"] for s in report["systems"]] == ["six", "base"]
    assert sum(report["verdicts"].values()) == 3
    assert report["adapters"]["six"] == answer["receipt"]["sha256"]

    done = finetune(base_settings, "adapters", "verify", "six", "--json")
    verified = json.loads(done.stdout)
    assert verified["ok"] and verified["effect"] > 0
