"""Should you? Before a fine-tune the base is asked with a few examples in the prompt; that may be good enough.

It is an eval run like any other, on at most 30 held-out rows or 60 seconds of answering. Its score goes into the job of
the fine-tune that follows, as the baseline at step 0 of its curve.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from backends import catalog
from backends.settings import Settings
from finetune import formats
from finetune.compare import targets
from finetune.recipes.recipe import Recipe
from finetune.runs import submit
from finetune.scoring.evaluation import SHOTS
from finetune.task import Target, Task

ROWS, SECONDS = 30, 60
WITH_EXAMPLES = replace(submit.WITH_EXAMPLES, limit=ROWS)


def ask_base(
    settings: Settings,
    task: Task,
    source: Path,
    recipe: Recipe,
    *,
    base: str = catalog.EMBEDDED,
    fmt: formats.Format | None = None,
    owner: str = "local",
    key: str | None = None,
) -> str:
    """Submit the check on the validation rows that a fine-tune on `source` would have; returns the run's id."""
    train, val = submit.train_and_val(settings, task, source, recipe.seed)
    job = {
        "kind": "eval",
        "name": f"base with examples on {source.name}",
        "recipe": None,
        "systems": [vars(WITH_EXAMPLES)],
        "engine": catalog.base_named(base).engines[0],
        "constrained": True,
        "limits": {"minutes": settings.max_run_minutes, "answering_seconds": SECONDS},
    }
    asked = [row for row in val if not task.unfit(row)]  # as an adapter would refuse them too
    rows = {"test": asked[:ROWS], "train": train}
    return submit.hand_over(settings, task, job, rows, base=base, fmt=fmt, owner=owner, key=key)


def baseline(task: Task, report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The score as it is kept in a fine-tune's job; None when no answer gave a number."""
    figure = _figure(task, report)
    if figure["value"] is None:
        return None
    return {"metric": task.primary, "title": task.primary_metric.title} | {key: figure[key] for key in ("value", "n")}


def good_enough(task: Task, report: Mapping[str, Any], wanted: float | None = None) -> bool:
    """Does the base reach every target of the task (its speed apart), or the `wanted` value of its main metric?"""
    own = [target for target in task.targets if target.metric != "latency_ms"]
    asked = own if wanted is None else [Target(task.primary, wanted, task.primary_metric.better)]
    checked = targets.checked(asked, report["systems"][0])
    return bool(checked) and all(one["pass"] for one in checked)


def sentence(task: Task, report: Mapping[str, Any], wanted: float | None = None) -> str:
    """What the check says about a fine-tune, before it starts."""
    figure, title = _figure(task, report), task.primary_metric.title
    if figure["value"] is None:
        return f"The base gave no answer that can be scored on {figure['n']} rows: there is nothing to lose."
    score = f"{title} {figure['value']:.2f} ({figure['low']:.2f} to {figure['high']:.2f}, {figure['n']} rows)"
    reached = f"With {SHOTS} examples in the prompt the base without any training reaches {score}"
    if good_enough(task, report, wanted):
        return f"{reached}. That meets the target already: you may not need a fine-tune."
    return f"{reached}. This is the baseline that the fine-tune has to beat."


def _figure(task: Task, report: Mapping[str, Any]) -> dict[str, Any]:
    return dict(report["systems"][0]["metrics"][task.primary])
