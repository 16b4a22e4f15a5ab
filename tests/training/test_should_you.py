"""Should you? The base with a few examples is scored before a fine-tune: few rows, little time, an honest sentence."""

from pathlib import Path
from typing import Any

import pytest

from backends.engine_client import Engine
from backends.files import read_json, write_json
from backends.settings import Settings
from finetune import examples, task_named
from finetune.recipes.recipe import Recipe
from finetune.rows import data
from finetune.runs import client, submit
from finetune.runs.run_folder import RunFolder
from finetune.scoring import report, should_you
from finetune.scoring.evaluation import Evaluation
from finetune.task import Task
from ui.views import curve, plots

TASK = task_named("complexity")
CODE = "function f(a) {{ return a + {}; }}"
ROWS: list[dict[str, Any]] = [{"code": CODE.format(n), "score": 1.0 + n % 5} for n in range(40)]


def made(task: Task, rows: list[dict[str, Any]], answers: list[str]) -> dict[str, Any]:
    """A report of the base with examples that gave these answers."""
    scored = {n: task.score(row, answer) for n, (row, answer) in enumerate(zip(rows, answers, strict=True))}
    return report.build(task, [report.Judged(should_you.WITH_EXAMPLES, scored)], {})


def test_the_score_is_kept_with_its_rows() -> None:
    told = made(TASK, ROWS[:5], ["2.0"] * 5)
    assert should_you.baseline(TASK, told) == {"metric": "mae", "title": "mean absolute error", "value": 1.4, "n": 5}
    assert should_you.sentence(TASK, told).endswith("This is the baseline that the fine-tune has to beat.")


def test_without_an_answer_there_is_no_score() -> None:
    told = made(TASK, [], [])
    assert should_you.baseline(TASK, told) is None
    assert "no answer that can be scored" in should_you.sentence(TASK, told)


def test_a_target_that_is_met_is_said_and_one_that_is_missed_is_not() -> None:
    told = made(TASK, ROWS[:5], ["2.0"] * 5)
    assert "you may not need a fine-tune" in should_you.sentence(TASK, told, wanted=1.5)
    assert "has to beat" in should_you.sentence(TASK, told, wanted=0.5)
    assert not should_you.good_enough(TASK, told), "this task has no target of its own"


def test_the_targets_of_a_task_count_without_its_speed() -> None:
    task = task_named("sourcegraph")
    rows = data.read_jsonl(examples.path_of("sourcegraph", "val"))[:4]
    right = [row["query"] for row in rows]
    assert should_you.good_enough(task, made(task, rows, right))
    assert not should_you.good_enough(task, made(task, rows, ["type:diff"] * 4))


def job_of(settings: Settings, seconds: float) -> RunFolder:
    folder = RunFolder(settings.runs_dir / "check")
    rows = {"test": ROWS[:6], "train": ROWS[6:]}
    for split, some in rows.items():
        data.write_rows(folder.data_dir / f"{split}.jsonl", some)
    job = {
        "kind": "eval",
        "run": "check",
        "systems": [vars(should_you.WITH_EXAMPLES)],
        "engine": "echo",
        "constrained": True,
        "limits": {"minutes": 1, "answering_seconds": seconds},
    }
    base = submit.catalog.base_named(submit.catalog.EMBEDDED)
    folder.write_job(submit.complete(settings, TASK, job, rows, base, owner="local"))
    folder.claim()
    return folder


@pytest.mark.parametrize(("seconds", "rows"), [(0.0, 0), (600.0, 6)])
def test_answering_ends_when_its_time_is_over(base_settings: Settings, seconds: float, rows: int) -> None:
    evaluation = Evaluation(job_of(base_settings, seconds), base_settings)
    with Engine.start(base_settings, ("echo",), parallel=1) as engine:
        engine.wait_ready(lambda what, fraction: None)
        evaluation.answer_all(engine)
    told = evaluation.report(1.0)
    assert [system["n"] for system in told["systems"]] == [rows]
    assert should_you.sentence(TASK, told)


def test_the_baseline_stands_at_step_0_of_the_curve(settings: Settings) -> None:
    folder = RunFolder(settings.runs_dir / "run")
    write_json(
        folder.path / "job.json", {"baseline": {"metric": "mae", "title": "mean absolute error", "value": 1.2, "n": 5}}
    )
    points = [{"step": 0, "eval_loss": 2.0}, {"step": 5, "loss": 1.5, "eval_loss": 1.0}]
    read = curve.read(points, folder.baseline)
    said = "base with examples: mean absolute error 1.20 on 5 rows"
    assert read.before == said
    assert curve.sentence(read).endswith(f"Before training, the {said}.")
    drawn = plots.loss_figure(read)
    assert said in [note.text for note in drawn.layout.annotations]
    assert [shape.x0 for shape in drawn.layout.shapes if shape.x0 == shape.x1] == [0]
    assert RunFolder(settings.runs_dir / "gone").baseline == {}


@pytest.mark.model
def test_the_base_is_asked_on_few_held_out_rows_as_a_run(base_settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    data.write_rows(source, ROWS)
    run = should_you.ask_base(base_settings, TASK, source, Recipe())
    view = client.wait(base_settings, run, lambda view: None)
    assert (view.status, view.kind) == ("succeeded", "eval")
    told = read_json(base_settings.runs_dir / run / "report.json")
    _, val = submit.train_and_val(base_settings, TASK, source, Recipe().seed)
    assert [system["kind"] for system in told["systems"]] == ["few-shot"]
    assert told["n"] == len(val) <= should_you.ROWS
    score = should_you.baseline(TASK, told)
    assert score and score["n"] == told["systems"][0]["metrics"]["mae"]["n"]
    fine_tune = submit.training(base_settings, TASK, source, Recipe(max_steps=1), baseline=score)
    client.cancel(base_settings, fine_tune, owner="local")
    assert RunFolder(base_settings.runs_dir / fine_tune).baseline == score
    client.wait(base_settings, fine_tune, lambda view: None)
