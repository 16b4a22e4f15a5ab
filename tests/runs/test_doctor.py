"""The failure doctor against messages of real libraries: named rightly, fixed where possible, never guessed."""

import json
import re
from pathlib import Path

import pytest

from finetune.cli import runs as cli_runs
from finetune.recipes import recipe
from finetune.runs.endings import doctor
from tests.parts.control_room import ControlRoom, quick

CORPUS = [json.loads(line) for line in Path(__file__).with_name("error_corpus.jsonl").read_text().splitlines()]
RECIPE = recipe.Recipe().to_json()


@pytest.mark.parametrize(
    "case", CORPUS, ids=lambda case: f"{case['cause']}-{(case.get('reason') or case['log'])[-30:]}"
)
def test_a_message_is_given_its_cause_or_none(case: dict) -> None:
    found = doctor.diagnose(case.get("reason", ""), case.get("log", ""), RECIPE)
    assert (found and found.name) == case["cause"]
    if found:
        assert found.sign in case.get("reason", "") + case.get("log", "")


def test_every_known_cause_has_a_real_message_in_the_corpus() -> None:
    names = [cause["name"] for cause in doctor.causes()]
    assert len(names) == len(set(names)) >= 25
    assert set(names) == {case["cause"] for case in CORPUS if case["cause"]}


def test_every_cause_is_told_in_whole_sentences_and_its_fix_can_be_done() -> None:
    for cause in doctor.causes():
        for text in (cause["cause"], cause["advice"]):
            assert re.fullmatch(r"[A-Zb].+\.", text), cause["name"]
        if cause["fix"]:
            fix = doctor._fix(cause["fix"], RECIPE | {"quantization": "int8", "gradient_checkpointing": True}, True)
            assert fix and fix.label[0].isupper()
            recipe.make(RECIPE).change(**fix.changes)


def test_a_fix_is_a_change_of_this_very_recipe() -> None:
    found = doctor.diagnose("CUDA out of memory", "", RECIPE | {"per_device_train_batch_size": 8})
    assert found and found.fix
    assert found.fix.changes == {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4}
    slower = doctor.diagnose("The loss was not a number", "", RECIPE)
    assert slower and slower.fix and slower.fix.changes["learning_rate"] == pytest.approx(1e-4)


def test_a_fix_that_cannot_be_done_is_not_offered() -> None:
    smallest = doctor.diagnose("CUDA out of memory", "", RECIPE | {"per_device_train_batch_size": 1})
    assert smallest and smallest.fix is None
    stuck = doctor.diagnose("stopped by signal 11", resumable=False)
    assert stuck and stuck.fix is None


def test_status_names_the_cause_of_a_failed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    room = ControlRoom(quick(tmp_path / "data"))
    try:
        run = room.submit("run", steps=9, nan_at=2, nan_steps=5)
        assert room.until_ended(run).status == "failed"
        monkeypatch.setattr(cli_runs, "settings", lambda: room.settings)
        from finetune import cli

        assert cli.main(["status", run, "--json"]) == 0
        said = json.loads(capsys.readouterr().out)["doctor"]
        assert said["name"] == "not-a-number" and "learning_rate" in said["advice"]
        unknown = room.submit("unknown", steps=9, fail_at=2)
        room.until_ended(unknown)
        assert cli.main(["status", unknown, "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown["doctor"] is None and shown["reason"] == "Step 2 failed, as asked for"
    finally:
        room.close()
