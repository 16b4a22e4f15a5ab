"""The failure doctor: why a run failed, in plain words, and what would help. Known causes are data (causes.json).

It looks for signs in the reason first, then in the end of the log. What it does not know it does not guess: then the
raw words are all there is.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from backends.errors import BadInput
from backends.files import read_json
from backends.settings import Settings
from finetune.recipes import recipe
from finetune.runs.run_folder import RunFolder
from finetune.runs.view import RunView

LAST_LINES = 40
TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Fix:
    """What a button does: `client.resume`, or `client.duplicate` with `changes` to the recipe."""

    label: str
    action: Literal["resume", "duplicate"]
    changes: dict[str, Any]


@dataclass(frozen=True)
class Diagnosis:
    """A cause that was recognised by its sign."""

    name: str
    cause: str
    advice: str
    sign: str  # the words that gave it away
    fix: Fix | None


def diagnose(
    reason: str, log: str = "", values: dict[str, Any] | None = None, resumable: bool = True
) -> Diagnosis | None:
    """The first known cause whose sign stands in `reason`, else in the last error of `log`; None is "not known".

    `values` is the recipe of the run, on which a fix builds.
    """
    for text in (reason, last_error(log)):
        for known in causes():
            for pattern in known["signs"]:
                if found := re.search(pattern, text):
                    fix = _fix(known["fix"], values, resumable)
                    return Diagnosis(known["name"], known["cause"], known["advice"], found[0], fix)
    return None


def of_run(settings: Settings, view: RunView) -> Diagnosis | None:
    """What is known about a run that failed or was lost."""
    if view.status not in ("failed", "lost"):
        return None
    folder = RunFolder(settings.runs_dir / view.run)
    return diagnose(view.reason, folder.log_tail(), folder.recipe, view.resumable)


@lru_cache(maxsize=1)
def causes() -> list[dict[str, Any]]:
    """`{"name", "signs", "cause", "advice", "fix"}`, the most telling ones first."""
    return list(read_json(Path(__file__).with_name("causes.json")))


def last_error(log: str) -> str:
    """The last traceback, else the last lines: warnings from further up are no causes."""
    before, mark, after = log.rpartition(TRACEBACK)
    return after if mark else "\n".join(before.splitlines()[-LAST_LINES:] or log.splitlines()[-LAST_LINES:])


def _fix(known: dict[str, Any] | None, values: dict[str, Any] | None, resumable: bool) -> Fix | None:
    """A fix that can be done on this very run: a change that changes nothing is none."""
    if known is None:
        return None
    if known["action"] == "resume":
        return Fix(known["label"], "resume", {}) if resumable else None
    if not known["changes"]:
        return Fix(known["label"], "duplicate", {})
    changes = {key: _changed((values or {}).get(key), change) for key, change in known["changes"].items()}
    try:
        before = recipe.make(values or {})
        return Fix(known["label"], "duplicate", changes) if before.change(**changes) != before else None
    except BadInput:
        return None


def _changed(value: Any, change: Any) -> Any:
    """`change` is the new value, or "/2" and "*2" of the old one."""
    match change:
        case str(text) if text[0] in "*/" and isinstance(value, int | float):
            factor = float(text[1:])
            new = value * factor if text[0] == "*" else value / factor
            return int(new) if isinstance(value, int) else new
        case _:
            return change
