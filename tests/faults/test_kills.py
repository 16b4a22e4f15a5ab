"""Ten of the kills of `make kills`: at random moments, on the real trainer, and nothing is lost."""

import os
from pathlib import Path

import pytest

from tests import kills
from tests.parts.control_room import ControlRoom

pytestmark = pytest.mark.faults


def test_F5_ten_kills_at_random_moments_lose_nothing_and_change_no_curve(tiny: ControlRoom, tmp_path: Path) -> None:
    assert os.environ["ACR_CATALOG"]
    counts = kills.Counts()
    kills.tiny_kills(tmp_path / "kills", 10, counts)
    assert counts.total >= 10
    assert counts.faults == 0, "\n".join(counts.complaints)
