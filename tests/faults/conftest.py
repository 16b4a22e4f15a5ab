"""Every fault test gets a data folder with quick ticks, and leaves no process behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.catalog import bases
from backends.settings import settings
from tests.parts import tiny_base
from tests.parts.control_room import ControlRoom, quick


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test first, so that the others run beside it and none waits for it at the end."""
    items.sort(key=lambda item: not item.name.startswith("test_F5_ten_kills"))


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ControlRoom]:
    made = ControlRoom(quick(tmp_path / "data"))
    yield made
    made.close()


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlRoom]:
    """A control room in which the real trainer has a random two-layer base."""
    monkeypatch.setenv("ACR_CATALOG", str(tiny_base.catalog(tmp_path / "catalog")))
    forget_settings()
    made = ControlRoom(quick(tmp_path / "data", grace=3.0, threads=1, catalog=tmp_path / "catalog"))
    tiny_base.prepare(made.settings)
    yield made
    made.close()
    monkeypatch.undo()
    forget_settings()


def forget_settings() -> None:
    """The environment is read once; here it changes."""
    settings.cache_clear()
    bases.cache_clear()
