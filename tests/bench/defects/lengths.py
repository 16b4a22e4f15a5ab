"""Rows that are too long in one way or another, to the token; and rows that only just fit."""

from random import Random

from finetune.check.lengths import Lengths
from tests.bench.defects import rows as ordinary
from tests.bench.defects.change import Change, Rows, some


def total(lengths: Lengths, row: dict[str, str]) -> int:
    return len(lengths.tokens_of({"question": row["question"], "answer": row["answer"].strip()}))


def grown(chance: Random, lengths: Lengths, row: dict[str, str], wanted: int) -> None:
    """Make a row exactly so many tokens long by adding to its question: sentences first, then single letters."""
    while total(lengths, row) < wanted - 60:
        row["question"] = f"{ordinary.question(chance)} {row['question']}"
    while total(lengths, row) < wanted:
        row["question"] += " x"
    if total(lengths, row) > wanted:  # a letter may melt into its neighbour
        row["question"] = ordinary.question(chance)
        grown(chance, lengths, row, wanted)


def kinds(lengths: Lengths) -> dict[str, tuple[Change, Change]]:
    most, written = lengths.max_length, lengths.task.max_new_tokens

    def long(chance: Random, rows: Rows) -> list[int]:
        places = some(chance, rows)
        for i in places:
            pasted = " ".join(ordinary.question(chance) for _ in range(chance.randint(8, 30)))
            rows[i]["question"] = chance.choice((pasted, "=" * 3000 + pasted, f"{pasted}\n> " * 2))
        return places

    def exactly(more: int) -> Change:
        def change(chance: Random, rows: Rows) -> list[int]:
            places = some(chance, rows, 2)
            for i in places:
                grown(chance, lengths, rows[i], most + more)
            return places

        return change

    def talkative(chance: Random, rows: Rows) -> list[int]:
        places = some(chance, rows)
        for i in places:
            rows[i]["answer"] = " ".join(ordinary.answer(chance) for _ in range(chance.randint(4, 8)))
        return places

    def wordy(chance: Random, rows: Rows) -> list[int]:
        for i in some(chance, rows):
            rows[i]["answer"] = "x" + " x" * (written - 2)
        return []

    def nothing(chance: Random, rows: Rows) -> list[int]:
        places = some(chance, rows)
        for i in places:
            if chance.random() < 0.7:
                rows[i]["answer"] = chance.choice(("", " ", "\n", " \t "))
            else:
                rows[i]["question"] = " ".join(ordinary.question(chance) for _ in range(40))
        return places

    def little(chance: Random, rows: Rows) -> list[int]:
        for i in some(chance, rows, 8):
            rows[i]["answer"] = chance.choice(("y", "0", "👍", ".5", "B", "Ja"))
        return []

    return {
        "too_long": (long, exactly(0)),
        "answer_cut": (talkative, wordy),
        "empty_mask": (nothing, little),
        "end_token": (exactly(1), exactly(0)),
    }
