"""From what a person asked for to a job: rows read, checked and split, systems chosen, then handed to control.

Everything that can be wrong is said here, before a run exists.
"""

import secrets
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from backends import adapters, catalog
from backends.errors import BadInput, Refused
from backends.guards import safe_name
from backends.settings import Settings
from finetune import examples, formats
from finetune.recipes.recipe import Recipe
from finetune.rows import data
from finetune.runs import client
from finetune.scoring import baselines
from finetune.scoring.report import System
from finetune.task import Row, Task
from finetune.training import sliced

#: rows for the systems that are slow and less interesting than the adapter
BASE_ROWS = 100
WITH_EXAMPLES = System("few-shot", "base, with examples in the prompt", "few-shot", limit=BASE_ROWS)


def training(
    settings: Settings,
    task: Task,
    source: Path,
    recipe: Recipe,
    *,
    base: str = catalog.EMBEDDED,
    fmt: formats.Format | None = None,
    name: str | None = None,
    baseline: dict[str, Any] | None = None,
    owner: str = "local",
    key: str | None = None,
    engine: str = "local",
) -> str:
    """Submit a fine-tune on the rows of `source`; returns the run's id. A `val.jsonl` beside it is its val set.

    `engine` is "local", or "zero_gpu" for one that learns in slices (finetune/training/sliced.py). `fmt` is the prompt
    format; without it the one that suits the base. `baseline` is the base's score before it, as
    finetune/scoring/should_you.py found it.
    """
    if engine == sliced.ENGINE and (why := sliced.refusal(base, settings)):
        raise Refused(why)
    train, val = train_and_val(settings, task, source, recipe.seed)
    key = key or secrets.token_hex(16)
    job = {
        "kind": "train",
        "engine": engine,
        "name": safe_name(name or f"{task.name}-{time.strftime('%m%d-%H%M')}-{key[:4]}", "the adapter's name"),
        "recipe": recipe.to_json(),
        "limits": {"minutes": min(recipe.max_minutes or settings.max_run_minutes, settings.max_run_minutes)},
    }
    job |= {"baseline": baseline} if baseline else {}
    return hand_over(settings, task, job, {"train": train, "val": val}, base=base, fmt=fmt, owner=owner, key=key)


def train_and_val(settings: Settings, task: Task, source: Path, seed: int) -> tuple[Sequence[Row], Sequence[Row]]:
    """Clean rows for training and for the eval loss; rows of val never stand in train."""
    rows = data.read_rows(source, task, settings)
    beside = source.with_name("val.jsonl")
    if source.name == "train.jsonl" and beside.is_file():
        val = data.read_rows(beside, task, settings)
        seen = {data.input_key(task, row) for row in val}
        rows = [row for row in rows if data.input_key(task, row) not in seen]
    else:
        rows, val = data.split(rows, task, seed=seed)
    if not rows or not val:
        raise BadInput(f"{source.name}: too few different rows to train on and to check with; at least 10 are needed")
    return rows, val


def evaluation(
    settings: Settings,
    task: Task,
    adapter: str | None,
    *,
    against: str | None = None,
    source: Path | None = None,
    sample: int | None = None,
    base: str = catalog.EMBEDDED,
    engine: str = "llama_cpp",
    owner: str = "local",
    constrained: bool = True,
    key: str | None = None,
) -> str:
    """Submit a whole-test-set comparison of `adapter` with the base and the trivial systems; returns the run's id.

    With `against` (another adapter, or "base") just those two are compared.
    """
    rows = data.read_rows(source or examples.path_of(task.name, "test"), task, settings)[:sample]
    chosen = systems(task, adapter, against)
    taught = task.probe or any(system.kind in ("trivial", "few-shot") for system in chosen)
    train = data.read_rows(examples.path_of(task.name, "train"), task, settings) if taught else []
    fmt = None
    if adapter:
        if base.startswith(catalog.REMOTE):
            raise BadInput(f"The adapter {adapter} cannot answer on {base}: leave one of the two out")
        found = adapters.find(settings, adapter)
        adapters.check(settings, found)
        base = found.base
        fmt = formats.of_adapter(task, found.card, adapter, catalog.base_named(base), settings)
    job = {
        "kind": "eval",
        "name": f"{adapter or 'base'} on {task.name}",
        "recipe": None,
        "systems": [vars(system) for system in chosen],
        "engine": engine,
        "constrained": constrained,
        "limits": {"minutes": settings.max_run_minutes},
    }
    return hand_over(settings, task, job, {"test": rows, "train": train}, base=base, fmt=fmt, owner=owner, key=key)


def systems(task: Task, adapter: str | None, against: str | None = None) -> list[System]:
    """Who takes part: the cheap ones first, so that the report has something to show early."""
    if against or task.probe:
        return [_asked(adapter), _asked(against)] if adapter else [_asked(against)]
    made = [System(t.name, t.title, "trivial") for t in (*task.trivial, baselines.nearest(task))]
    made.append(replace(_asked(None), limit=BASE_ROWS))
    made.append(WITH_EXAMPLES)
    if task.constraint:
        made += [_free(who) for who in dict.fromkeys((adapter, None))]
    return [_asked(adapter), *made] if adapter else made


def _free(adapter: str | None) -> System:
    """The same contestant without the form that answers are held to, so that its share of the result is seen."""
    held = _asked(adapter)
    return replace(held, name=f"{held.name}-free", title=f"{held.title}, any form", limit=BASE_ROWS, free=True)


def _asked(name: str | None) -> System:
    if name in (None, "", "none", "base"):
        return System("base", "base, no examples", "base")
    return System(name, f"adapter {name}", "adapter", adapter=name)


def hand_over(
    settings: Settings,
    task: Task,
    job: dict[str, Any],
    rows: dict[str, Sequence[Row]],
    *,
    base: str,
    fmt: formats.Format | None,
    owner: str,
    key: str | None,
) -> str:
    """Give a job and its rows to control; returns the run's id."""
    with tempfile.TemporaryDirectory() as scratch:
        files = {f"{split}.jsonl": Path(scratch) / f"{split}.jsonl" for split in rows}
        for split, some in rows.items():
            data.write_rows(files[f"{split}.jsonl"], some)
        made = complete(settings, task, job, rows, catalog.base_named(base), fmt=fmt, owner=owner, key=key)
        return client.submit(settings, made, files)


def complete(
    settings: Settings,
    task: Task,
    job: dict[str, Any],
    rows: dict[str, Sequence[Row]],
    base: catalog.Base,
    *,
    owner: str,
    key: str | None = None,
    fmt: formats.Format | None = None,
) -> dict[str, Any]:
    """The job with all that its process must know; only the run's id is given by control."""
    main = "train" if job["kind"] == "train" else "test"
    counts = {split: len(some) for split, some in rows.items()}
    return job | {
        "task": task.name,
        "base": base.name,
        "engine": job.get("engine", "local"),
        "format": formats.stamp(task, fmt or formats.format_for(base, settings)),
        "data": {split: f"{split}.jsonl" for split in rows} | {"sha256": data.digest(rows[main]), "counts": counts},
        "owner": owner,
        "submit_key": key or secrets.token_hex(16),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
