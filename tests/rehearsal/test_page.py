"""The page as it is deployed, with the embedded base on the GPU: every shipped adapter, a refusal, the CPU instead."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends import adapters
from backends.catalog import EMBEDDED
from backends.settings import Settings
from tests.rehearsal import checks
from tests.rehearsal.app import SIGNED_IN, App, running
from tests.rehearsal.device_api import Refusal
from tests.rehearsal.visitor import Visitor

pytestmark = [pytest.mark.rehearsal, pytest.mark.model]
ON_GPU = {"Answer on the GPU": True}
ANSWERED = "Answered by "


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, prepared_bases: Path) -> Iterator[App]:
    data = tmp_path_factory.mktemp("deployed") / "data"
    data.mkdir()
    (data / "bases").symlink_to(prepared_bases)
    with running(tmp_path_factory.mktemp("space"), data) as started:
        yield started.started()


@pytest.fixture(scope="module")
def visitor(deployed: App) -> Visitor:
    return Visitor(deployed.url, SIGNED_IN, deployed.page)


def test_every_shipped_adapter_answers_through_gpu_call(deployed: App, tmp_path: Path) -> None:
    shipped = [a for a in adapters.adapters(Settings(data_dir=tmp_path)).values() if a.base == EMBEDDED]
    assert shipped
    for adapter in shipped:
        receipt = checks.receipt_of(deployed.ask(EMBEDDED, adapter.name, "Hello\n\nAnswer:", 3))
        assert (receipt.adapter, receipt.sha256, receipt.scale) == (adapter.name, adapter.sha256, 1.0)


def test_ask_answers_on_the_gpu_in_the_visitors_quota(deployed: App, visitor: Visitor) -> None:
    states = visitor.press("acr-ask", **ON_GPU)
    shown = next(state for state in states if ANSWERED in state)
    assert "adapter complexity" in shown and "engine transformers" in shown
    assert deployed.device.asked("/schedule")[-1]["token"] == SIGNED_IN


def test_a_refusal_offers_the_cpu_and_its_answer_says_so(deployed: App, visitor: Visitor) -> None:
    deployed.device.answer = Refusal(429, {"left": 3, "wait": 600}, {"X-Authenticated": "regular"})
    states = list(visitor.press("acr-ask", **ON_GPU))
    assert any("3 s left today" in state for state in states)
    assert not any(ANSWERED in state for state in states), "nothing answers in the GPU's place unasked"
    shown = next(state for state in visitor.press("acr-ask-instead", **ON_GPU) if ANSWERED in state)
    assert "on the CPU instead of the GPU, as you chose" in shown and "llama.cpp" in shown
