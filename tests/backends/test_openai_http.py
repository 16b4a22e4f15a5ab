"""The engine for OpenAI-compatible servers against a loopback peer; rows E of the fault matrix by their numbers."""

import gzip
import json
import re
import resource
import socket
import threading
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from backends import catalog
from backends.base import Chunk, Constraint, Request, Segment
from backends.catalog import EMBEDDED
from backends.engine_client import Engine
from backends.engines import _backoff
from backends.engines._llama_server import LlamaServer
from backends.engines.openai_http import NO_FORM, OpenAiHttp
from backends.errors import AppError, BadInput, NotFound, Refused, Unavailable
from backends.settings import MB, Settings, from_env
from finetune import ask, task_named
from finetune.task import Unreadable
from tests.parts import openai_peer as peers
from tests.parts.openai_peer import KEY, MODEL, REPORTED, Answer, Peer, peer
from tests.test_cli import finetune

BASE = catalog.REMOTE + MODEL
SCHEMA = Constraint("json_schema", {"type": "object"})


def engine(server: Peer, settings: Settings, seconds: float = 60.0) -> OpenAiHttp:
    return OpenAiHttp(replace(settings, openai_url=server.url, openai_key=KEY, openai_seconds=seconds), 1)


def asked(text: str = "hello", **options: Any) -> Request:
    return Request(**({"base": BASE, "prompt": (Segment(text),)} | options))


def told(server: Peer, settings: Settings, seconds: float = 60.0, **options: Any) -> list[Chunk]:
    return list(engine(server, settings, seconds).generate(asked(**options), lambda: False))


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def refusal(settings: Settings, *answers: Answer, seconds: float = 60.0) -> AppError:
    with peer(*answers) as server, pytest.raises(AppError) as caught:
        told(server, settings, seconds)
    assert KEY not in str(caught.value) and "\n" not in str(caught.value)
    return caught.value


def test_an_answer_streams_and_its_receipt_names_the_model_as_the_server_does(settings: Settings) -> None:
    with peer() as server:
        chunks = told(server, settings, seed=3, temperature=0.5, stop=("\n\n",), max_new_tokens=9)
    assert [chunk.text for chunk in chunks] == ["good ", "morning ", "to ", "you", ""]
    last = chunks[-1]
    assert last.receipt and last.usage and last.finish == "stop"
    assert (last.receipt.engine, last.receipt.base, last.receipt.adapter) == (
        "openai_http",
        catalog.REMOTE + REPORTED,
        None,
    )
    assert (last.usage.prompt_tokens, last.usage.new_tokens, last.usage.cached_tokens) == (7, 4, 2)
    (body,) = server.bodies
    assert body["messages"] == [{"role": "user", "content": "hello"}] and body["model"] == MODEL
    assert (body["seed"], body["temperature"], body["stop"], body["max_tokens"]) == (3, 0.5, ["\n\n"], 9)
    assert server.keys == [f"Bearer {KEY}"] and server.paths == ["/v1/chat/completions"]


def test_special_tokens_of_a_template_stay_here(settings: Settings) -> None:
    prompt = (Segment("<start_of_turn>", special=True), Segment("hello <b>"), Segment("<end_of_turn>", special=True))
    with peer() as server:
        told(server, settings, prompt=prompt)
        assert server.bodies[0]["messages"][0]["content"] == "hello <b>"
        with pytest.raises(BadInput, match="no text for a server"):
            told(server, settings, prompt=prompt[:1])


def test_a_stop_string_is_cut_even_if_the_server_does_not(settings: Settings) -> None:
    with peer() as server:
        chunks = told(server, settings, stop=("ning t",))
    assert (text_of(chunks), chunks[-1].finish) == ("good mor", "stop")


def test_a_schema_is_sent_and_a_server_that_refuses_it_is_asked_without_and_says_so(settings: Settings) -> None:
    with peer() as server:
        note = told(server, settings, constraint=SCHEMA)[-1].receipt
    assert note and note.note == ""
    assert server.bodies[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}
    with peer(peers.refuses_schemas) as server:
        one = engine(server, settings)
        for _ in range(2):
            last = list(one.generate(asked(constraint=SCHEMA), lambda: False))[-1]
            assert last.receipt and last.receipt.note == NO_FORM and last.finish == "stop"
    assert ["response_format" in body for body in server.bodies] == [True, False, False]


def test_a_form_that_no_server_knows_is_not_passed_over_in_silence(settings: Settings) -> None:
    with peer() as server:
        receipt = told(server, settings, constraint=Constraint("choices", ["yes", "no"]))[-1].receipt
    assert receipt and receipt.note == NO_FORM


def test_an_adapter_is_never_answered_by_a_server(settings: Settings) -> None:
    with peer() as server, pytest.raises(Refused, match="answers as itself: the adapter complexity"):
        told(server, settings, adapter="complexity")
    assert server.bodies == []


def test_a_visitor_names_neither_the_server_nor_its_key() -> None:
    wire = asked().to_wire()
    for field in ("url", "base_url", "openai_url", "key", "openai_key"):
        with pytest.raises(BadInput, match="not well formed"):
            Request.from_wire(wire | {field: "http://127.0.0.1:1", "prompt": [{"text": "a"}]})


@pytest.mark.parametrize("model", ["", "../x", "a b", "x\n", "é", "http://evil", "a" * 201])
def test_a_model_name_is_checked(model: str) -> None:
    if model == "http://evil":
        assert (
            catalog.base_named(catalog.REMOTE + model).hub_id == model
        )  # only a name: it is sent as one, never opened
    else:
        with pytest.raises(BadInput, match="cannot be the name of a model"):
            catalog.base_named(catalog.REMOTE + model)


def test_the_key_is_not_shown_with_the_settings() -> None:
    made = from_env({"ACR_OPENAI_URL": "https://api.openai.com/v1", "ACR_OPENAI_KEY": KEY, "ACR_DATA_DIR": "/tmp/x"})
    assert made.openai_key == KEY and KEY not in repr(made) and KEY not in str(made.to_env())


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


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/v1", "https://2852039166/v1", "ftp://x.org", "https://a@b.org"]
)
def test_an_address_inside_a_network_is_refused_even_from_the_environment(settings: Settings, url: str) -> None:
    said = OpenAiHttp(replace(settings, openai_url=url), 1).ready(BASE)
    assert said and "ACR_OPENAI_URL must be an https:// address" in said


def test_the_commands_ask_and_score_a_model_of_the_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(peers.answers("4.2")) as server:
        monkeypatch.setenv("ACR_OPENAI_URL", server.url)
        monkeypatch.setenv("ACR_OPENAI_KEY", KEY)
        where = ("--task", "complexity", "--engine", "openai_http", "--model", MODEL, "--json")
        done = finetune(settings, "generate", *where, "x => x")
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert answer["parsed"] == 4.2 and answer["receipt"]["adapter"] is None
        assert (answer["receipt"]["engine"], answer["receipt"]["base"]) == ("openai_http", catalog.REMOTE + REPORTED)
        server.answers.insert(0, peers.breaks_off)
        done = finetune(settings, "eval", "run", *where, "--sample", "2")
        assert done.returncode == 1 and "interrupted and is not scored" in done.stderr
        done = finetune(settings, "eval", "baseline", *where, "--sample", "2")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["base"] == BASE and "base" in {system["name"] for system in report["systems"]}
    assert KEY not in done.stdout + done.stderr
    assert not [f for f in settings.data_dir.rglob("*") if f.is_file() and KEY.encode() in f.read_bytes()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine", "openai_http"), "needs --model M"),
        (("--engine", "openai_http", "--model", "a b"), "cannot be the name of a model"),
        (("--engine", "openai_http", "--model", MODEL), "put its address into ACR_OPENAI_URL"),
    ],
)
def test_what_the_commands_miss_is_said(settings: Settings, words: tuple[str, ...], said: str) -> None:
    done = finetune(settings, "generate", "--task", "complexity", *words, "x => x")
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr


def test_an_unknown_model_is_named(settings: Settings) -> None:
    said = refusal(settings, peers.says(404, b'{"error": {"message": "The model `tiny-1` does not exist"}}'))
    assert isinstance(said, NotFound) and "`tiny-1` does not exist" in str(said)


def test_the_waits_grow_and_are_bounded() -> None:
    assert all(0 < _backoff.seconds(None, attempt) <= _backoff.MAX_WAIT for attempt in range(1, _backoff.TRIES + 1))
    assert _backoff.seconds("garbage", 1) <= 1.0


@pytest.mark.model
def test_a_real_llama_server_answers(base_settings: Settings, tmp_path: Path) -> None:
    """The OpenAI endpoint of llama.cpp itself as the peer: chat, streaming, usage, a schema that it keeps to."""
    from backends.bases import embedded

    real = LlamaServer(embedded.gguf_path(base_settings), [], 1, 2)
    address = real._server.listening_address
    url = address if address.startswith("http") else f"http://{address}"
    own = replace(base_settings, openai_url=f"{url}/v1", openai_key=real._key)
    one = OpenAiHttp(own, 1)
    chunks = list(one.generate(asked("The capital of France is", max_new_tokens=8), lambda: False))
    assert chunks[-1].finish in ("stop", "length") and chunks[-1].usage and chunks[-1].usage.new_tokens <= 8
    assert chunks[-1].receipt and chunks[-1].receipt.engine == "openai_http"
    number = Constraint("json_schema", {"type": "integer", "minimum": 3, "maximum": 4})
    held = list(one.generate(asked("How many?", constraint=number, max_new_tokens=8), lambda: False))
    assert text_of(held) in ("3", "4") and held[-1].receipt and held[-1].receipt.note == ""
