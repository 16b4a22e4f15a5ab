"""One app on a rehearsed ZeroGPU for all tests that call it from inside, with a random two-layer base and adapters."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backends.catalog import bases
from backends.settings import Settings, settings
from tests.parts import random_adapter, tiny_base, wide_base
from tests.rehearsal.app import App, running

TINY = tiny_base.NAME


@dataclass(frozen=True)
class Place:
    """A data folder with the tiny base and the adapters `red` and `blue` on it."""

    folder: Path
    settings: Settings

    @property
    def environment(self) -> dict[str, str]:
        """The embedded base is left out: only tests/rehearsal/test_page.py asks it."""
        absent = str(self.folder / "none.gguf")
        return {"ACR_CATALOG": str(self.folder / "catalog"), "ACR_ZEROGPU_BASES": TINY, "ACR_BASE_GGUF": absent}


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("rehearsal")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACR_CATALOG", str(tiny_base.catalog(folder / "catalog")))
        forget_settings()
        made = Place(folder, Settings(data_dir=folder / "data", catalog=folder / "catalog"))
        made.settings.bases_dir.mkdir(parents=True)
        wide_base.prepare(made.settings)
        random_adapter.make(made.settings, "red", strength=0.5, seed=1, on=TINY)
        random_adapter.make(made.settings, "blue", strength=0.5, seed=5, on=TINY)
        yield made
    forget_settings()


@pytest.fixture(scope="session")
def app(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("app"), place.settings.data_dir, **place.environment) as started:
        yield started.started()


@pytest.fixture(autouse=True)
def a_willing_device(request: pytest.FixtureRequest) -> None:
    """Every test begins with a device that grants and keeps workers warm."""
    for name in {"app", "deployed"} & set(request.fixturenames):
        device = request.getfixturevalue(name).device
        device.answer, device.warm = None, True


def forget_settings() -> None:
    """The environment is read once; here it changes."""
    settings.cache_clear()
    bases.cache_clear()
