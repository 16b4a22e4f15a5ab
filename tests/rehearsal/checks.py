"""What must hold on a ZeroGPU, as questions to a running app: the sound app passes each, a broken one fails one."""

from backends.base import AnswerReceipt, Chunk
from tests.parts.tiny_base import NAME as TINY
from tests.rehearsal.app import App


def base_is_packed(app: App) -> None:
    """What was placed before the launch lies on disk for the workers, and a worker answers from it."""
    assert app.packed > 10_000, "no weights were placed in the main thread before the launch"
    assert text_of(app.ask(TINY, None))


def everyone_gets_what_he_asked_for(app: App) -> None:
    """On one warm worker: the base and two adapters in turn, each as it answers in a worker of its own."""
    order = (None, "red", "blue", "red", None, "blue", None)
    app.device.warm = False
    alone = {name: text_of(app.ask(TINY, name)) for name in dict.fromkeys(order)}
    assert len(set(alone.values())) == 3, "the adapters must be told apart by their answers"
    app.device.warm = True
    started = len(app.device.asked("/allow"))
    for name in order:
        told = app.ask(TINY, name)
        assert text_of(told) == alone[name], f"another adapter answered instead of {name}"
        assert receipt_of(told).adapter == name
    assert len(app.device.asked("/allow")) == started, "the worker was not kept warm"


def text_of(told: dict) -> str:  # type: ignore[type-arg]
    assert "title" not in told, told
    return "".join(line.get("text", "") for line in told["lines"])


def receipt_of(told: dict) -> AnswerReceipt:  # type: ignore[type-arg]
    (receipt,) = [line["receipt"] for line in told["lines"] if "receipt" in line]
    chunk = Chunk.from_wire({"receipt": receipt})
    assert chunk.receipt
    return chunk.receipt
