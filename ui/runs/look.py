"""One look at the runs of a visitor, shared by the parts of the tab; each part draws only what is new in it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from finetune.runs.client import RunView
from ui import words
from ui.handlers import Updates
from ui.room import PAGE, Room
from ui.views import curve
from ui.views.curve import Curve

#: name -> what the part shows, and how it is drawn
Parts = dict[str, tuple[Any, Callable[[], Updates]]]


@dataclass(frozen=True)
class Look:
    room: Room
    owner: str
    #: the run that is shown in full; "" = none
    run_id: str
    #: so many newer runs stand on earlier pages of the list
    skip: int

    @cached_property
    def page(self) -> list[RunView]:
        return self.room.runs(self.owner, self.skip)[:PAGE]

    @property
    def older(self) -> bool:
        return len(self.room.runs(self.owner, self.skip)) > PAGE

    @cached_property
    def run(self) -> RunView | None:
        return self.room.run(self.run_id) if self.run_id else None

    @property
    def mine(self) -> bool:
        """Whoever has a run's link may look at it; only its owner gets the buttons, and control checks again."""
        return self.run is not None and self.run.owner == self.owner

    @cached_property
    def curve(self) -> Curve:
        if not self.run_id:
            return Curve()
        return curve.read(self.room.metrics(self.run_id), self.room.folder(self.run_id).baseline)

    @property
    def place(self) -> tuple[int, int] | None:
        """Which of how many that wait the run is."""
        waiting = self.room.queue() if self.run and self.run.status == "queued" else []
        return (waiting.index(self.run_id) + 1, len(waiting)) if self.run_id in waiting else None

    @property
    def live(self) -> bool:
        """May anything change by itself?"""
        seen = [*self.page, self.run] if self.run else self.page
        return any(view.status in words.ACTIVE for view in seen)


def news(parts: Parts, shown: dict[str, str]) -> tuple[Updates, dict[str, str]]:
    """The updates of every part that differs from `shown`, and what is shown then."""
    now = {name: json.dumps(value, default=str) for name, (value, _) in parts.items()}
    changed = [draw for name, (_, draw) in parts.items() if shown.get(name) != now[name]]
    return {component: value for draw in changed for component, value in draw().items()}, now
