"""Ordinary rows for the seeded-defect corpus: customers' questions with written answers or one of a few labels."""

from dataclasses import replace
from random import Random
from typing import Any

from backends.errors import BadInput
from finetune import task_named
from finetune.rows import data
from finetune.task import Row, Task

PRODUCTS = (
    "router", "printer", "coffee machine", "tablet", "vacuum cleaner", "smart lock", "camera", "dishwasher", "headset",
    "monitor", "keyboard", "e-bike", "thermostat", "projector", "speaker", "washing machine", "drone", "microwave",
)  # fmt: skip
PARTS = (
    "power cable", "filter", "battery", "screen", "left hinge", "water tank", "lens", "remote control", "charger",
    "front door", "mounting kit", "memory card", "fan", "handle", "USB port", "control knob", "sensor", "display",
)  # fmt: skip
TROUBLE = (
    "makes a grinding noise", "will not turn on", "shows error E{n}", "gets too hot after {n} minutes",
    "loses the connection every evening", "leaks a little", "blinks red", "forgets its settings", "smells of plastic",
    "stops in the middle of a job", "is louder than the old one", "does not fit", "arrived scratched",
)  # fmt: skip
TRIED = (
    "I have already restarted it twice.", "The manual (page {n}) does not mention this.", "A neighbour has the same.",
    "I tried another socket, without success.", "It worked fine until the update.", "Cleaning changed nothing.",
    "My partner thinks the {part} is to blame.", "This began {n} days ago.", "I bought it in your shop in {city}.",
    "The {part} looks fine to me.", "It only happens when the {part} is wet.", "I use it about {n} times a week.",
    "We keep it in the cellar at 15 °C.", "About 30 % of the time it works.",
)  # fmt: skip
WISH = (
    "What should I do?", "Can I send it back?", "Is this covered by the warranty?", "How long does a repair take?",
    "Do you sell a spare {part}?", "Please advise.", "Could a technician come to {city}?", "May I open it myself?",
)  # fmt: skip
CITIES = ("Lyon", "Graz", "Turin", "Bergen", "Porto", "Leeds", "Ghent", "Malmö", "Bilbao", "Kraków", "Cork", "Basel")
ADVICE = (
    "Unplug the {product} for {n} minutes.", "Remove the {part} and wipe it with a dry cloth.",
    "Hold the reset key until the light turns green.", "The {part} of this series was improved: we send a new one.",
    "A repair in {city} takes {n} working days.", "You may return it within {n} weeks.",
    "Install version {n}.2 from our support page.", "Please do not open the housing.", "The warranty covers this.",
    "Check that the {part} clicks into place.", "If the noise stays, write again.", "We are sorry for the trouble.",
    "A spare {part} costs {n} euros.", "Set the switch behind the {part} to B.",
)  # fmt: skip
LABELS = ("refund", "delivery", "technical", "account", "spare parts")


def filled(chance: Random, text: str, product: str) -> str:
    """A sentence with its slots filled, each with a draw of its own."""
    for slot, words in (("{part}", PARTS), ("{city}", CITIES)):
        text = text.replace(slot, chance.choice(words))
    return text.replace("{product}", product).replace("{n}", str(chance.randint(2, 90)))


def question(chance: Random) -> str:
    product = chance.choice(PRODUCTS)
    opening = chance.choice(("My", "Our new", "The", "Since yesterday the", "Hello, my", "For a week now our"))
    sentences = [f"{opening} {product} {chance.choice(TROUBLE)}.", *chance.sample(TRIED, chance.randint(1, 3))]
    return filled(chance, " ".join([*sentences, chance.choice(WISH)]), product)


def answer(chance: Random) -> str:
    product = chance.choice(PRODUCTS)
    return filled(chance, " ".join(chance.sample(ADVICE, chance.randint(3, 4))), product)


def written(chance: Random, count: int) -> list[dict[str, Any]]:
    """Different questions, each with an answer of its own."""
    questions: dict[str, None] = {}
    answers: dict[str, None] = {}
    while len(questions) < count:
        questions[question(chance)] = None
    while len(answers) < count:
        answers[answer(chance)] = None
    return [{"question": asked, "answer": told} for asked, told in zip(questions, answers, strict=True)]


def labelled(chance: Random, count: int) -> list[dict[str, Any]]:
    return [row | {"answer": LABELS[i % len(LABELS)]} for i, row in enumerate(written(chance, count))]


def clean(row: Row) -> dict[str, Any]:
    if not isinstance(row.get("answer"), str):
        raise BadInput("column answer: missing")
    return {"question": data.text_in(row, "question"), "answer": row["answer"].strip()} | data.slices(
        row, ("question", "answer")
    )


def task(max_new_tokens: int = 400) -> Task:
    """Answer a customer: any text is an answer, so nothing but the checks stands between a defect and training."""
    like = task_named("sourcegraph")
    return replace(
        like,
        name="customers",
        inputs=(replace(like.inputs[0], column="question", label="Question"),),
        target="answer",
        instruction="Answer the customer.",
        cue="Answer:",
        max_new_tokens=max_new_tokens,
        constraint=None,
        clean=clean,
        answer_of=lambda row: row["answer"],
        parse=str,
        unfit=lambda row: None,
    )
