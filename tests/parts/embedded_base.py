"""Preparing the embedded base in a folder of its own: what is said on the way, and what lies there afterwards."""

from backends.bases import embedded
from backends.settings import Settings


def quiet(what: str, fraction: float) -> None:
    """Take progress and show none."""
    assert 0 <= fraction <= 1, what


def left_over(settings: Settings) -> list[str]:
    """What lies in the folder of the base, but for its locks."""
    return sorted(path.name for path in embedded.folder(settings).iterdir() if not path.name.endswith("lock"))
