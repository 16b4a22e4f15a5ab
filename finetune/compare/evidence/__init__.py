"""The evidence of a comparison or a run: one JSON from which every number comes again, and one static page of it."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backends import adapters, catalog
from backends.errors import BadInput, NotFound
from backends.files import dump_json, read_json, write_bytes
from backends.settings import Settings
from finetune import stats, task_named
from finetune.compare.evidence import curves, page
from finetune.compare.votes import ballots, pairs, tally
from finetune.runs.run_folder import RunFolder
from finetune.scoring import results

VERSION = 1
JSON, HTML = "evidence.json", "evidence.html"

Evidence = dict[str, Any]


def of_run(settings: Settings, run: str) -> Evidence:
    """Of a comparison that is done, or of a fine-tune with the newest comparison of what came out of it."""
    folder = RunFolder(settings.runs_dir / run)
    if folder.job["kind"] != "eval":
        return _of_training(settings, folder)
    made = read_json(folder.report_path)
    if not made:
        raise NotFound(f"The comparison {run[:8]} has no report: let it end, or resume it")
    return of_report(settings, made)


def of_file(settings: Settings, path: Path) -> Evidence:
    """Of a stored report: a file of DATA_DIR/evaluations, or `examples/<task>/report.json`."""
    made = read_json(path)
    if not isinstance(made, dict) or not {"task", "systems", "rows"} <= made.keys():
        raise BadInput(f"{path.name} is no report of a comparison: give a run, or a file of DATA_DIR/evaluations")
    return of_report(settings, made)


def of_report(settings: Settings, made: Mapping[str, Any]) -> Evidence:
    told = made.get("adapters", {})
    title = f"{' and '.join(told) or made.get('base', 'base')} on {task_named(made['task']).title}"
    training = [_training_of(settings, name, sha256) for name, sha256 in told.items()]
    return _whole("comparison", title, made, [one for one in training if one], _votes(settings, made))


def _of_training(settings: Settings, folder: RunFolder) -> Evidence:
    task, name = task_named(folder.job["task"]), (folder.exit or {}).get("adapter")
    known = adapters.adapters(settings).get(name or "")
    made = results.newest(settings, task, known.name) if known else None
    training = _training(folder.job["name"], known.card if known else {}, folder)
    votes = _votes(settings, made) if made else None
    return _whole("training", f"fine-tune {folder.job['name']}", made, [training], votes)


def _whole(
    kind: str,
    title: str,
    made: Mapping[str, Any] | None,
    training: list[dict[str, Any]],
    votes: dict[str, Any] | None,
) -> Evidence:
    base = catalog.bases().get(made["base"]) if made and "base" in made else None
    return {
        "evidence": VERSION,
        "kind": kind,
        "title": title,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "base_sha256": base.sha256 if base else None,
        "statistics": {"level": stats.LEVEL, "resamples": stats.RESAMPLES, "seed": 0},
        "report": dict(made) if made else None,
        "training": training,
        "votes": votes,
    }


def _training_of(settings: Settings, name: str, sha256: str | None) -> dict[str, Any] | None:
    """How the adapter that answered was made; one that has other weights by now says nothing about it."""
    known = adapters.adapters(settings).get(name)
    if not known or known.sha256 != sha256:
        return None
    return _training(name, known.card, RunFolder(settings.runs_dir / str(known.card.get("run", "none"))))


def _training(name: str, card: Mapping[str, Any], folder: RunFolder) -> dict[str, Any]:
    """What the card says; the curve where the run is still there, which for an adapter from elsewhere it is not."""
    points = [curves.point(point) for point in folder.metrics()]
    job = folder.job if folder.path.is_dir() else {}
    known = ("task", "base", "engine", "format", "recipe", "data", "limits")
    return {
        "name": name,
        "card": dict(card),
        "job": {key: job[key] for key in known if key in job},
        "ended": folder.exit,
        "curve": points,
        "figures": curves.figures(points),
    }


def _votes(settings: Settings, made: Mapping[str, Any]) -> dict[str, Any] | None:
    """All blind votes on these answers; voters by number, because a page travels further than a name should."""
    if "candidate" not in made:
        return None
    try:
        poll = ballots.poll(settings, pairs.of_report(made).id)
    except NotFound:
        return None
    votes = {f"voter {number}": list(cast) for number, cast in enumerate(poll.votes.values(), 1)}
    whole = ballots.Poll(poll.comparison, poll.task, poll.contestants, votes)
    contestants = [vars(who) for who in poll.contestants]
    return {
        "comparison": poll.comparison,
        "task": poll.task,
        "contestants": contestants,
        "votes": votes,
        "tally": tally.tally(whole),
    }


def json_of(evidence: Evidence) -> str:
    return dump_json(evidence, indent=1) + "\n"


def write(evidence: Evidence, folder: Path) -> list[Path]:
    """Both files, whole or not at all."""
    files = {JSON: json_of(evidence), HTML: page.drawn(evidence)}
    for name, text in files.items():
        write_bytes(folder / name, text.encode())
    return [folder / name for name in files]
