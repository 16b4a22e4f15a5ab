"""Places for tests: a data folder of their own, and the embedded base prepared once for all of them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.bases import embedded
from backends.settings import Settings
from tests.split import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]  # a hook of pytest


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty data folder, quick ticks."""
    return Settings(data_dir=tmp_path / "data", tick=0.05, grace=0.5, stale=1.0, linger=1.0)


@pytest.fixture
def empty(settings: Settings) -> Iterator[Settings]:
    """An empty data folder for a base of its own, removed afterwards because that fills 250 MB."""
    yield settings
    shutil.rmtree(settings.data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def prepared_bases() -> Path:
    """The folder of prepared bases, kept between test runs because making it takes half a minute."""
    cache = Path(os.environ.get("ACR_TEST_BASES") or Path.home() / ".cache" / "acr-test")
    embedded.prepare_weights(Settings(data_dir=cache), lambda what, fraction: None)
    return cache / "bases"


@pytest.fixture
def base_settings(settings: Settings, prepared_bases: Path) -> Settings:
    """A data folder of its own in which the embedded base is ready to be asked and trained."""
    settings.data_dir.mkdir(parents=True)
    settings.bases_dir.symlink_to(prepared_bases)
    return settings
