"""Group I of the fault matrix: memory that runs out, prompts and numbers beyond every bound, too many adapters."""

import json
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from backends.base import Chunk, Request, Segment
from backends.catalog import EMBEDDED
from backends.engine_client import Engine
from backends.engines import transformers_peft
from backends.engines._peft_model import MAX_ADAPTERS
from backends.engines.transformers_peft import TransformersPeft
from backends.errors import Unavailable
from backends.measured import resident
from backends.settings import MB, Settings
from finetune.runs import client
from finetune.runs.endings import doctor
from tests.parts import random_adapter, tiny_base
from tests.parts.control_room import ControlRoom, quick
from tests.parts.raw_page import RawPage

pytestmark = pytest.mark.faults


def test_I1_a_trainer_without_memory_fails_and_says_what_would_help(room: ControlRoom) -> None:
    first = room.submit("first", steps=200, delay=0.1)
    room.until_step(first, 1)
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.prlimit(room.control().pid, resource.RLIMIT_AS, (1024 * MB, hard))  # what it starts inherits it
    run = room.submit("large", steps=5, save_steps=2, save_kb=4 * 1024 * 1024)
    client.cancel(room.settings, first, "local")
    view = room.until_ended(run, 60)
    assert view.status == "failed"
    found = doctor.of_run(room.settings, view)
    assert found and found.name == "memory" and "smaller batch or shorter rows (max_length)" in found.advice


@pytest.fixture
def engine(tiny: ControlRoom) -> TransformersPeft:
    import torch

    torch.set_num_threads(1)
    made = TransformersPeft(tiny.settings, parallel=1)
    made.prepare(tiny_base.NAME, lambda what, fraction: None)
    return made


def ask(engine: TransformersPeft, adapter: str | None = None, text: str = "a question") -> list[Chunk]:
    request = Request(tiny_base.NAME, (Segment(text),), adapter=adapter, max_new_tokens=2)
    return list(engine.generate(request, lambda: False))


def test_I2_a_gpu_that_is_full_is_told_and_a_small_request_works_next(
    engine: TransformersPeft, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    with monkeypatch.context() as full:

        def no_memory(*_: Any, **__: Any) -> Iterator[int]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

        full.setattr(transformers_peft, "decode", no_memory)
        with pytest.raises(Unavailable, match="memory"):
            ask(engine)
    assert ask(engine)[-1].receipt, "the lock is free and the next one is answered"


def test_I5_of_fifty_adapters_eight_stay_and_memory_is_bounded(engine: TransformersPeft, tiny: ControlRoom) -> None:
    names = [f"many-{number}" for number in range(50)]
    for seed, name in enumerate(names):
        random_adapter.make(tiny.settings, name, strength=0.5, seed=seed, on=tiny_base.NAME)
    held = []
    for name in names:
        last = ask(engine, name)[-1]
        assert last.receipt and last.receipt.adapter == name
        assert engine._model and len(engine._model._peft.peft_config) <= MAX_ADAPTERS
        held.append(resident(os.getpid()) or 0)
    assert held[-1] - held[MAX_ADAPTERS] < 64 * MB


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawPage]:
    with RawPage(quick(tmp_path_factory.mktemp("page") / "data"), preparing=False) as served:
        yield served


def with_long_text(page: RawPage, length: int) -> list[Any]:
    """What a page would send, with one text of this length in every field."""
    values = page.sample(page.function("answer"))
    return ["x" * length if isinstance(value, str) and len(value) > 30 else value for value in values]


def test_I3_a_prompt_of_10_mb_is_refused_before_it_is_read_and_a_long_one_before_its_tokens(page: RawPage) -> None:
    ask = page.function("answer")
    with suppress(httpx.TransportError):  # hung up on while it was still sending
        assert page.join(ask, with_long_text(page, 10 * MB), "i3").status_code == 413
    shown = page.outcome(ask["id"], with_long_text(page, 200_000), "i3-long")
    assert "200,000 characters; at most 40,000 are accepted" in shown


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("max_new_tokens", "1e9", "max_new_tokens must be between 1 and 1024"),
        ("max_new_tokens", "0", "max_new_tokens must be between 1 and 1024"),
        ("temperature", "NaN", "temperature must be between 0.0 and 2.0"),
        ("temperature", "1e400", "temperature must be between 0.0 and 2.0"),
        ("top_p", "-Infinity", "top_p must be between 0.01 and 1.0"),
        ("seed", "true", "seed must be between 0 and"),
    ],
)
def test_I4_numbers_beyond_their_range_are_refused_with_the_range(
    echo: Engine, name: str, value: str, says: str
) -> None:
    body = f'{{"backend": "echo", "request": {{"base": "{EMBEDDED}", "prompt": [{{"text": "a"}}], "{name}": {value}}}}}'
    (line,) = raw(echo, body.encode())
    assert line["error"] == "bad_input" and says in line["message"]


def test_I4_a_page_that_is_asked_for_an_impossible_temperature_says_so(page: RawPage) -> None:
    both = page.function("ask_all")
    values = page.sample(both)
    values[3] = 1e9
    shown = page.outcome(both["id"], values, "i4")
    assert '"success":false' in shown or "must be between" in shown
    assert page.post({"data": [], "fn_index": both["id"], "session_hash": "nan"}).status_code == 200
    body = json.dumps({"data": [float("nan")], "fn_index": both["id"], "session_hash": "nan"})
    nan = httpx.post(page.url + "gradio_api/queue/join", content=body, headers={"content-type": "application/json"})
    assert "Traceback" not in nan.text


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine.start(Settings(data_dir=Path(tmp_path_factory.mktemp("echo"))), ("echo",)) as running:
        yield running


def raw(engine: Engine, body: bytes) -> list[dict[str, str]]:
    process = engine._running()
    connection = HTTPConnection("127.0.0.1", process._port, timeout=30)
    connection.request("POST", "/generate", body, {"Authorization": f"Bearer {process._key}"})
    lines = [json.loads(line) for line in connection.getresponse().read().splitlines()]
    connection.close()
    return lines
