"""The rehearsal itself: an app with one of the known faults does not pass it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rehearsal import broken, checks
from tests.rehearsal.app import running
from tests.rehearsal.conftest import Place

pytestmark = pytest.mark.rehearsal


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        (broken.loads_in_a_thread, "no weights were placed"),
        (broken.leaves_the_device_to_peft, "(?s)the app ended.*pin_memory"),
        (broken.keeps_the_adapter, "another adapter answered"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_app_is_caught(place: Place, tmp_path: Path, fault: Callable[[], None], noticed: str) -> None:
    with (
        running(tmp_path, place.settings.data_dir, fault.__name__, **place.environment) as app,
        pytest.raises(AssertionError, match=noticed),
    ):
        app.started()
        checks.base_is_packed(app)
        checks.everyone_gets_what_he_asked_for(app)
