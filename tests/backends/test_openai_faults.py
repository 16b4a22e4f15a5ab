"""Servers that are away, busy, slow or wrong; rows E of the fault matrix by their numbers."""

import gzip
import re
import resource
import socket
import threading
import time
from dataclasses import replace
from email.utils import formatdate

import pytest

from backends.base import Request, Segment
from backends.catalog import EMBEDDED
from backends.engine_client import Engine
from backends.engines import _backoff
from backends.engines.openai_http import OpenAiHttp
from backends.errors import BadInput, NotFound, Refused, Unavailable
from backends.settings import MB, Settings
from finetune import ask, task_named
from finetune.task import Unreadable
from tests.parts import openai_peer as peers
from tests.parts.openai_asked import BASE, asked, engine, refusal, text_of, told
from tests.parts.openai_peer import KEY, Answer, Peer, peer

pytestmark = pytest.mark.slow


def test_cancelling_hangs_up_while_the_server_is_silent(settings: Settings) -> None:
    gone = threading.Event()
    for answer, pieces in ((peers.hangs, 1), (peers.silent, 0)):
        gone.clear()
        with peer(answer) as server:
            chunks = engine(server, settings, 60.0).generate(asked(), gone.is_set)
            assert [next(chunks).text for _ in range(pieces)] == ["good "][:pieces]
            threading.Timer(0.3, gone.set).start()
            assert [chunk.finish for chunk in chunks] == ["cancelled"]


def test_E1_a_server_that_is_not_there_is_named_and_nothing_was_asked(settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nobody = Peer([], url=f"http://127.0.0.1:{port}/v1")
    with pytest.raises(Unavailable, match=r"Could not reach 127\.0\.0\.1: nothing was asked"):
        told(nobody, settings)


@pytest.mark.parametrize("status", [429, 503])
def test_E4_a_busy_server_is_asked_again_after_the_time_it_names(settings: Settings, status: int) -> None:
    busy = peers.says(status, Retry_After="0")
    with peer(busy, busy, peers.well) as server:
        assert text_of(told(server, settings)) == "good morning to you"
    assert len(server.bodies) == 3


def test_E4_it_is_given_up_after_some_tries_or_when_the_wait_is_too_long(settings: Settings) -> None:
    assert "is busy (429) at try 4" in str(refusal(settings, peers.says(429, Retry_After="0")))
    with peer(peers.says(503, Retry_After="3600")) as server, pytest.raises(Unavailable, match="to wait 3600 s"):
        told(server, settings)
    assert len(server.bodies) == 1
    later = formatdate(time.time() + 900, usegmt=True)
    assert "is busy (429) at try 1" in str(refusal(settings, peers.says(429, Retry_After=later)))


def test_E4_who_leaves_while_waiting_is_let_go(settings: Settings) -> None:
    with peer(peers.says(429, Retry_After="9")) as server:
        looks = iter([False] * 3)
        chunks = list(engine(server, settings).generate(asked(), lambda: next(looks, True)))
    assert [chunk.finish for chunk in chunks] == ["cancelled"] and len(server.bodies) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_E5_a_refused_key_is_not_tried_again_and_stands_in_no_message(
    settings: Settings, status: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    echo = peers.says(status, b'{"error": {"message": "Incorrect API key provided: ' + KEY.encode() + b'"}}')
    with peer(echo) as server:
        monkeypatch.setenv("ACR_OPENAI_URL", server.url)
        monkeypatch.setenv("ACR_OPENAI_KEY", KEY)
        with (
            Engine.start(settings, ("openai_http",), base=BASE) as process,
            pytest.raises(Refused, match=f"does not accept the key in ACR_OPENAI_KEY .{status}.") as caught,
        ):
            list(process.generate(asked(), "openai_http"))
    assert len(server.bodies) == 1
    output = capfd.readouterr()
    assert KEY not in output.out + output.err + str(caught.value)
    files = [path for path in settings.data_dir.rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_E5_a_key_that_the_server_quotes_is_taken_out(settings: Settings) -> None:
    odd = "Zm9vYmFyCg-no-known-form"
    quoting = peers.says(400, f'{{"error": "the key {odd} and {KEY} lack credit"}}'.encode())
    with peer(quoting) as server, pytest.raises(BadInput) as caught:
        own = replace(settings, openai_url=server.url, openai_key=odd)
        list(OpenAiHttp(own, 1).generate(asked(), lambda: False))
    assert odd not in str(caught.value) and KEY not in str(caught.value) and "lack credit" in str(caught.value)


def bomb(at: peers.Connection) -> None:
    at.begin(Content_Encoding="gzip")
    at.raw(gzip.compress(bytes(200 * MB), 1))


GARBAGE: dict[str, tuple[Answer, str]] = {
    "html": (peers.says(200, b"<html>Please log in</html>", "text/html"), "answered with text/html that is no plain"),
    "no stream": (peers.says(200, b'{"choices": []}'), "answered with application/json that is no plain stream"),
    "cut JSON": (peers.garbage(b'data: {"choices": [{"del\n\n'), "no OpenAI stream"),
    "deep JSON": (peers.garbage(b"data: " + b"[" * 100_000 + b"\n\n"), "no OpenAI stream"),
    "wrong types": (peers.garbage(b'data: {"choices": [{"delta": {"content": 7}}]}\n\n'), "no OpenAI stream"),
    "wrong shape": (peers.garbage(b'data: {"choices": {"a": 1}, "usage": 3}\n\n'), "no OpenAI stream"),
    "an error event": (peers.garbage(b'data: {"error": {"message": "out of memory"}}\n\n'), "broke off: out of memory"),
    "gzip bomb": (bomb, "that is no plain stream"),
    "endless stream": (peers.endless, "sent more than an answer can be"),
    "endless line": (peers.endless_line, "sent more than an answer can be"),
    "huge error": (peers.says(500, b"x" * (20 * MB), "text/html"), "refused the question .500.: no reason given"),
    "error page": (peers.says(500, b"<html>Traceback</html>", "text/html"), "no reason given"),
}


@pytest.mark.parametrize("answer, sentence", GARBAGE.values(), ids=GARBAGE)
def test_E6_garbage_ends_in_one_clear_error_and_little_memory(
    settings: Settings, answer: Answer, sentence: str
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = refusal(settings, answer, seconds=30.0)
    assert re.search(sentence, str(said)), said
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


@pytest.mark.parametrize("answer", [peers.drips, peers.hangs], ids=["a byte at a time", "silence"])
def test_E7_the_deadline_is_for_the_whole_answer(settings: Settings, answer: Answer) -> None:
    with peer(answer) as server:
        chunks = told(server, settings, seconds=1.0)
    last = chunks[-1]
    assert (text_of(chunks), last.finish) == ("good ", "cut")
    assert last.receipt and last.receipt.note == "127.0.0.1 took longer than 1 s"


@pytest.mark.parametrize("answer", [peers.silent, peers.drips_headers], ids=["silence", "headers by the byte"])
def test_E7_the_deadline_holds_before_the_first_word_too(settings: Settings, answer: Answer) -> None:
    assert "took longer than 1 s before it answered" in str(refusal(settings, answer, seconds=1.0))


@pytest.mark.parametrize("answer", [peers.breaks_off, peers.unfinished], ids=["broken off", "ended without a finish"])
def test_E8_a_stream_cut_in_the_middle_is_marked_and_never_scored(settings: Settings, answer: Answer) -> None:
    with peer(answer) as server:
        given = ask.collect(told(server, settings))
    assert (given.text, given.finish, given.cut) == ("good mor", "cut", True)
    task = task_named("complexity")
    with pytest.raises(Unreadable, match="interrupted after 2 tokens"):
        ask.read(task, given)
    with pytest.raises(Unavailable, match="interrupted and is not scored"):
        ask.score(task, {"code": "f()", "score": 1.0}, given)


def test_an_answer_that_the_server_stops_is_cut_and_one_that_was_whole_is_not(settings: Settings) -> None:
    def filtered(at: peers.Connection) -> None:
        at.begin()
        at.event("good mor", "content_filter")

    def whole(at: peers.Connection) -> None:
        at.begin()
        at.event("good", "stop")

    with peer(filtered) as server:
        last = told(server, settings)[-1]
    assert last.finish == "cut" and last.receipt and "with content_filter" in last.receipt.note
    with peer(whole) as server:
        assert told(server, settings)[-1].finish == "stop"


def test_E12_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(settings: Settings) -> None:
    with peer() as other:
        said = refusal(settings, peers.says(302, Location=f"{other.url}/chat/completions"))
        assert "sends the question elsewhere (302)" in str(said)
    assert other.keys == []


def test_E13_without_the_server_the_program_starts_and_the_rest_answers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACR_OPENAI_URL", "http://127.0.0.1:1/v1")
    with Engine.start(settings, ("echo", "openai_http")) as process:
        with pytest.raises(Unavailable, match="Could not reach"):
            list(process.generate(asked(), "openai_http"))
        here = Request(EMBEDDED, (Segment("still here"),))
        assert text_of(list(process.generate(here, "echo"))) == "still here"


def test_E14_what_is_not_set_up_is_told_with_the_line_that_helps(settings: Settings) -> None:
    """No SDK is needed; what can be missing is the address."""
    assert "put its address into ACR_OPENAI_URL" in str(OpenAiHttp(settings, 1).ready(BASE))
    with Engine.start(settings, ("openai_http",), base=BASE) as process:
        with pytest.raises(Unavailable, match="put its address into ACR_OPENAI_URL"):
            process.wait_ready(lambda what, fraction: None)
        with pytest.raises(BadInput, match="put its address into ACR_OPENAI_URL"):
            list(process.generate(asked(), "openai_http"))


def test_an_unknown_model_is_named(settings: Settings) -> None:
    said = refusal(settings, peers.says(404, b'{"error": {"message": "The model `tiny-1` does not exist"}}'))
    assert isinstance(said, NotFound) and "`tiny-1` does not exist" in str(said)


def test_the_waits_grow_and_are_bounded() -> None:
    assert all(0 < _backoff.seconds(None, attempt) <= _backoff.MAX_WAIT for attempt in range(1, _backoff.TRIES + 1))
    assert _backoff.seconds("garbage", 1) <= 1.0
