"""The engine for OpenAI-compatible servers against a loopback peer: what is asked, answered and refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from backends import catalog
from backends.base import Constraint, Request, Segment
from backends.engines._llama_server import LlamaServer
from backends.engines.openai_http import NO_FORM, OpenAiHttp
from backends.errors import BadInput, Refused
from backends.settings import Settings, from_env
from tests.parts import openai_peer as peers
from tests.parts.openai_asked import BASE, asked, engine, text_of, told
from tests.parts.openai_peer import KEY, MODEL, REPORTED, peer
from tests.test_cli import finetune

pytestmark = pytest.mark.slow

SCHEMA = Constraint("json_schema", {"type": "object"})


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
