"""The start receipt as data and as sentences: does it fit, how long does it take, what does it cost."""

from dataclasses import asdict, dataclass
from typing import Any

from finetune.receipt.footprint import Range

GB = 1 << 30
VERDICTS = {"yes": "It fits", "tight": "It may just fit", "no": "It does not fit"}


@dataclass(frozen=True)
class StartReceipt:
    base: str
    task: str
    rows: int
    left_out: int
    steps: int
    #: of all steps together
    tokens: int
    #: "yes", "tight" (it fits if the better end of the range is right) or "no"
    fits: str
    #: bytes
    memory: Range
    available: int
    #: from the press of Start to the end
    seconds: Range
    #: minutes after which it ends with a checkpoint, by the recipe or by this place
    limit: float
    #: where the speed is known from
    speed: str
    #: what would make it fit; empty when it does
    advice: str
    #: in dollars; this machine is there already
    cost: float = 0.0

    @property
    def sentences(self) -> list[str]:
        """One each for memory, time and money; then what to change, if anything."""
        return [
            self._memory(),
            self._time(),
            "It costs nothing: it runs on this machine.",
            *filter(None, [self.advice]),
        ]

    def _memory(self) -> str:
        low, high, free = (f"{size / GB:.1f}" for size in (*self.memory, self.available))
        return f"{VERDICTS[self.fits]}: it takes {low} to {high} GB of memory, and {free} GB are free."

    def _time(self) -> str:
        low, high = (seconds / 60 for seconds in self.seconds)
        digits = 0 if high >= 10 else 1
        first, last = f"{low:.{digits}f}", f"{high:.{digits}f}"
        takes = f"It takes {last} minutes" if first == last else f"It takes {first} to {last} minutes"
        capped = f"; at {self.limit:g} minutes it ends with what it has learned" if high >= self.limit else ""
        return f"{takes} for up to {self.steps:,} steps and {self.tokens:,} tokens, by {self.speed}{capped}."

    def to_json(self) -> dict[str, Any]:
        minutes = {end: round(seconds / 60, 2) for end, seconds in self.seconds._asdict().items()}
        ranges = {"memory": self.memory._asdict(), "seconds": self.seconds._asdict(), "minutes": minutes}
        return asdict(self) | ranges | {"sentences": self.sentences}


def fits(memory: Range, available: int) -> str:
    return "yes" if memory.high <= available else "tight" if memory.low <= available else "no"
