"""Every fault of tests/injected.py is caught on both engines with a clear sentence; what ships raises no alarm."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.settings import Settings
from tests import injected
from tests.injected import Bench

pytestmark = pytest.mark.model


@pytest.fixture(scope="module", params=injected.ENGINES)
def at(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, prepared_bases: Path
) -> Iterator[Bench]:
    place = Settings(data_dir=tmp_path_factory.mktemp("injected"))
    place.bases_dir.symlink_to(prepared_bases)
    with injected.bench(place, request.param) as made:
        yield made


@pytest.mark.parametrize("fault", injected.FAULTS)
def test_a_fault_is_caught_with_a_sentence(at: Bench, fault: str) -> None:
    found = injected.FAULTS[fault](at)
    assert found.check != injected.NONE, found
    assert not found.sentence or (len(found.sentence) > 30 and "Traceback" not in found.sentence)


def test_what_ships_raises_no_alarm(at: Bench) -> None:
    assert injected.false_alarms(at) == []
