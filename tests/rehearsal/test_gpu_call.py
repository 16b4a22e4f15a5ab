"""`gpu_call` in the app as it is deployed: start-up, packing, fork, pickling, streaming, cancelling, warm workers."""

from pathlib import Path

import pytest

from backends import adapters
from backends.base import AnswerReceipt
from backends.zero_gpu.seconds import LEAST
from tests.parts import random_adapter
from tests.parts.tiny_base import NAME as TINY
from tests.rehearsal import checks
from tests.rehearsal.app import App, running, wire
from tests.rehearsal.conftest import Place

pytestmark = pytest.mark.rehearsal


def test_the_start_is_reported_once_with_the_base_packed(app: App) -> None:
    checks.base_is_packed(app)
    assert len(app.device.asked("/startup-report")) == 1


def test_the_last_visitors_adapter_never_answers_on_a_warm_worker(app: App) -> None:
    checks.everyone_gets_what_he_asked_for(app)


def test_an_answer_streams_and_its_receipt_is_that_of_the_worker(app: App, place: Place) -> None:
    told = app.ask(TINY, "red")
    assert len([line for line in told["lines"] if line.get("text")]) > 3
    assert told["lines"][-1]["spent"] > 0
    sha256 = adapters.find(place.settings, "red").sha256
    assert checks.receipt_of(told) == AnswerReceipt("transformers", TINY, "red", sha256, 1.0)
    released = app.device.asked("/release")[-1]
    assert released["fail"] == "false"


def test_an_adapter_that_came_after_the_fork_is_found_by_the_warm_worker(app: App, place: Place) -> None:
    before = checks.text_of(app.ask(TINY, None))
    random_adapter.make(place.settings, "late", strength=0.5, seed=3, on=TINY)
    told = app.ask(TINY, "late")
    assert checks.receipt_of(told).adapter == "late" and checks.text_of(told) != before


def test_adapters_and_the_base_answer_in_one_batch(app: App) -> None:
    requests = [wire(TINY, name, "Hello") for name in ("red", None, "blue")]
    told = app.call("generate_together", {"backend": "transformers", "requests": requests})
    rows = [[line for line in told["lines"] if line.get("row") == row] for row in range(3)]
    assert [checks.receipt_of({"lines": row}).adapter for row in rows] == ["red", None, "blue"]


def test_leaving_ends_the_answer_at_the_next_token_and_gives_the_gpu_back(app: App) -> None:
    request = wire(TINY, None, "Hello", tokens=1000)
    released = len(app.device.asked("/release"))
    told = app.call("generate", {"backend": "transformers", "request": request}, leave_after=2)
    assert len(told["lines"]) == 2
    assert len(app.device.asked("/release")) == released + 1
    assert checks.receipt_of(app.ask(TINY, "blue")).adapter == "blue"


def test_once_a_call_was_measured_less_is_asked_for(app: App) -> None:
    for _ in range(2):
        app.call(engine=True, payload={"request": wire(TINY, None, "Hello", 12)})
    first, again = (int(seen["durationSeconds"]) for seen in app.device.asked("/schedule")[-2:])
    assert round(1.5 * LEAST) <= again <= first


@pytest.mark.parametrize(
    ("op", "payload", "says"),
    [
        ("dance", {}, "no operation 'dance'"),
        ("generate", {"backend": "transformers", "request": {}}, "not well formed"),
        ("generate", {"backend": "transformers", "request": wire(TINY, "green", "Hello")}, "no adapter 'green'"),
    ],
    ids=["operation", "request", "adapter"],
)
def test_a_visitors_mistake_crosses_the_border_in_words(app: App, op: str, payload: object, says: str) -> None:
    told = app.call(op, payload)
    assert says in told["error"] and told["title"].startswith("Adapter Control Room")
    assert checks.text_of(app.ask(TINY, None)), "and the worker goes on"


def test_a_base_that_was_not_placed_is_refused_before_a_gpu_is_taken(app: App) -> None:
    asked = len(app.device.asked("/schedule"))
    told = app.call(engine=True, payload={"request": wire("qwen3-4b-instruct-2507", None, "Hello")})
    assert "add qwen3-4b-instruct-2507 to ACR_ZEROGPU_BASES" in told["error"] and "restart" in told["error"]
    assert len(app.device.asked("/schedule")) == asked


def test_a_base_in_nf4_is_packed_too(place: Place, tmp_path: Path) -> None:
    with running(tmp_path, place.settings.data_dir, ACR_QUANTIZATION="nf4", **place.environment) as quantised:
        quantised.started()
        checks.base_is_packed(quantised)
        assert "4-bit (NF4)" in checks.receipt_of(quantised.ask(TINY, "red")).note
