"""Every refusal of ZeroGPU through the real client, and the words that a visitor reads."""

import os
import signal
import time

import pytest

from tests.parts.tiny_base import NAME as TINY
from tests.rehearsal import checks
from tests.rehearsal.app import SIGNED_IN, App, wire
from tests.rehearsal.device_api import Refusal

pytestmark = pytest.mark.rehearsal
REGULAR = {"X-Authenticated": "regular"}


def refused(app: App, refusal: Refusal, visitor: str | None) -> tuple[str, str]:
    app.device.answer = refusal
    told = app.call(engine=True, payload={"request": wire(TINY, None, "Hello", 600)}, visitor=visitor)
    return told["title"], told["error"]


@pytest.mark.parametrize(
    ("refusal", "visitor", "says"),
    [
        (Refusal(429, {"left": 56, "wait": -1}), SIGNED_IN, "more than one call may take"),
        (Refusal(429, {"left": 9, "wait": 3725}, REGULAR), SIGNED_IN, "9 s left today"),
        (Refusal(429, {"left": 9, "wait": 3725}, REGULAR), SIGNED_IN, "more again in 1 h 2 min; Hugging Face PRO"),
        (Refusal(429, {"left": 9, "wait": 3725}), SIGNED_IN, "sign in to Hugging Face for more"),
        (Refusal(429, {"left": 9, "wait": 60}, {"X-Authenticated": "pro"}), SIGNED_IN, "credits can be added"),
        (Refusal(429, {"left": 9, "wait": 3725}), None, "not signed in share a little GPU time"),
        (Refusal(429, {"left": 0, "wait": 0}, REGULAR), SIGNED_IN, "number of GPU calls"),
        (
            Refusal(429, {"left": 0, "wait": 5}, {"X-Approve-Result": "pending-overquota-exceeded"}),
            SIGNED_IN,
            "hold all of your credits",
        ),
        (Refusal(event="failed"), SIGNED_IN, "No GPU became free within a minute"),
        (Refusal(event="failed"), None, "No GPU became free within a minute"),
        (Refusal(503), None, "No GPU is free at this moment"),
        (Refusal(401), SIGNED_IN, "reload the page"),
        (Refusal(500), None, "did not give a GPU"),
    ],
)
def test_a_refusal_is_told_in_plain_words(app: App, refusal: Refusal, visitor: str | None, says: str) -> None:
    title, message = refused(app, refusal, visitor)
    assert title == "GpuRefused" and says in message


def test_a_place_in_the_queue_that_comes_is_answered(app: App) -> None:
    app.device.answer = Refusal(event="succeeded")
    assert checks.receipt_of(app.ask(TINY, "red", visitor=SIGNED_IN)).adapter == "red"


def test_a_worker_that_dies_is_told_and_the_next_call_works(app: App) -> None:
    assert checks.receipt_of(app.ask(TINY, "blue")).adapter == "blue"
    worker, scheduled = int(app.device.asked("/allow")[-1]["pid"]), len(app.device.asked("/schedule"))
    app.begin(engine=True, payload={"request": wire(TINY, None, "Hello", 1000)})
    while len(app.device.asked("/schedule")) == scheduled:
        time.sleep(0.01)
    os.kill(worker, signal.SIGKILL)
    told = app.end()
    assert told["title"] == "GpuRefused" and "worker was ended before the answer was finished" in told["error"]
    assert checks.receipt_of(app.ask(TINY, "blue")).adapter == "blue"
