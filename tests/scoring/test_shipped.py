"""What ships is what the reports say: the same figures from the stored answers, the same answers from the adapter."""

from typing import Any

import pytest

from backends import adapters
from backends.engine_client import Engine
from backends.files import read_json
from backends.settings import Settings
from finetune import all_tasks, ask, examples, stats, task_named
from finetune.rows import data
from finetune.task import Scored

pytestmark = pytest.mark.slow

SHIPPED = [name for name in all_tasks() if examples.report_path(name).is_file()]
AGAIN = 20


def stored(name: str) -> dict[str, Any]:
    return read_json(examples.report_path(name))


def test_the_first_task_ships_an_adapter_with_a_report() -> None:
    assert "complexity" in SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_the_report_is_of_this_adapter_and_these_rows(name: str, settings: Settings) -> None:
    shipped, made = adapters.find(settings, name), stored(name)
    rows = data.read_rows(examples.path_of(name, "test"), task_named(name), settings)
    assert made["adapters"][name] == shipped.sha256 == shipped.card["weights_sha256"]
    assert made["data_sha256"] == data.digest(rows)
    train = data.read_rows(examples.path_of(name, "train"), task_named(name), settings)
    assert shipped.card["data"]["sha256"] == data.digest(train), "train it again: `make adapters`"
    assert (shipped.path / "NOTICE").read_text().startswith("Gemma is provided under")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_tells_the_figure_of_the_report(name: str, settings: Settings) -> None:
    primary = task_named(name).primary
    measured = next(system["metrics"][primary] for system in stored(name)["systems"] if system["name"] == name)
    assert adapters.find(settings, name).card["figures"]["shipped"] == {"metric": primary} | measured


@pytest.mark.parametrize("name", SHIPPED)
def test_the_figures_come_again_from_the_stored_answers(name: str, settings: Settings) -> None:
    task, made = task_named(name), stored(name)
    rows = data.read_rows(examples.path_of(name, "test"), task, settings)
    for system in made["systems"]:
        answers = {r["row"]: r["answers"][system["name"]] for r in made["rows"] if system["name"] in r["answers"]}
        scored = [_judged(task, rows[i], answers[i]) for i in sorted(answers)]
        for metric in task.metrics:
            assert stats.figure(metric, scored).value == pytest.approx(system["metrics"][metric.key]["value"], abs=1e-5)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_adapter_beats_the_base_and_every_constant_with_intervals_apart(name: str) -> None:
    metric = task_named(name).primary_metric
    systems = stored(name)["systems"]
    ours = next(s["metrics"][metric.key] for s in systems if s["name"] == name)
    others = {s["name"]: s["metrics"][metric.key] for s in systems if s["kind"] != "adapter"}
    for other, figure in others.items():
        apart = ours["high"] < figure["low"] if metric.better == "lower" else ours["low"] > figure["high"]
        assert apart, f"{name} against {other}: {ours} and {figure}"


@pytest.mark.model
@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_adapter_gives_the_stored_answers_again(name: str, base_settings: Settings) -> None:
    """Another processor may round otherwise, so one answer in four may differ; the figure must stay."""
    task, made = task_named(name), stored(name)
    rows = data.read_rows(examples.path_of(name, "test"), task, base_settings)[:AGAIN]
    before = {r["row"]: r["answers"][name] for r in made["rows"] if r["row"] < AGAIN}
    with Engine.start(base_settings, ("llama_cpp",), parallel=1) as engine:
        engine.wait_ready(lambda what, fraction: None)
        now = [ask.collect(ask.stream(engine, base_settings, task, row, name)) for row in rows]
    assert all(answer.receipt.adapter == name and answer.receipt.scale == 1.0 for answer in now)
    assert sum(answer.text == before[i]["answer"] for i, answer in enumerate(now)) >= AGAIN * 3 // 4
    again = stats.figure(task.primary_metric, [ask.score(task, r, a) for r, a in zip(rows, now, strict=True)])
    first = stats.figure(task.primary_metric, [_judged(task, rows[i], before[i]) for i in sorted(before)])
    assert again.value == pytest.approx(first.value, rel=0.15)


def _judged(task: Any, row: Any, answer: dict[str, Any]) -> Scored:
    if answer["problem"]:
        return Scored(row, answer["answer"], None, correct=False, problem=answer["problem"])
    return task.score(row, answer["answer"])
