"""The start receipt for rented hardware, by a price list on loopback: prices, ranges, caps, plain refusals."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from backends.errors import BadInput, Refused, Unavailable
from backends.settings import ROOT, Settings
from finetune import examples
from finetune.receipt import elsewhere
from finetune.receipt.elsewhere import Flavor
from finetune.receipt.footprint import Range
from finetune.receipt.job import Job
from finetune.receipt.start_receipt import GB, StartReceipt
from tests.parts.loopback_hub import Answer, LoopbackHub
from tests.training.test_receipt import made, tiny

pytestmark = pytest.mark.slow

__all__ = ["made", "tiny"]  # fixtures


def entry(name: str, model: str | None, vram: str = "24 GB", dollars: float = 0.02, **other: Any) -> dict[str, Any]:
    card = {"type": "gpu", "model": model, "quantity": "1", "vram": vram, "manufacturer": "Nvidia"} if model else None
    base = {
        "name": name,
        "prettyName": name.replace("l40s", "L40S"),
        "cpu": "4 vCPU",
        "ram": "15 GB",
        "accelerator": card,
    }
    return base | {"unitCostMicroUSD": round(dollars * 1e6), "unitCostUSD": dollars, "unitLabel": "minute"} | other


LISTED = [
    entry("a100-large", "A100", "80 GB", 0.0417),
    entry("cpu-basic", None, dollars=0.0002),
    entry("l40sx1", "L40S", "48 GB", 0.03),
    entry("t4-small", "T4", "16 GB", 0.0067),
    entry("mystery", "TPU v9", "16 GB", 0.001),
    entry("by-the-hour", "A10G", unitLabel="hour"),
    entry("two-cards", "A10G", accelerator={**(entry("x", "A10G")["accelerator"]), "quantity": "2"}),
]


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with LoopbackHub() as hub:
        hub.prices = Answer.json(LISTED)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        yield hub


def on(job: Job, flavor: Flavor, dollars: float | None = None) -> StartReceipt:
    there = replace(job, machine=flavor.machine)
    return there.receipt(there.memory(there.recipe), flavor.speed(there), flavor.place, dollars)


def test_only_single_cards_that_are_known_are_offered_cheapest_first(listing: LoopbackHub) -> None:
    found = elsewhere.flavors(listing.url)
    assert [flavor.name for flavor in found] == ["t4-small", "l40sx1", "a100-large"]
    assert [(flavor.card, flavor.gpu_bytes // GB) for flavor in found] == [("T4", 16), ("L40S", 48), ("A100", 80)]


def test_the_receipt_of_a_rented_machine_has_its_memory_and_its_price(made: Job) -> None:
    flavor = Flavor("t4-small", "T4 small", "T4", 16 * GB, 0.0067)
    told = on(made, flavor)
    assert told.available == 16 * GB and told.fits == "yes"
    assert told.cost.low == pytest.approx((told.seconds.low + 60) / 60 * 0.0067, abs=1e-4)
    assert told.cost.high > told.cost.low > 0
    assert "on Hugging Face Jobs, T4 small, at $0.40 an hour" in told.sentences[2]
    assert "data sheet of the T4 (never measured here)" in told.sentences[1]
    assert told.to_json()["cost"] == {"low": told.cost.low, "high": told.cost.high}


def test_a_faster_card_is_never_slower_and_a_tiny_base_gains_little(made: Job) -> None:
    slow, fast = Flavor("t", "T", "T4", 16 * GB, 0.01), Flavor("h", "H", "H200", 140 * GB, 0.08)
    one, other = slow.speed(made).range, fast.speed(made).range
    assert other.low >= one.low and other.high >= one.high
    assert other.high / one.high < 2, "two layers are done before the next kernel is started"


def test_a_cap_on_money_becomes_one_on_minutes(made: Job) -> None:
    flavor = Flavor("t4-small", "T4 small", "T4", 16 * GB, 0.1)
    told = on(made, flavor, dollars=1.5)
    assert told.limit == pytest.approx(15 - 10), "of fifteen minutes, ten may go by before it begins"
    assert on(made, flavor, dollars=0.1).seconds == Range(0.6, 0.6), "too little for anything: nearly no time"


def test_local_is_this_machine_and_another_word_is_refused() -> None:
    assert elsewhere.flavor_named("local") is None
    with pytest.raises(BadInput, match="no place 'moon' to train at; known: local and hf_jobs:FLAVOR"):
        elsewhere.flavor_named("moon")


@pytest.mark.parametrize("asked", ["hf_jobs", "hf_jobs:", "hf_jobs:cpu-basic", "hf_jobs:nothing"])
def test_a_machine_that_is_not_offered_lists_those_that_are(listing: LoopbackHub, asked: str) -> None:
    with pytest.raises(BadInput, match=r"one of t4-small \(\$0\.40 an hour, 16 GB\), l40sx1"):
        elsewhere.flavor_named(asked)


def test_no_price_list_and_no_known_machine_are_said(listing: LoopbackHub) -> None:
    listing.prices = Answer.json([entry("cpu-basic", None)])
    with pytest.raises(Refused, match="no machine with one GPU"):
        elsewhere.flavor_named("hf_jobs:t4-small")
    listing.prices = Answer.refused(503, "Unavailable", "come back later")
    with pytest.raises(Unavailable, match="The Hub answered 503"):
        elsewhere.flavor_named("hf_jobs:t4-small")


@pytest.mark.model
def test_the_command_asks_the_price_list_of_today(listing: LoopbackHub, base_settings: Settings) -> None:
    rows = str(examples.path_of("complexity", "train"))
    argv = [
        sys.executable,
        "-m",
        "finetune",
        "estimate",
        rows,
        "--task",
        "complexity",
        "--set",
        "max_steps=5",
        "--json",
    ]
    env = {**os.environ, **base_settings.to_env(), "HF_ENDPOINT": listing.url, "HF_HUB_OFFLINE": "0"}

    def asked(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*argv, *more], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)

    done = asked("--backend", "hf_jobs:l40sx1")
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["place"]["title"] == "Hugging Face Jobs, L40Sx1"
    assert 0 < told["cost"]["low"] < told["cost"]["high"] < 1
    assert asked("--backend", "hf_jobs:l40sx1", "--smoke").returncode == 1
