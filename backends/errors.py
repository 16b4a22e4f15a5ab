"""Errors a person may read. `str(error)` is one sentence for the screen: what happened, where, what to do.

Anything that is not an AppError is a fault of ours: it is logged with its traceback and shown as such.
"""


class AppError(Exception):
    """Base of all expected errors; `kind` names it on the wire between the processes."""

    kind = "failed"


class BadInput(AppError):
    """A value from a person or a file is wrong; the message names it and what is accepted."""

    kind = "bad_input"


class NotFound(AppError):
    """A name that nothing answers to: adapter, base, task, run."""

    kind = "not_found"


class Refused(AppError):
    """Well-formed but not allowed: another base, missing keys, a format that does not match, no right to."""

    kind = "refused"


class Unavailable(AppError):
    """Cannot be done now or here: not prepared, no GPU, the engine is gone, the disk is full."""

    kind = "unavailable"


BY_KIND: dict[str, type[AppError]] = {cls.kind: cls for cls in (AppError, BadInput, NotFound, Refused, Unavailable)}


def from_wire(kind: str, message: str) -> AppError:
    """The error that another process reported as `{"error": kind, "message": ...}`."""
    return BY_KIND.get(kind, AppError)(message)
