"""ZeroGPU without one: seconds from what was measured, refusals in words, what would fit. The rest is rehearsed."""

import threading
from collections.abc import Iterator

import pytest

from backends import zero_gpu
from backends.base import Request, Segment, Usage
from backends.catalog import EMBEDDED
from backends.errors import BadInput, Unavailable
from backends.zero_gpu import seconds
from backends.zero_gpu.refusals import Call, GpuRefused, in_words, title_of


@pytest.fixture(autouse=True)
def nothing_measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(seconds, "placed", {EMBEDDED})
    seconds._speeds.clear()
    yield
    seconds._speeds.clear()


def asked(tokens: int, base: str = EMBEDDED) -> dict[str, object]:
    return {"request": Request(base, (Segment("Hello"),), max_new_tokens=tokens).to_wire()}


def measured(token: float, start: float = 1.0, tokens: int = 101) -> None:
    writing = token * (tokens - 1)
    seconds.note(EMBEDDED, Usage(10, tokens, 0, start, start + writing), start + writing)


def test_longer_answers_and_larger_bases_ask_for_more() -> None:
    small, long = (seconds.asked_for("generate", asked(tokens)) for tokens in (50, 800))
    assert seconds.LEAST < small < long
    assert seconds.asked_for("generate", asked(50, "qwen3-32b")) > small
    both = {"requests": [asked(tokens)["request"] for tokens in (50, 800)]}
    assert seconds.asked_for("generate_together", both) == long, "a batch takes as long as its longest answer"


def test_what_was_measured_counts_at_its_slowest_with_room_to_spare() -> None:
    measured(0.02)
    assert seconds.asked_for("generate", asked(1000)) == pytest.approx(1.4 * (1 + 20), abs=1)
    measured(0.04)
    measured(0.01)
    assert seconds.asked_for("generate", asked(1000)) == pytest.approx(1.4 * (1 + 40), abs=1)
    for _ in range(seconds.REMEMBERED):
        measured(0.01)
    assert seconds.asked_for("generate", asked(1000)) == pytest.approx(1.4 * (1 + 10), abs=1)


def test_a_base_that_was_not_placed_asks_for_its_load_too(monkeypatch: pytest.MonkeyPatch) -> None:
    measured(0.01)
    placed = seconds.asked_for("generate", asked(10))
    monkeypatch.setattr(seconds, "placed", set())
    assert seconds.asked_for("generate", asked(10)) > placed


@pytest.mark.parametrize("payload", [{}, {"request": 7}, {"request": {"base": "no"}}, {"requests": 3}, [], None])
def test_a_payload_that_makes_no_sense_asks_for_the_least(payload: object) -> None:
    assert seconds.asked_for("generate", payload) == seconds.LEAST  # type: ignore[arg-type]


def test_what_fits_is_what_would_be_asked_for() -> None:
    measured(0.03)
    fits = seconds.tokens_within(EMBEDDED, 20)
    assert seconds.asked_for("generate", asked(fits)) <= 20 < seconds.asked_for("generate", asked(fits + 50))
    assert seconds.tokens_within(EMBEDDED, 4) == 0


def test_a_quota_says_what_is_needed_what_is_left_and_what_would_fit() -> None:
    """The platform multiplies what was declared: 40 s are 60 of the quota."""
    measured(0.03)
    call = Call(40, lambda most: seconds.tokens_within(EMBEDDED, most))
    text = "You have exceeded your free ZeroGPU quota (60s requested vs. 30s left). Try again in 1 day, 2:02:05. "
    error = in_words("ZeroGPU quota exceeded", text, call)
    assert isinstance(error, GpuRefused)
    fits = seconds.tokens_within(EMBEDDED, 20)
    assert str(error) == (
        f"This needs 60 s of GPU time and you have 30 s left today; an answer of up to {fits} tokens would still fit; "
        "there is more again in 26 h 2 min; Hugging Face PRO has more"
    )
    too_little = in_words("ZeroGPU quota exceeded", text.replace("30s left", "2s left"), call)
    assert "would still fit" not in str(too_little)


def test_an_unknown_refusal_is_passed_on() -> None:
    error = in_words("ZeroGPU moved", "Look elsewhere", Call(5, lambda most: 0))
    assert isinstance(error, GpuRefused) and "Look elsewhere" in str(error)


def test_our_own_errors_come_out_of_the_worker_as_they_went_in() -> None:
    """No other engine is offered for a mistake in the question."""
    for error in (BadInput("too long"), Unavailable("no memory")):
        back = in_words(title_of(error), str(error), Call(5, lambda most: 0))
        assert type(back) is type(error) and str(back) == str(error)


def test_a_base_is_placed_in_the_main_thread_only() -> None:
    said: list[str] = []

    def elsewhere() -> None:
        try:
            zero_gpu.place()
        except RuntimeError as error:
            said.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "main thread" in said[0]
