"""A fine-tune on hardware that is rented: what it has, its price as the platform tells it now, and how fast it may be.

Only for the receipt: nothing is started there. `hf_jobs:FLAVOR` is Hugging Face Jobs. How fast a card learns was never
measured here; its data sheet and the usual share of that make a wide range, and it says so.
"""

from dataclasses import dataclass
from typing import Any

from backends.bases import hub
from backends.errors import BadInput, Refused
from finetune.receipt import duration
from finetune.receipt.duration import Speed
from finetune.receipt.footprint import Range
from finetune.receipt.job import Job
from finetune.receipt.machine import Machine
from finetune.receipt.start_receipt import GB, LOCAL, Place

HF_JOBS = "hf_jobs"
#: 16-bit products a second of a card, in millions of millions, by its data sheet (two operations make one product)
CARDS = {"T4": 32, "L4": 60, "A10G": 35, "L40S": 181, "A100": 156, "H100": 495, "H200": 495, "RTX PRO 6000": 250}
TERA = 1e12
#: share of the data sheet that a fine-tune reaches
REACHED = Range(0.05, 0.45)
#: seconds for each layer and batch that no card is faster than: kernels are started one by one
STARTING_KERNELS = Range(0.003, 0.015)
#: to find a machine, fetch the image and the base, and start
WAITING = Range(60, 600)
MINUTE = "minute"


@dataclass(frozen=True)
class Flavor:
    """One kind of machine of the platform's price list."""

    name: str
    title: str
    card: str
    gpu_bytes: int
    #: dollars
    per_minute: float

    @property
    def place(self) -> Place:
        return Place(f"Hugging Face Jobs, {self.title}", self.per_minute, WAITING)

    @property
    def machine(self) -> Machine:
        return Machine({"bf16": 1.0, "fp32": 8.0}, self.title, self.gpu_bytes)

    def speed(self, job: Job) -> Speed:
        """From the data sheet of the card and the least time of a batch."""
        batch = job.load_of_batch
        products = duration.work(job.shape, job.recipe, batch)
        peak = CARDS[self.card] * TERA

        def reached(share: float, start: float) -> float:
            return products / (products / (peak * share) + job.shape.layers * start)

        low = reached(REACHED.low, STARTING_KERNELS.high)
        high = reached(REACHED.high, STARTING_KERNELS.low)
        return Speed(Range(low, high), f"the data sheet of the {self.card} (never measured here)")


def flavors(endpoint: str | None = None) -> list[Flavor]:
    """The GPU machines of Hugging Face Jobs that this receipt knows the speed of, cheapest first; needs the network."""
    from huggingface_hub import HfApi

    with hub.explained("pricing", endpoint):
        listed = HfApi(endpoint=endpoint).list_jobs_hardware()
    known = [found for entry in listed if (found := _flavor(entry))]
    return sorted(known, key=lambda flavor: flavor.per_minute)


def _flavor(entry: Any) -> Flavor | None:
    """One with a single card that is known; priced by the minute, as all of them are now."""
    card = entry.accelerator
    if card is None or str(card.quantity) != "1" or entry.unit_label != MINUTE:
        return None
    words = f"{card.manufacturer} {card.model}".upper()
    named = next((name for name in sorted(CARDS, key=len, reverse=True) if name in words), None)
    memory = _gb(str(card.vram))
    if named is None or not memory:
        return None
    return Flavor(entry.name, entry.pretty_name, named, round(memory * GB), float(entry.unit_cost_usd))


def _gb(text: str) -> float:
    number = text.upper().removesuffix("GB").strip()
    return float(number) if number.replace(".", "", 1).isdecimal() else 0.0


def flavor_named(backend: str) -> Flavor | None:
    """The machine of `--backend K`; None is this one. BadInput lists what there is."""
    kind, _, name = backend.partition(":")
    if backend == LOCAL:
        return None
    if kind != HF_JOBS:
        raise BadInput(f"There is no place {backend[:40]!r} to train at; known: {LOCAL} and {HF_JOBS}:FLAVOR")
    offered = flavors()
    if not offered:
        raise Refused("Hugging Face Jobs lists no machine with one GPU that is known here")
    for flavor in offered:
        if flavor.name == name:
            return flavor
    listed = ", ".join(f"{f.name} (${60 * f.per_minute:.2f} an hour, {f.gpu_bytes / GB:.0f} GB)" for f in offered)
    raise BadInput(f"Which machine? Give --backend {HF_JOBS}:FLAVOR with one of {listed}")
