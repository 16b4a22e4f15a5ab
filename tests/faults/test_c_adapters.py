"""Group C of the fault matrix, adapters: two at once, one deleted while it answers, one that takes a name again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from backends import adapters
from backends.base import Chunk, Request, Segment
from backends.engine_client import Engine
from backends.engines.transformers_peft import TransformersPeft
from backends.errors import AppError
from tests.parts import random_adapter, tiny_base
from tests.parts.control_room import ControlRoom

pytestmark = pytest.mark.faults
ROUNDS = {"echo": 50, "transformers": 10}
Ask = Callable[[str | None, int], Iterator[Chunk]]


def asked(adapter: str | None, number: int, tokens: int = 4) -> Request:
    return Request(tiny_base.NAME, (Segment(f"question number {number}"),), adapter=adapter, max_new_tokens=tokens)


@pytest.fixture(params=["echo", "transformers"])
def ask(request: pytest.FixtureRequest, tiny: ControlRoom) -> Iterator[Ask]:
    """The echo engine through its process, and the real one on the tiny base."""
    for seed, name in enumerate(("red", "blue")):
        random_adapter.make(tiny.settings, name, strength=0.5, seed=seed, on=tiny_base.NAME)
    if request.param == "echo":
        with Engine.start(tiny.settings, ("echo",), parallel=2, base=tiny_base.NAME) as engine:
            yield lambda adapter, number: engine.generate(asked(adapter, number), "echo")
    else:
        one_thread()
        real = TransformersPeft(tiny.settings, parallel=2)
        real.prepare(tiny_base.NAME, lambda what, fraction: None)
        yield lambda adapter, number: real.generate(asked(adapter, number), lambda: False)


def one_thread() -> None:
    """Two would wait for each other longer than they compute on so small a model."""
    import torch

    torch.set_num_threads(1)


def answer(ask: Ask, adapter: str | None, number: int) -> tuple[str, str | None]:
    """The text, and who answered by the receipt."""
    chunks = list(ask(adapter, number))
    assert chunks[-1].receipt
    return "".join(chunk.text for chunk in chunks), chunks[-1].receipt.adapter


def test_C6_two_adapters_asked_at_once_answer_as_they_do_alone(ask: Ask, request: pytest.FixtureRequest) -> None:
    rounds = ROUNDS[request.node.callspec.params["ask"]]
    names = ("red", "blue")
    alone = {name: [answer(ask, name, n) for n in range(rounds)] for name in names}
    assert alone["red"] != alone["blue"]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda name: [answer(ask, name, n) for n in range(rounds)], names))
    assert dict(zip(names, both, strict=True)) == alone


def test_C7_an_adapter_deleted_while_it_answers_is_never_replaced_by_the_base(ask: Ask, tiny: ControlRoom) -> None:
    whole, base = answer(ask, "red", 7), answer(ask, None, 7)
    assert whole[0] != base[0]
    chunks = ask("red", 7)
    first = next(chunks)
    adapters.remove(tiny.settings, "red")
    try:
        rest = list(chunks)
    except AppError:
        rest = []
    if rest:
        assert rest[-1].receipt and rest[-1].receipt.adapter == "red"
        assert first.text + "".join(chunk.text for chunk in rest) == whole[0]
    with pytest.raises(AppError, match="There is no adapter 'red'"):
        answer(ask, "red", 7)


def test_C8_an_adapter_trained_again_under_a_taken_name_is_another_one(tiny: ControlRoom) -> None:
    first = random_adapter.make(tiny.settings, "red", seed=1, on=tiny_base.NAME)
    second = random_adapter.make(tiny.settings, "red", seed=2, on=tiny_base.NAME)
    assert (first.name, second.name) == ("red", "red-2") and first.sha256 != second.sha256
    adapters.remove(tiny.settings, "red")
    third = random_adapter.make(tiny.settings, "red", seed=3, on=tiny_base.NAME)
    assert third.name == "red" and third.sha256 != first.sha256
    one_thread()
    engine = TransformersPeft(tiny.settings, parallel=1)
    engine.prepare(tiny_base.NAME, lambda what, fraction: None)

    def told(name: str) -> str | None:
        return list(engine.generate(asked(name, 1), lambda: False))[-1].receipt.sha256  # type: ignore[union-attr]

    assert (told("red"), told("red-2")) == (third.sha256, second.sha256)
    adapters.remove(tiny.settings, "red")
    fourth = random_adapter.make(tiny.settings, "red", seed=4, on=tiny_base.NAME)
    assert told("red") == fourth.sha256, "what was loaded under the name before must not answer"
