"""The contract of generation: what is asked, what streams back, and who says so.

A prompt is a list of `Segment`s, so that text which a person wrote can never open a turn: only template segments may
hold special tokens. Local engines turn segments into token ids with the base's own tokenizer (bases/tokenizer.py).
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from backends.errors import BadInput


@dataclass(frozen=True)
class Segment:
    """A piece of prompt. `special=True` is one special token of the base's template, anything else is plain text."""

    text: str
    special: bool = False


#: one blank or none after comma and colon; llguidance's own rule would let an answer go on in white space for ever
SPACING = {"whitespace_flexible": False, "item_separator": ", ?", "key_separator": ": ?"}


@dataclass(frozen=True)
class Constraint:
    """A form that the answer must have, enforced while decoding; `value` is a Lark text, a schema or labels."""

    kind: Literal["lark", "json_schema", "choices"]
    value: Any

    @property
    def choices(self) -> tuple[str, ...]:
        """The answers to choose from; none where the form is of another kind."""
        return tuple(self.value) if self.kind == "choices" else ()

    def lark(self) -> str:
        """The same constraint as one Lark text, understood by llguidance here and inside llama.cpp."""
        import json

        if self.kind == "lark":
            return str(self.value)
        if self.kind == "json_schema":
            schema = {"x-guidance": SPACING} | self.value if isinstance(self.value, dict) else self.value
            return f"start: %json {json.dumps(schema)}"
        return "start: " + " | ".join(json.dumps(choice) for choice in self.choices)


MAX_NEW_TOKENS = 1024


@dataclass(frozen=True)
class Request:
    """One question to one adapter (None = the base alone). Checked here, whatever the page or a script sent."""

    base: str
    prompt: tuple[Segment, ...]
    adapter: str | None = None
    max_new_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    constraint: Constraint | None = None

    def __post_init__(self) -> None:
        _check_range("max_new_tokens", self.max_new_tokens, 1, MAX_NEW_TOKENS, whole=True)
        _check_range("temperature", self.temperature, 0.0, 2.0)
        _check_range("top_p", self.top_p, 0.01, 1.0)
        _check_range("seed", self.seed, 0, 2**31 - 1, whole=True)
        if len(self.stop) > 8 or any(not s or len(s) > 64 for s in self.stop):
            raise BadInput("stop: at most 8 strings of 1 to 64 characters are accepted")
        if not any(segment.text for segment in self.prompt):
            raise BadInput("The prompt is empty: write something to ask")

    @property
    def choices(self) -> tuple[str, ...]:
        return self.constraint.choices if self.constraint else ()

    def to_wire(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> "Request":
        try:
            constraint = data.pop("constraint", None)
            prompt = tuple(Segment(**segment) for segment in data.pop("prompt"))
            stop = tuple(data.pop("stop", ()))
            return cls(prompt=prompt, stop=stop, constraint=Constraint(**constraint) if constraint else None, **data)
        except (TypeError, KeyError, AttributeError) as error:
            raise BadInput(f"The request is not well formed: {error}") from None


def _check_range(name: str, value: float, low: float, high: float, whole: bool = False) -> None:
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        raise BadInput(f"{name} must be between {low} and {high}, got {value!r}")


@dataclass(frozen=True)
class AnswerReceipt:
    """Who really answered: read back from the engine for this very answer, never copied from the request."""

    engine: str
    base: str
    adapter: str | None  # None = the base alone
    sha256: str | None  # digest of the adapter's weights
    scale: float  # 0.0 = off
    note: str = ""  # what went otherwise than asked, in words for the screen


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int
    new_tokens: int
    cached_tokens: int
    first_token_seconds: float
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        return self.new_tokens / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class Waiting:
    """The place of a request in the queue before its engine: 1 is the next; the seconds are a guess, None = unknown."""

    place: int
    of: int
    seconds: float | None


@dataclass(frozen=True)
class Chunk:
    """A piece of the answer; only the last one has more than text, and those before the first may say how it waits."""

    text: str = ""
    #: "stop" (the model ended or a stop string came), "length" (the limit came), "cancelled" (by who asked), or
    #: "cut" (a remote server broke off: such an answer is shown as cut and never scored)
    finish: str | None = None
    usage: Usage | None = None
    receipt: AnswerReceipt | None = None
    #: where the answer is one of a few choices: how likely each is among them, as a whole; together 1
    probabilities: dict[str, float] | None = None
    #: told by the queue (backends/queueing.py) while others are answered, never by an engine
    waiting: Waiting | None = None

    def to_wire(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value not in (None, "")}

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> "Chunk":
        usage, receipt = data.get("usage"), data.get("receipt")
        return cls(
            text=data.get("text", ""),
            finish=data.get("finish"),
            usage=Usage(**usage) if usage else None,
            receipt=AnswerReceipt(**receipt) if receipt else None,
            probabilities=data.get("probabilities"),
        )


@dataclass(frozen=True)
class Probe:
    """What an adapter does to a fixed prompt: max |logit difference| against the base, 0.0 = it changes nothing."""

    effect: float
    base_sha256: str = ""
    details: dict[str, float] = field(default_factory=dict)
    #: max |logit difference| of the base beside its adapters against a clean load of it; anything but 0.0 is a fault
    base_drift: float = 0.0


Report = Callable[[str, float], None]  # (what is happening, fraction done 0..1)
Cancelled = Callable[[], bool]


class Generates(Protocol):
    """A backend that answers. One instance lives in the engine process; calls may come from several threads."""

    name: str
    title: str

    def ready(self, base: str) -> str | None:
        """None when `base` can be asked here, else why not, in words for the screen."""

    def prepare(self, base: str, report: Report) -> None:
        """Make `base` ready to answer (assemble, download, load). Idempotent."""

    def generate(self, request: Request, cancelled: Cancelled) -> Iterator[Chunk]:
        """Stream the answer; stop at the next token once `cancelled()`. The last chunk carries usage and receipt."""

    def probe(self, base: str, adapter: str) -> Probe:
        """Measure the adapter's effect on the logits of a fixed prompt."""


class Trains(Protocol):
    """A backend that runs `python -m finetune.train RUN_DIR` somewhere. Idempotent by run id; plain values only."""

    name: str
    title: str

    def start(self, run_id: str, run_dir: str, limits: dict[str, float]) -> str: ...

    def poll(self, handle: str) -> str: ...

    def cancel(self, handle: str) -> None: ...

    def fetch(self, handle: str, folder: str) -> None: ...

    def quote(self, recipe: dict[str, Any], rows: int) -> dict[str, float]: ...
