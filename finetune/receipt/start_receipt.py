"""The start receipt as data and as sentences: does it fit, how long does it take, what does it cost."""

from dataclasses import asdict, dataclass
from typing import Any

from finetune.receipt.footprint import Range

GB = 1 << 30
LOCAL = "local"
VERDICTS = {"yes": "It fits", "tight": "It may just fit", "no": "It does not fit"}


@dataclass(frozen=True)
class Place:
    """Where a fine-tune would run, what a minute there costs in dollars, and the seconds before it begins."""

    title: str = "this machine"
    per_minute: float = 0.0
    waiting: Range = Range(0, 0)


HERE = Place()


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
    place: Place = HERE

    @property
    def sentences(self) -> list[str]:
        """One each for memory, time and money; then what to change, if anything."""
        return [
            self._memory(),
            self._time(),
            self._money(),
            *filter(None, [self.advice]),
        ]

    def _memory(self) -> str:
        low, high, free = (f"{size / GB:.1f}" for size in (*self.memory, self.available))
        return f"{VERDICTS[self.fits]}: it takes {low} to {high} GB of memory, and {free} GB are free."

    @property
    def cost(self) -> Range:
        """In dollars. This machine is there already."""
        minute = self.place.per_minute / 60
        return Range(*(round((self.seconds[end] + self.place.waiting[end]) * minute, 4) for end in (0, 1)))

    def _money(self) -> str:
        if not self.place.per_minute:
            return f"It costs nothing: it runs on {self.place.title}."
        return (
            f"It costs ${self.cost.low:.2f} to ${self.cost.high:.2f} on {self.place.title}, at "
            f"${60 * self.place.per_minute:.2f} an hour by today's price list, with the minutes before it begins."
        )

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
        ranges["cost"] = self.cost._asdict()
        return asdict(self) | ranges | {"sentences": self.sentences}


def fits(memory: Range, available: int) -> str:
    return "yes" if memory.high <= available else "tight" if memory.low <= available else "no"
