"""Which report the Compare tab is about: that of the comparison on the screen, else the newest stored one."""

from typing import Any

from backends.errors import NotFound
from backends.files import read_json
from finetune import task_named
from finetune.scoring import results
from ui import words
from ui.room import Room


def chosen(room: Room, run_id: str, name: str, adapter: str | None) -> dict[str, Any] | None:
    """None while the comparison still runs, and where nothing was compared yet."""
    if not run_id:
        return results.newest(room.settings, task_named(name), adapter) if adapter else None
    run = room.run(run_id)
    if run.status in words.ACTIVE:
        return None
    if report := read_json(room.folder(run_id).report_path):
        return report
    raise NotFound(run.reason or f"This comparison {words.STATUS[run.status][0]} without a report")


def needed(room: Room, *asked: Any) -> dict[str, Any]:
    """The same for what makes no sense without one."""
    if report := chosen(room, *asked):
        return report
    raise NotFound("There is no finished comparison on this page yet: press Start comparing")
