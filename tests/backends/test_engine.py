"""The engine process with the echo engine: its life, cancelling, crashes, errors. No model."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from backends.base import Constraint, Request, Segment
from backends.catalog import EMBEDDED
from backends.engine_client import Engine
from backends.engines._text import StopText
from backends.errors import AppError, BadInput, NotFound, Unavailable
from backends.settings import ROOT, Settings

pytestmark = pytest.mark.slow

LONG = "one two three four five six seven eight nine ten " * 100


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine.start(settings, ("echo",)) as running:
        yield running


def asked(text: str, **options: object) -> Request:
    return Request(EMBEDDED, (Segment(text),), **options)  # type: ignore[arg-type]


def answer(engine: Engine, text: str, **options: object) -> str:
    return "".join(chunk.text for chunk in engine.generate(asked(text, **options), "echo"))


def until(condition) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 10 seconds"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_an_answer_streams_and_ends_with_usage_and_receipt(engine: Engine) -> None:
    chunks = list(engine.generate(asked("good morning to you"), "echo"))
    assert len(chunks) > 2
    assert "".join(chunk.text for chunk in chunks) == "good morning to you"
    last = chunks[-1]
    assert last.finish == "stop" and last.usage and last.usage.new_tokens == 4
    assert last.receipt and (last.receipt.adapter, last.receipt.scale) == (None, 0.0)
    assert all(chunk.finish is None and chunk.receipt is None for chunk in chunks[:-1])


def test_limit_stop_seed_and_choices_are_honoured(engine: Engine) -> None:
    assert list(engine.generate(asked(LONG, max_new_tokens=3), "echo"))[-1].finish == "length"
    assert answer(engine, "one two three", stop=("o th",)) == "one tw"
    assert answer(engine, "pick", constraint=Constraint("choices", ["yes", "no"])) == "yes"
    mixed = [answer(engine, "a b c d e f g h", temperature=1.0, seed=seed) for seed in (1, 1, 2)]
    assert mixed[0] == mixed[1] != mixed[2]


def test_closing_the_iterator_cancels_the_answer(engine: Engine) -> None:
    chunks = engine.generate(asked(LONG, max_new_tokens=1000), "echo")
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    until(lambda: engine.state()["answers"]["active"] == 0)
    assert engine.state()["answers"]["cancelled"] == 1


def test_a_crash_ends_the_answer_with_one_sentence_and_the_next_question_works(engine: Engine) -> None:
    chunks = engine.generate(asked(LONG, max_new_tokens=1000), "echo")
    next(chunks)
    first = engine.pid
    os.kill(first, signal.SIGKILL)
    with pytest.raises(Unavailable, match="stopped while answering"):
        list(chunks)
    assert answer(engine, "still there") == "still there"
    assert engine.pid != first


def test_a_stopped_engine_leaves_no_process_and_does_not_start_again(settings: Settings) -> None:
    engine = Engine.start(settings, ("echo",))
    pid = engine.pid
    engine.stop()
    assert gone(pid)
    with pytest.raises(Unavailable, match="was stopped"):
        answer(engine, "anyone")


@pytest.mark.parametrize("last_words", ["os.kill(os.getpid(), 9)", "sys.exit()"])
def test_the_engine_ends_when_its_parent_does(settings: Settings, last_words: str) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from backends.engine_client import Engine\nfrom backends.settings import Settings\n"
        f"engine = Engine.start(Settings(data_dir=Path({str(settings.data_dir)!r})), ('echo',))\n"
        f"print(engine.pid, flush=True)\n{last_words}\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    pid = int(ended.stdout)
    until(lambda: gone(pid))


def test_the_engine_survives_the_thread_that_started_it(settings: Settings) -> None:
    """Web servers retire threads; with PR_SET_PDEATHSIG the engine would die with the one that started it."""
    from threading import Thread

    engines: list[Engine] = []
    starter = Thread(target=lambda: engines.append(Engine.start(settings, ("echo",))))
    starter.start()
    starter.join()
    with engines[0] as engine:
        pid = engine.pid
        assert answer(engine, "here") == "here"
        assert engine.pid == pid


def test_the_environment_of_zero_gpu_and_the_key_stay_out(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    with Engine.start(settings, ("echo",)) as engine:
        environment = Path(f"/proc/{engine.pid}/environ").read_bytes()
        argv = Path(f"/proc/{engine.pid}/cmdline").read_bytes()
        key = engine._running()._key.encode()
    assert b"SPACES_" not in environment
    assert key not in environment + argv


@pytest.mark.parametrize("owner", [None, "7"])
def test_threads_that_wait_soon_sleep_unless_the_owner_says_otherwise(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, owner: str | None
) -> None:
    if owner:
        monkeypatch.setenv("GOMP_SPINCOUNT", owner)
    with Engine.start(settings, ("echo",)) as engine:
        environment = Path(f"/proc/{engine.pid}/environ").read_bytes().split(b"\0")
    assert f"GOMP_SPINCOUNT={owner or 300}".encode() in environment


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"base": "nowhere"}, NotFound),
        ({"adapter": "nobody"}, NotFound),
        ({"prompt": (Segment("x" * 50_000),)}, BadInput),
        ({"prompt": (Segment("x" * 2_000_000),)}, BadInput),
        ({"constraint": Constraint("lark", "start: /[/")}, BadInput),
    ],
    ids=["base", "adapter", "long prompt", "huge body", "grammar"],
)
def test_errors_cross_the_wire_as_they_are(engine: Engine, wrong: dict[str, object], kind: type[AppError]) -> None:
    request = Request(**({"base": EMBEDDED, "prompt": (Segment("a"),)} | wrong))  # type: ignore[arg-type]
    with pytest.raises(kind):
        list(engine.generate(request, "echo"))


def test_an_unknown_engine_is_named(engine: Engine) -> None:
    with pytest.raises(NotFound, match="no engine 'telepathy'"):
        list(engine.generate(asked("a"), "telepathy"))


def post(engine: Engine, path: str, body: bytes, key: str | None = None) -> tuple[int, list[dict[str, str]]]:
    process = engine._running()
    connection = HTTPConnection("127.0.0.1", process._port, timeout=10)
    connection.request("POST", path, body, {"Authorization": f"Bearer {key or process._key}"})
    response = connection.getresponse()
    lines = [json.loads(line) for line in response.read().splitlines()]
    connection.close()
    return response.status, lines


def test_without_the_key_nothing_is_told(engine: Engine) -> None:
    assert post(engine, "/generate", b"{}", key="guess") == (401, [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"backend": "echo"}',
        b'{"backend": "echo", "request": {"base": "gemma-3-270m", "prompt": 3}}',
        b'{"backend": "echo", "request": {"base": "gemma-3-270m", "prompt": [{"text": "a"}], "max_new_tokens": 1e9}}',
        b'{"backend": 1, "request": {"base": "gemma-3-270m", "prompt": [{"text": "a"}]}}',
    ],
)
def test_a_malformed_request_is_bad_input(engine: Engine, body: bytes) -> None:
    status, lines = post(engine, "/generate", body)
    assert [line["error"] for line in lines] == ["bad_input"]
    assert answer(engine, "unharmed") == "unharmed"


def test_a_peer_that_says_half_a_request_harms_nobody(engine: Engine) -> None:
    with socket.create_connection(("127.0.0.1", engine._running()._port)) as peer:
        peer.sendall(b"POST /generate HTTP/1.1\r\nContent-Le")
        assert answer(engine, "unharmed") == "unharmed"


@pytest.mark.parametrize(
    ("pieces", "stop", "shown"),
    [
        (["ab", "cd"], ["bc"], "a"),
        (["a", "b", "a", "b", "c"], ["abc"], "ab"),
        (["no mark"], ["xyz"], "no mark"),
        (["aa", "a"], ["aab"], "aaa"),
        (["end\n", "\nmore"], ["\n\n", "d"], "en"),
    ],
)
def test_stop_strings_are_found_across_pieces(pieces: list[str], stop: list[str], shown: str) -> None:
    text = StopText(stop)
    told = "".join(text.feed(piece) for piece in pieces if not text.stopped)
    assert told + text.rest() == shown
