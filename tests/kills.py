"""kill -9 at random moments, restart, resume; then count what was lost. `make kills`, or ten of them in `make faults`.

A lane is a data folder with its own control process. Its run is hit at a random moment, looked at, resumed, hit again,
until it succeeds; then its curve must be that of a run that nobody disturbed.
"""

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from backends import process
from backends.bases import embedded
from backends.catalog import EMBEDDED
from finetune import control
from finetune.recipes.recipe import Recipe
from finetune.runs import client
from finetune.runs.client import RunView
from finetune.runs.store import ACTIVE
from tests.faults import real_run
from tests.parts import tiny_base
from tests.parts.control_room import ControlRoom, kill, quick

#: promise P4: a dead run is shown as such within this many seconds
SHOWN_WITHIN = 5.0
PATIENCE = 240.0
LANES = 2
TINY_RECIPE = real_run.RECIPE.change(max_steps=60)
EMBEDDED_RECIPE = real_run.RECIPE.change(
    max_steps=12, eval_steps=6, save_steps=3, gradient_accumulation_steps=1, learning_rate=3e-4, precision="bf16"
)
Curve = dict[int, dict[str, float]]


@dataclass
class Counts:
    """What happened; all but the first three must stay 0."""

    kills: dict[str, int] = field(default_factory=lambda: {"trainer": 0, "control": 0, "both": 0})
    runs: int = 0
    resumes: int = 0
    lost_points: int = 0
    zombies: int = 0
    wrong_ends: int = 0
    second_trainers: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.kills.values())

    @property
    def faults(self) -> int:
        return self.lost_points + self.zombies + self.wrong_ends + self.second_trainers

    def complain(self, kind: str, words: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.complaints.append(f"{kind}: {words}")

    def __str__(self) -> str:
        hits = ", ".join(f"{number} {whom}" for whom, number in self.kills.items())
        return (
            f"{self.total} kills ({hits}), {self.resumes} resumes, {self.runs} whole runs: "
            f"{self.lost_points} lost points, {self.zombies} zombies, {self.wrong_ends} wrong final states, "
            f"{self.second_trainers} second trainers"
        )


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody disturbs: its curve, and how many seconds one takes."""

    base: str
    recipe: Recipe
    curve: Curve
    seconds: float

    @classmethod
    def done(cls, room: ControlRoom, base: str, recipe: Recipe) -> "Undisturbed":
        began, run = time.monotonic(), real_run.submit(room, "undisturbed", recipe, base)
        view = room.until_ended(run, PATIENCE)
        assert view.status == "succeeded", view
        return cls(base, recipe, real_run.curve(room, run), time.monotonic() - began)


class Lane:
    """One data folder, one run at a time, the same as the undisturbed one."""

    def __init__(self, room: ControlRoom, undisturbed: Undisturbed, seed: int, counts: Counts) -> None:
        self.room, self.undisturbed, self.counts = room, undisturbed, counts
        self.luck = random.Random(seed)

    def _submit(self) -> str:
        same = self.undisturbed
        return real_run.submit(self.room, f"run-{self.luck.getrandbits(64):x}", same.recipe, same.base)

    def disturb(self, kills: int) -> None:
        """Deliver that many kills, and bring every run that was hit to its end."""
        done = 0
        while done < kills:
            run = self._submit()
            with Watch(self.room, run, self.counts):
                while not self._ends_before(run, self.luck.uniform(0.0, self.undisturbed.seconds)) and done < kills:
                    done += self._hit(run)
                    run = self._bring_back(run)
                self._check_whole(run, self.room.until_ended(run, PATIENCE))

    def _ends_before(self, run: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.room.view(run).ended:
                return True
            time.sleep(0.05)
        return False

    def _hit(self, run: str) -> int:
        """One kill; 0 when there was nobody to kill just then."""
        trainer, master = self.room.row(run).process, control.elected(self.room.settings)
        whom = self.luck.choices(("trainer", "control", "both"), (6, 2, 2))[0]
        victims = {"trainer": [trainer], "control": [master], "both": [master, trainer]}[whom]
        living = [who for who in victims if who and process.alive(who)]
        if len(living) < len(victims):
            return 0
        seen = self.room.steps(run)[-1:]
        for who in living:
            kill(who)
        self.counts.kills[whom] += 1
        if trainer in living:
            left = self.room.steps(run)
            if left != list(range(len(left))) or left[-1:] < seen:
                self.counts.complain("lost_points", f"{run}: {seen} were seen, {left} are left")
        return 1

    def _bring_back(self, run: str) -> str:
        """Look, as page and CLI do, until the run is alive or has ended; resume it, or start over if it has nothing."""
        view = self._shown(run)
        if not view.ended:
            return run
        said = (self.room.folder(run).exit or {}).get("status")
        if view.status not in ("failed", "lost", "succeeded") or view.status != said:
            self.counts.complain("wrong_ends", f"{run} is {view.status}, its folder says {said}")
        if view.status == "succeeded":
            return run
        if not view.resumable:
            return self._submit()
        client.resume(self.room.settings, run, "local")
        self.counts.resumes += 1
        return run

    def _shown(self, run: str) -> RunView:
        deadline = time.monotonic() + SHOWN_WITHIN
        while True:
            row = self.room.row(run)
            dead = row.status in ACTIVE and row.process is not None and not process.alive(row.process)
            view = self.room.view(run)  # in this order: what is shown is no older than what was known
            if not dead:
                return view
            if time.monotonic() > deadline:
                self.counts.complain("zombies", f"{run} is {row.status}, its process {row.process} is gone")
                return self.room.until_ended(run, PATIENCE)
            time.sleep(0.02)

    def _check_whole(self, run: str, view: RunView) -> None:
        self.counts.runs += 1
        if view.status != "succeeded" or not view.adapter:
            self.counts.complain("wrong_ends", f"{run} ended as {view.status}: {view.reason}")
        elif wrong := real_run.differences(self.undisturbed.curve, real_run.curve(self.room, run)):
            self.counts.complain("lost_points", f"{run} differs from the undisturbed run at steps {wrong}")


class Watch:
    """Counts the trainers of a data folder all the time."""

    def __init__(self, room: ControlRoom, run: str, counts: Counts) -> None:
        self.room, self.run, self.counts = room, run, counts
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self.over.wait(0.3):
            if len(trainers := self.room.trainers(self.run)) > 1:
                self.counts.complain("second_trainers", f"{self.run} is done by {trainers}")

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


def tiny_room(folder: Path) -> ControlRoom:
    """ACR_CATALOG must name the tiny base already."""
    folder.mkdir(parents=True)
    room = ControlRoom(quick(folder / "data", grace=3.0, threads=1, catalog=Path(os.environ["ACR_CATALOG"])))
    tiny_base.prepare(room.settings)
    return room


def share(kills: int, lanes: int) -> list[int]:
    return [kills // lanes + (n < kills % lanes) for n in range(lanes)]


def tiny_kills(folder: Path, kills: int, counts: Counts, seed: int = 0) -> None:
    rooms = [tiny_room(folder / f"lane-{n}") for n in range(LANES)]
    undisturbed = Undisturbed.done(rooms[0], tiny_base.NAME, TINY_RECIPE)

    def one(room: ControlRoom, kills: int, seed: int) -> None:
        try:
            Lane(room, undisturbed, seed, counts).disturb(kills)
        finally:
            room.close()

    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(one, rooms, share(kills, LANES), range(seed, seed + LANES)))


def embedded_kills(folder: Path, bases: Path, kills: int, counts: Counts, seed: int = 0) -> None:
    folder.mkdir(parents=True)
    room = ControlRoom(quick(folder / "data", grace=3.0))
    room.settings.bases_dir.symlink_to(bases)
    try:
        Lane(room, Undisturbed.done(room, EMBEDDED, EMBEDDED_RECIPE), seed, counts).disturb(kills)
    finally:
        room.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", type=int, default=180)
    parser.add_argument("--embedded", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began, counts = time.monotonic(), Counts()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["ACR_CATALOG"] = str(tiny_base.catalog(Path(scratch) / "catalog"))
        if args.embedded:
            cache = quick(Path(os.environ.get("ACR_TEST_BASES") or Path.home() / ".cache" / "acr-test"))
            embedded.prepare_weights(cache, lambda what, fraction: None)
            embedded_kills(Path(scratch) / "embedded", cache.bases_dir, args.embedded, counts, args.seed)
            print(f"embedded base: {counts}, {time.monotonic() - began:.0f} s", flush=True)
        if args.tiny:
            tiny_kills(Path(scratch) / "tiny", args.tiny, counts, args.seed)
    print(f"in all: {counts}, {time.monotonic() - began:.0f} s")
    print("\n".join(counts.complaints))
    return 1 if counts.faults else 0


if __name__ == "__main__":
    sys.exit(main())
