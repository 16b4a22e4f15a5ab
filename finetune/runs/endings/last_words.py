"""The last words of a run: the sentence for an error, and exit.json even where it cannot be written."""

import os
from contextlib import suppress
from typing import Any

from backends.errors import AppError
from backends.files import NO_SPACE
from finetune.runs.run_folder import RunFolder

#: exit code of a run that could not write how it ended, because the disk is full (EX_IOERR)
EXIT_NO_SPACE = 74
#: how libraries that are not written in Python tell the same
NO_SPACE_WORDS = ("No space left on device", "Disk quota exceeded", "File too large")


def known(error: BaseException, folder: RunFolder) -> str | None:
    """The sentence for an error that may happen to any run, or None for one that nobody expected."""
    if not folder.path.is_dir():
        return "The run folder is gone"
    if isinstance(error, AppError):
        return str(error)
    return f"The disk of {folder.path} is full: free some space and resume the run" if no_space(error) else None


def no_space(error: BaseException) -> bool:
    return getattr(error, "errno", None) in NO_SPACE or any(words in str(error) for words in NO_SPACE_WORDS)


def say(text: str) -> None:
    """One line of log.txt; a full disk costs the line, not the run."""
    with suppress(OSError):
        print(text, flush=True)


def leave(folder: RunFolder, exit: dict[str, Any]) -> int:
    """Write exit.json; the exit code of the process. On a full disk that code is all that can be left."""
    try:
        if folder.path.is_dir():  # one that was removed stays removed
            folder.write_exit(exit)
    except OSError as error:
        if not no_space(error):
            raise
        os._exit(EXIT_NO_SPACE)  # at once: the interpreter would stumble over the log that it cannot flush
    return 0 if exit["status"] == "succeeded" else 1
