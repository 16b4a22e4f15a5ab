"""Stored evaluations: the newest one that matches, else the report that ships with the examples. Never computes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from backends import adapters
from backends.catalog import REMOTE
from backends.errors import NotFound
from backends.files import read_json
from backends.settings import Settings
from finetune import examples
from finetune.compare import stored_rows
from finetune.rows import data
from finetune.scoring.report import build as report_of
from finetune.task import Task


def newest(settings: Settings, task: Task, adapter: str | None = None) -> dict[str, Any] | None:
    """The newest stored report of `adapter` (by weight digest) on the task's test rows, or the shipped one, or None."""
    sha256 = adapters.find(settings, adapter).sha256 if adapter else None
    wanted = _test_digest(settings, task)
    stored = (read_json(path) for path in _stored(settings, task))
    candidates = [*stored, read_json(examples.report_path(task.name))]
    return next((r for r in candidates if r and _matches(r, adapter, sha256, wanted)), None)


def report(settings: Settings, task: Task, adapter: str | None = None) -> dict[str, Any]:
    found = newest(settings, task, adapter)
    if not found:
        name = f" --adapter {adapter}" if adapter else ""
        raise NotFound(f"No stored result for {task.name}: run `python -m finetune eval run --task {task.name}{name}`")
    return found


def against(settings: Settings, task: Task, made: dict[str, Any], model: str) -> dict[str, Any]:
    """The adapter of a report beside another model's stored baseline on the same rows, or on a sample of them.

    Nothing is asked again.
    """
    stored = (read_json(path) for path in _stored(settings, task))
    wanted = (r for r in stored if r and r["base"] in (model, REMOTE + model) and "candidate" not in r)
    rows = stored_rows.of(made)
    other = next((r for r in wanted if stored_rows.of(r).items() <= rows.items()), None)
    if not other:
        raise NotFound(
            f"No stored baseline of {model} on these rows of {task.name}: run `python -m finetune eval baseline "
            f"--task {task.name} --engine openai_http --model {model}`"
        )
    theirs = next(j for j in stored_rows.judged(other) if j.system.kind == "base")
    theirs = replace(theirs, system=replace(theirs.system, name=model, title=model))
    ours = [j for j in stored_rows.judged(made) if j.system.kind in ("adapter", "trivial")]
    facts = {key: value for key, value in made.items() if key not in stored_rows.MADE}
    facts["baseline_run"] = other["run"]
    return report_of(task, [*ours, theirs], facts)


def _stored(settings: Settings, task: Task) -> list[Path]:
    """Newest first."""
    return sorted((settings.evaluations_dir / task.name).glob("eval-*.json"), reverse=True)


def _test_digest(settings: Settings, task: Task) -> str:
    return data.digest(data.read_rows(examples.path_of(task.name, "test"), task, settings))


def _matches(report: dict[str, Any], adapter: str | None, sha256: str | None, data_sha256: str) -> bool:
    by_adapter = adapter is None or report.get("adapters", {}).get(adapter) == sha256
    return by_adapter and report.get("data_sha256") == data_sha256
