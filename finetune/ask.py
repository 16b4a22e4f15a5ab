"""Ask a task's question: a row and an adapter's name become a Request, the streamed chunks become an Answer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backends import adapters, catalog
from backends.base import AnswerReceipt, Chunk, Request, Usage
from backends.engine_client import Engine
from backends.errors import BadInput, Refused, Unavailable
from backends.settings import Settings
from finetune import formats
from finetune.scoring import calibration
from finetune.task import Row, Scored, Task, Unreadable

BASE_NAMES = (None, "", "none", "base")
#: how an answer ends that a remote server broke off
INTERRUPTED = "cut"


@dataclass(frozen=True)
class Answer:
    """A whole answer with who gave it. `cut` means that it has no end of its own: never scored as if it were whole."""

    text: str
    finish: str
    receipt: AnswerReceipt
    usage: Usage
    #: how likely each choice is, calibrated where the adapter's card says how; None where there is no choice
    probabilities: dict[str, float] | None = None

    @property
    def cut(self) -> bool:
        return self.finish != "stop"


def request(
    settings: Settings,
    task: Task,
    row: Row,
    adapter: str | None,
    *,
    base: str = catalog.EMBEDDED,
    constrained: bool = True,
    shots: Sequence[Row] = (),
    seed: int = 0,
) -> Request:
    """The request for one row; the prompt format of the adapter is checked against the task's."""
    check_inputs(settings, task, row)
    name = None if adapter in BASE_NAMES else adapter
    if name:
        found = adapters.find(settings, name)
        base = found.base
        fmt = formats.of_adapter(task, found.card, name, catalog.base_named(base), settings)
    else:
        fmt = formats.format_for(catalog.base_named(base), settings)
    return Request(
        base=base,
        prompt=formats.with_shots(fmt, task, row, shots),
        adapter=name,
        max_new_tokens=task.max_new_tokens,
        seed=seed,
        stop=task.stop,
        constraint=task.constraint if constrained else None,
    )


def check_inputs(settings: Settings, task: Task, row: Row) -> None:
    """BadInput for a row that no engine could answer."""
    for field in task.inputs:
        text = row.get(field.column)
        if not isinstance(text, str) or not (text.strip() or field.optional):
            raise BadInput(f"{field.label} is empty: {field.help or 'fill it in'}")
        if len(text) > settings.max_prompt_chars:
            raise BadInput(
                f"{field.label} has {len(text):,} characters; at most {settings.max_prompt_chars:,} are accepted"
            )
    if why := task.unfit(row):
        raise BadInput(why)


def stream(
    engine: Engine,
    settings: Settings,
    task: Task,
    row: Row,
    adapter: str | None,
    *,
    backend: str = "llama_cpp",
    **options: Any,
) -> Iterator[Chunk]:
    """Chunks of one answer; closing the iterator stops the engine. `options` are those of `request`."""
    return send(engine, settings, request(settings, task, row, adapter, **options), backend)


def send(engine: Engine, settings: Settings, asked: Request, backend: str) -> Iterator[Chunk]:
    """Chunks of the answer to a request that is made already."""
    found = adapters.find(settings, asked.adapter) if asked.adapter else None
    for chunk in engine.generate(asked, backend=backend):
        if chunk.receipt:
            check_receipt(chunk.receipt, asked, found.sha256 if found else None, backend)
        if chunk.probabilities and found:
            chunk = replace(chunk, probabilities=calibration.calibrated(chunk.probabilities, found.card))
        yield chunk


def check_receipt(told: AnswerReceipt, asked: Request, sha256: str | None, backend: str) -> None:
    """The engine speaks last: text of another adapter, base or engine is never shown under this one's name.

    `sha256` is the digest of the adapter's weights on disk when it was asked.
    """
    who = asked.adapter or "the base"
    if told.adapter != asked.adapter:
        raise Refused(f"Asked {who}, but {told.adapter or 'the base'} answered; its answer is not used")
    if told.sha256 != sha256:
        raise Refused(
            f"Asked {who}, but other weights of that name answered ({str(told.sha256)[:8]}, on disk "
            f"{str(sha256)[:8]}); the answer is not used: ask again"
        )
    if told.scale != (1.0 if asked.adapter else 0.0):
        raise Refused(f"Asked {who}, but it answered with its adapter at scale {told.scale:g}; the answer is not used")
    exact = not asked.base.startswith(catalog.REMOTE)  # a server may tell the version that a model's name stands for
    if told.engine != backend or (exact and told.base != asked.base):
        raise Refused(
            f"Asked {asked.base} on {backend}, but {told.base} on {told.engine} answered; the answer is not used"
        )


def collect(chunks: Iterable[Chunk]) -> Answer:
    """All chunks of one answer as a whole."""
    text, last = "", Chunk()
    for chunk in chunks:
        text, last = text + chunk.text, chunk
    if not (last.receipt and last.usage):
        raise Refused("The answer ended without a receipt, so it is not known who gave it; ask again")
    return Answer(text, last.finish or "cancelled", last.receipt, last.usage, last.probabilities)


def receipt(answer: Answer) -> dict[str, Any]:
    """Who answered, in the shape of ANSWERS.jsonl and of the stored evaluations."""
    return {key: getattr(answer.receipt, key) for key in ("adapter", "sha256", "scale", "engine", "base")}


def read(task: Task, answer: Answer) -> Any:
    """The value of an answer, or Unreadable. One that a limit cut is invalid, even if its beginning could be read."""
    if answer.finish == INTERRUPTED:
        raise Unreadable(f"the answer was interrupted after {answer.usage.new_tokens} tokens: {answer.receipt.note}")
    if answer.cut:
        raise Unreadable(f"the answer was cut at {answer.usage.new_tokens} tokens")
    return task.parse(answer.text)


def score(task: Task, row: Row, answer: Answer) -> Scored:
    """Judge an answer against the row's target. One that a remote server broke off says nothing about its model."""
    if answer.finish == INTERRUPTED:
        raise Unavailable(f"An answer was interrupted and is not scored: {answer.receipt.note}; ask again")
    try:
        read(task, answer)
    except Unreadable as error:
        return Scored(row, answer.text, None, correct=False, problem=str(error))
    return task.score(row, answer.text)
