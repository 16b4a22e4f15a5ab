"""A run as page and CLI see it: the store's row, and the numbers from the run folder. Reads only."""

from dataclasses import asdict, dataclass
from typing import Any

from backends import process
from backends.settings import Settings
from finetune.runs.run_folder import RunFolder
from finetune.runs.store import FINAL, RESUMABLE, Row

STATUS_KEYS = (
    "run", "status", "step", "steps", "train_loss", "eval_loss", "seconds", "seconds_left", "reason",
    "adapter",
)  # fmt: skip


@dataclass(frozen=True)
class RunView:
    """`status --json` is `to_json()`; the rest is for lists and the page."""

    run: str
    status: str
    step: int | None
    steps: int | None
    train_loss: float | None
    eval_loss: float | None
    seconds: float | None
    seconds_left: float | None
    reason: str
    adapter: str | None
    name: str
    kind: str
    task: str
    base: str
    created: str
    owner: str
    attempt: int
    #: may it go on where it was? Its owner decides with `client.resume`
    resumable: bool = False
    #: where a run that has not ended is done: "local", "zero_gpu" (finetune/training/sliced.py), "echo"
    engine: str = ""
    #: seconds since the last heartbeat of a run that is going on; None while it has none
    sign_of_life: float | None = None
    #: one sentence when something about this run wants attention
    note: str = ""

    @property
    def ended(self) -> bool:
        return self.status in FINAL

    def to_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key in STATUS_KEYS}


def summary_of(folder: RunFolder) -> dict[str, Any]:
    """Newest value of each number, null ones skipped: a NaN loss is a gap, not a result."""
    newest: dict[str, Any] = {}
    for point in folder.metrics():
        newest.update({key: value for key, value in point.items() if value is not None})
    said = (folder.exit or {}).get("seconds")
    return {
        "step": newest.get("step"),
        "steps": newest.get("steps"),
        "train_loss": newest.get("loss"),
        "eval_loss": newest.get("eval_loss"),
        "seconds": said if said is not None else newest.get("seconds"),
    }


def view_of(settings: Settings, row: Row) -> RunView:
    folder = RunFolder(settings.runs_dir / row.run)
    ended, queued = row.status in FINAL, row.status == "queued"
    numbers = row.summary if ended else summary_of(folder)
    beat = None if ended or queued else folder.seconds_since_beat
    return RunView(
        run=row.run,
        status=row.status,
        step=numbers.get("step"),
        steps=numbers.get("steps"),
        train_loss=numbers.get("train_loss"),
        eval_loss=numbers.get("eval_loss"),
        seconds=numbers.get("seconds"),
        seconds_left=None if ended or queued else _seconds_left(numbers),
        reason=row.reason,
        adapter=row.adapter,
        name=row.name,
        kind=row.kind,
        task=row.task,
        base=row.base,
        created=row.created,
        owner=row.owner,
        attempt=row.attempt,
        resumable=resume_refusal(row, folder) is None,
        engine="" if ended else folder.engine,
        sign_of_life=beat,
        note=_note(settings, row, folder, beat),
    )


def _seconds_left(numbers: dict[str, Any]) -> float | None:
    step, steps, seconds = numbers["step"], numbers["steps"], numbers["seconds"]
    return seconds * (steps - step) / step if step and steps and seconds else None


def _note(settings: Settings, row: Row, folder: RunFolder, beat: float | None) -> str:
    if row.process and not process.alive(row.process) and row.status not in FINAL:
        return "The process is gone; how it ended is being found out."
    if beat is not None and beat > settings.stale:
        return f"No sign of life for {beat:.0f} s. It is not ended for that; cancel it if it stays silent."
    if resume_refusal(row, folder) is None:
        kept = folder.newest_checkpoint()
        return f"It can be resumed from {kept.name.replace('-', ' ')}." if kept else "It can be resumed."
    return ""


def resume_refusal(row: Row, folder: RunFolder) -> str | None:
    """Why a run cannot go on, or None when it can. An evaluation goes on from the answers that it has."""
    if row.status not in RESUMABLE:
        return f"A run that is {row.status} cannot be resumed"
    if row.kind == "train" and folder.newest_checkpoint() is None:
        return "This run has no complete checkpoint to go on from; start it again instead"
    return None
