"""How a run ended: from what it said (exit.json), its exit code, and what control had asked of it."""

from dataclasses import dataclass
from typing import Any

from finetune.runs.endings.last_words import EXIT_NO_SPACE
from finetune.runs.store import FINAL


@dataclass(frozen=True)
class Evidence:
    """What is known once the process is gone."""

    kind: str
    cancelling: bool
    why_cancelled: str
    exit: dict[str, Any] | None
    #: negative for a signal; None when the process was not our child, so that nobody knows
    code: int | None
    has_adapter: bool


@dataclass(frozen=True)
class Verdict:
    """A final status and the sentence for it."""

    status: str
    reason: str


def judge(seen: Evidence) -> Verdict:
    """exit.json is believed, but for a training that claims success without an adapter."""
    if seen.exit is None:
        return _silent(seen)
    status, reason = seen.exit.get("status"), str(seen.exit.get("reason") or "")
    if status not in FINAL:
        return Verdict("failed", f"exit.json holds an unknown status {status!r}")
    if status == "succeeded" and seen.kind == "train" and not seen.has_adapter:
        return Verdict("failed", "finished without an adapter")
    if status == "cancelled" and seen.why_cancelled:
        reason = f"{seen.why_cancelled}; {reason}" if reason else seen.why_cancelled
    return Verdict(status, reason)


def _silent(seen: Evidence) -> Verdict:
    """The process is gone and left no word."""
    if seen.cancelling:
        return Verdict("cancelled", f"{seen.why_cancelled}; it did not stop by itself and was ended")
    if seen.code is None:
        return Verdict("lost", "the process is gone and left no word; it can be resumed from its last checkpoint")
    if seen.code < 0:
        often = " - often out of memory" if seen.code == -9 else ""
        return Verdict("failed", f"stopped by signal {-seen.code}{often}")
    if seen.code == EXIT_NO_SPACE:
        return Verdict("failed", "the disk is full: free some space and resume the run")
    return Verdict("failed", f"ended with exit code {seen.code} and no word; see the end of its log")
