"""Defects of rows against each other and of labels, and what looks like them but is none."""

from random import Random
from typing import Any

from tests.bench.defects import rows as ordinary
from tests.bench.defects.change import Change, Rows, either, some


def repeated(chance: Random, rows: Rows) -> list[int]:
    added = [dict(rows[i]) for i in some(chance, rows)]
    rows.extend(added) if chance.random() < 0.5 else rows.insert(len(rows) // 2, added.pop())
    seen: list[dict[str, Any]] = []
    return [i for i, row in enumerate(rows) if row in seen or seen.append(row)]  # type: ignore[func-returns-value]


def asked_again(chance: Random, rows: Rows) -> list[int]:
    """The same question once more, answered in other words: to be judged by a person, but no duplicate."""
    rows.extend(rows[i] | {"answer": ordinary.answer(chance)} for i in some(chance, rows))
    return []


def lightly_edited(chance: Random, text: str) -> str:
    words = text.split()
    spot = chance.randrange(len(words) - 2) + 1
    edits = (
        lambda: text.lower(),
        lambda: text.rstrip("?.") + chance.choice(("!", "??", "", " ?")),
        lambda: text + chance.choice((" Thanks!", " Thank you.", " Regards")),
        lambda: " ".join([*words[:spot], words[spot] + chance.choice("sen"), *words[spot + 1 :]]),
        lambda: text.replace(". ", ".\n"),
        lambda: "Hi! " + text,
    )
    return chance.choice(edits)()


def almost_repeated(chance: Random, rows: Rows) -> list[int]:
    """Long enough that one changed word is a small part: 30 words and more."""
    places = []
    for i in some(chance, rows):
        rows[i]["question"] += " " + ordinary.question(chance) + " " + ordinary.question(chance)
        copy = rows[i] | {"question": lightly_edited(chance, rows[i]["question"])}
        if copy != rows[i]:
            rows.append(copy)
            places.append(len(rows) - 1)
    if not places:  # an edit may leave a text as it was
        return almost_repeated(chance, rows)
    return places


def same_frame(chance: Random, rows: Rows) -> list[int]:
    """A shared greeting and signature around different questions; or one question with other numbers and answers."""
    if chance.random() < 0.5:
        for i in some(chance, rows, 6):
            rows[i]["question"] = f"Dear support team, I hope that you are well. {rows[i]['question']} Kind regards, M."
        return []
    for _ in range(4):
        first, second = chance.sample(range(10, 99), 2)
        text = f"A box holds {first} bolts and I need {second} for one shelf. How many are left over after one shelf?"
        rows.append({"question": text, "answer": str(first - second)})
    return []


def disagreed(chance: Random, rows: Rows) -> list[int]:
    places = []
    for i in some(chance, rows):
        text = chance.choice((str.upper, str.lower, str.strip, lambda text: text.replace(" ", "  ")))(
            rows[i]["question"]
        )
        rows.append({"question": text, "answer": ordinary.answer(chance)})
        places += [i, len(rows) - 1]
    return sorted(places)


def agreed(chance: Random, rows: Rows) -> list[int]:
    for i in some(chance, rows):
        told = chance.choice((str.upper, lambda text: text.rstrip("."), lambda text: text + " ", str))(
            rows[i]["answer"]
        )
        rows.append(rows[i] | {"answer": told})
    for i in some(chance, rows):
        rows.append({"question": rows[i]["question"] + " And how soon?", "answer": ordinary.answer(chance)})
    return []


def two_wordings(chance: Random, rows: Rows) -> list[int]:
    places = []
    for i in some(chance, rows):
        rows.append({"question": ordinary.question(chance), "answer": rows[i]["answer"]})
        places += [i, len(rows) - 1]
    return sorted(places)


def short_answers(chance: Random, rows: Rows) -> list[int]:
    for i in some(chance, rows, 8):
        rows[i]["answer"] = chance.choice(("Yes.", "No.", "Yes, it is.", "Not yet"))
    return []


def lopsided(chance: Random, rows: Rows) -> list[int]:
    few = chance.randint(1, len(rows) // 10)
    for i, row in enumerate(rows):
        row["answer"] = "spam" if i < few else "fine"
    return list(range(few, len(rows)))


def forgotten(chance: Random, rows: Rows) -> list[int]:
    for row in rows:
        row["answer"] = chance.choice(("refund", "delivery"))
    rows[0]["answer"] = "technical"
    while min(sum(r["answer"] == label for r in rows) for label in ("refund", "delivery")) < 22:
        rows.append({"question": ordinary.question(chance), "answer": chance.choice(("refund", "delivery"))})
    return []


def uneven(chance: Random, rows: Rows) -> list[int]:
    shares = chance.choice(((60, 40), (70, 30), (50, 30, 20), (40, 30, 15, 15), (75, 25)))
    names = chance.sample(ordinary.LABELS, len(shares))
    for i, row in enumerate(rows):
        at = (i * 37) % 100
        row["answer"] = next(name for k, name in enumerate(names) if at < sum(shares[: k + 1]))
    return []


def misspelt(chance: Random, rows: Rows) -> list[int]:
    places = some(chance, rows, 2)
    for i in places:
        label = rows[i]["answer"]
        spot = chance.randrange(1, len(label) - 1)
        swapped = label[:spot] + label[spot + 1] + label[spot] + label[spot + 2 :]
        slips = [label.capitalize(), label.upper(), label[:spot] + label[spot + 1 :], label[:spot] + label[spot:] * 1]
        slips += [swapped, label[: spot + 1] + label[spot:], label + ".", label[:spot] + "e" + label[spot + 1 :]]
        rows[i]["answer"] = chance.choice([slip for slip in slips if slip != label])
    return places


PAIRS = (
    ("active", "inactive"), ("import", "export"), ("positive", "negative"), ("credit", "debit"), ("legal", "illegal"),
    ("increase", "decrease"), ("inbound", "outbound"), ("male", "female"), ("relevant", "irrelevant"), ("gain", "pain"),
    ("grade 1", "grade 2"), ("C", "C++"), ("internal", "external"), ("moral", "amoral"), ("4.1", "4.2"),
)  # fmt: skip


def alike_labels(chance: Random, rows: Rows) -> list[int]:
    common, rare = chance.choice(PAIRS)
    for i, row in enumerate(rows):
        row["answer"] = rare if i % 12 == 5 else common if i % 2 else "other"
    return []


KINDS: dict[str, tuple[Change, Change]] = {
    "exact_duplicates": (repeated, either(asked_again, same_frame)),
    "near_duplicates": (almost_repeated, either(same_frame, repeated, asked_again)),
    "contradictions": (disagreed, agreed),
    "same_answer": (two_wordings, either(short_answers, asked_again)),
}
LABELLED: dict[str, tuple[Change, Change]] = {
    "balance": (either(lopsided, forgotten), uneven),
    "label_typos": (misspelt, alike_labels),
}


def leaked(chance: Random, held: Rows) -> list[int]:
    """All that is held out is new but for a few rows, which stand in the file as well, perhaps written otherwise."""
    places = sorted(chance.sample(range(len(held) - 20, len(held)), chance.randint(1, 3)))
    for i in range(len(held)):
        if i not in places:
            held[i] = {"question": ordinary.question(chance) + " Bye.", "answer": held[i]["answer"]}
        elif chance.random() < 0.5:
            text = held[i]["question"]
            held[i]["question"] = chance.choice((text.upper(), f" {text}\n", text.replace(" ", "  ")))
    return places


def related(chance: Random, held: Rows) -> list[int]:
    """Held-out questions that share their beginning or their answer with a row of the file, and nothing more."""
    for row in held:
        row["question"] = chance.choice((row["question"] + " It is urgent.", ordinary.question(chance) + " Bye."))
    return []
