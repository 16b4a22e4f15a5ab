"""Calibration on made-up answers whose honest certainty is known: it is found again, and no answer becomes another."""

import json
import random

import pytest

from finetune.scoring import calibration
from finetune.scoring.calibration import calibrated, ece, fit, heated

LABELS = ("A", "B", "C")


def answers(temperature: float, n: int = 3000, seed: int = 0) -> tuple[list[dict[str, float]], list[str]]:
    """Told probabilities that are `temperature` times too sharp, and truths drawn from the honest ones."""
    rng = random.Random(seed)
    told, truths = [], []
    for _ in range(n):
        weights = [rng.expovariate(1) for _ in LABELS]
        honest = dict(zip(LABELS, (weight / sum(weights) for weight in weights), strict=True))
        truths.append(rng.choices(LABELS, list(honest.values()))[0])
        told.append(heated(honest, 1 / temperature))
    return told, truths


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_answers_too_sure_or_too_shy_is_found(temperature):
    found = fit(*answers(temperature))
    assert found["temperature"] == pytest.approx(temperature, rel=0.08)
    assert found["ece_after"] < 0.03 and found["rows"] == 3000


def test_overconfidence_is_mended_on_rows_that_it_was_not_fitted_on():
    temperature = fit(*answers(3.0, n=300, seed=1))["temperature"]
    told, truths = answers(3.0, seed=2)
    before, after = ece(told, truths), ece([heated(t, temperature) for t in told], truths)
    assert before > 0.15 and after < 0.05


def test_a_hundred_right_answers_do_not_make_it_certain_for_ever():
    told = [{"A": 0.9, "B": 0.06, "C": 0.04}] * 100
    found = fit(told, ["A"] * 100)
    assert 0.95 < heated(told[0], found["temperature"])["A"] < 0.999


def test_heating_keeps_the_order_and_the_sum():
    told = {"A": 0.7, "B": 0.3, "C": 0.0}
    assert heated(told, 1.0) == pytest.approx(told)
    for temperature in (calibration.COLDEST, 0.5, 3.0, calibration.HOTTEST):
        found = heated(told, temperature)
        assert sum(found.values()) == pytest.approx(1.0)
        assert sorted(found, key=found.__getitem__) == ["C", "B", "A"]


def test_the_calibration_error_by_hand():
    told = [{"A": 0.95, "B": 0.05}] * 4 + [{"A": 0.65, "B": 0.35}] * 2
    truths = ["A", "A", "A", "B", "A", "B"]
    assert ece(told, truths) == pytest.approx((4 * abs(0.95 - 0.75) + 2 * abs(0.65 - 0.5)) / 6)
    assert ece([{"A": 1.0, "B": 0.0}], ["A"]) == 0.0


@pytest.mark.parametrize(
    "found",
    [None, 3, [], {}, {"temperature": 0}, {"temperature": "2"}, {"temperature": float("nan")}, {"temperature": 1e9}],
)
def test_a_card_without_a_usable_temperature_changes_nothing(found):
    told = {"A": 0.7, "B": 0.3}
    assert calibrated(told, {"calibration": found}) == told


def test_a_card_keeps_what_was_fitted_through_json():
    told, truths = answers(2.0, n=200)
    card = json.loads(json.dumps({"calibration": fit(told, truths)}))
    assert calibrated(told[0], card) == heated(told[0], card["calibration"]["temperature"]) != told[0]
