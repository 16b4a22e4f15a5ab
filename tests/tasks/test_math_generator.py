"""The example calculations: deterministic, right by construction, every step true, no leak between splits."""

import random
import re
from collections import Counter
from fractions import Fraction

import pytest

from finetune import examples
from finetune.generators import math
from finetune.generators.math import columns, numbers, plan
from finetune.generators.math.texts import TURN, filled, load
from finetune.outputs import math_answer, math_steps
from finetune.outputs.math_grammar import FORM
from finetune.rows import data
from finetune.tasks.math import TASK

PAIRS = [("train", "val"), ("train", "test"), ("val", "test")]
ASKED = {"+": "sum", "-": "difference", "*": "product", "/": "quotient"}


@pytest.fixture(scope="module")
def rows():
    return {split: list(math.rows(split, 0)) for split in math.ROWS}


def every(rows):
    return [row for found in rows.values() for row in found]


def words(split: str) -> set[str]:
    return {entry for entries in load("words", split).values() for entry in entries}


def wordings(split: str) -> set[str]:
    return {TURN.sub("", line).casefold() for lines in load("wordings", split).values() for line in lines}


# The steps.


@pytest.mark.parametrize(
    ("a", "sign", "b", "lines"),
    [
        (37, "+", 5, ["37+5", "37+05", "7+5=12:2", "3+0+1=4:42"]),
        (42, "-", 5, ["42-5", "42-05", "12-5=7:7", "4-0-1=3:37"]),
        (300, "-", 1, ["300-1", "300-001", "10-1=9:9", "10-0-1=9:99", "3-0-1=2:299"]),
        (63, "*", 37, ["63*37", "3*7=21:1", "6*7=42,3*3=9,+42=51,+2=53:31", "6*3=18,+5=23:2331"]),
        (8, "*", 57, ["8*57", "57*8", "7*8=56:6", "5*8=40,+5=45:456"]),
        (111, "*", 222, ["111*222", "2", "2+2=4", "2+2+2=6", "2+2=4", "2"]),
        (2328, "/", 3, ["2328/3", "23/3=7r2", "22/3=7r1", "18/3=6r0"]),
        (45, "/", 4, ["45/4", "4/4=1r0", "5/4=1r1", ".10/4=2r2", ".20/4=5r0"]),
        (611, "/", 47, ["611/47", "61/47~1,47*1=47,61-47=14", "141/47~3,47*3=141,141-141=0"]),
        (7, "+", 8, ["7+8", "7+8=15:15"]),
        (-7, "+", -1, ["-7+-1=-(7+1)", "7+1=8:8"]),
        (3, "-", 10, ["3-10=-(10-3)", "10-03", "10-3=7:7", "1-0-1=0:07"]),
        (-6, "*", 7, ["-6*7=-(6*7)", "6*7=42:42"]),
    ],
)
def test_the_steps_of_an_operation_by_hand(a, sign, b, lines):
    assert plan.two(a, sign, b)[0] == lines


def test_any_two_numbers_give_the_exact_result_by_true_steps():
    """Against Python's own arithmetic; the steps' last digits are the result."""
    rng = random.Random(5)
    for _ in range(1500):
        sign = rng.choice("+-*/")
        a, b = (rng.choice((-1, 1)) * rng.randrange(10 ** rng.randint(1, 4)) for _ in range(2))
        if sign == "/" and b == 0:
            continue
        lines, value = plan.two(a, sign, b)
        x, y = Fraction(a), Fraction(b)
        assert value == {"+": x + y, "-": x - y, "*": x * y, "/": y and x / y}[sign]
        assert math_steps.wrong(lines) == [] and math_steps.planned(lines) == value, lines
        if sign in "+-" or (sign == "*" and ":" in lines[-1]):
            assert int(lines[-1].rpartition(":")[2]) == abs(value)


def test_a_division_that_does_not_end_stops_after_its_decimals():
    assert len(columns.divide(1, 3)) == 2 + columns.DECIMALS


def test_powers_fractions_and_expressions():
    assert plan.power(7, 3)[1] == 343 and plan.power(7, 3)[0][0] == "7^3=7*7*7" and plan.power(5, 1)[0] == ["5^1=5"]
    assert plan.lowest(18, 24) == (["18/24", "18/6=3,24/6=4"], Fraction(3, 4))
    assert plan.lowest(5, 7) == (["5/7"], Fraction(5, 7))
    lines, value = plan.expression("50-4*6")
    assert value == 26 and lines == ["50-4*6", "4*6=24:24", "50-24", "10-4=6:6", "5-2-1=2:26"]


@pytest.mark.parametrize("text", ["3-5", "7/2", "1/0", "2**3", "-(3)", "2.5+1"])
def test_what_the_steps_do_not_cover_is_refused(text):
    with pytest.raises(plan.NotWhole):
        plan.expression(text)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(Fraction(-8), "-8"), (Fraction(45, 4), "11.25"), (Fraction(1, 8), "0.125"), (Fraction(1, 3), "1/3")],
)
def test_a_result_is_shown_whole_decimal_or_as_a_fraction(value, shown):
    assert plan.shown(value) == shown


# The rows.


def test_a_seed_gives_the_same_rows_and_another_seed_others(rows):
    assert list(math.rows("val", 0)) == rows["val"]
    assert list(math.rows("val", 1)) != rows["val"]


def test_the_files_that_ship_are_these_rows(rows):
    for split, expected in rows.items():
        assert data.read_jsonl(examples.path_of("math", split)) == expected


def test_sizes_and_kinds(rows):
    assert {split: len(found) for split, found in rows.items()} == {"train": 9000, "val": 60, "test": 200}
    shares = Counter(row["kind"] for row in rows["test"])
    assert set(shares) == {*math.BARE, "words"}
    assert shares["words"] > 60 and all(shares[sign] > 20 for sign in "+-*/")


def test_every_row_is_clean_in_the_form_and_right_by_its_own_steps(rows):
    for row in every(rows):
        assert TASK.clean(row) == row and TASK.unfit(row) is None
        assert FORM.fullmatch(TASK.answer_of(row)), row
        scored = TASK.score(row, TASK.answer_of(row))
        # a fraction in lowest terms already is its plan and needs no step
        few = {"steps": 0.0} if row["solution"] == row["answer"] else {}
        assert scored.correct and scored.parts == dict.fromkeys(scored.parts, 1.0) | few, row


def test_a_fraction_in_lowest_terms_stays_a_fraction(rows):
    for row in (row for row in every(rows) if row["kind"] == "lowest"):
        value = math_answer.number(row["answer"])
        assert row["answer"] == f"{value.numerator}/{value.denominator}", row


def test_the_numbers_of_a_bare_calculation_stand_in_its_question(rows):
    for row in (row for row in every(rows) if row["kind"] in ASKED):
        said = sorted(re.findall(r"\d+", row["question"].replace(",", "")))
        calculated = row["solution"].partition("\n")[0].partition("=")[0]
        assert said == sorted(re.findall(r"\d+", calculated)), row


def test_no_trace_of_a_wordings_signs_is_left_in_a_question(rows):
    for row in every(rows):
        assert not re.search(r"[{}\[\]|]|\s{2}|\A\s|\s\Z", row["question"]), row


def test_carries_borrows_and_different_lengths_are_common(rows):
    plans = [row["solution"] for row in rows["train"] if row["kind"] in "+-"]
    assert sum("+1=" in solution or "-1=" in solution for solution in plans) > 0.4 * len(plans)
    padded = sum(bool(re.search(r"^0|[-+]0\d", solution, re.MULTILINE)) for solution in plans)
    assert padded > 0.4 * len(plans)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_splits_share_no_question_no_calculation_no_wording_and_no_word(rows, one, other):
    def asked(split: str, column: str) -> set[str]:
        return {row[column].partition("\n")[0].casefold() for row in rows[split]}

    assert not asked(one, "question") & asked(other, "question")
    assert not asked(one, "solution") & asked(other, "solution")
    assert not wordings(one) & wordings(other)
    assert not words(one) & words(other)


def test_a_calculation_belongs_to_one_split_whatever_the_seed(rows):
    for split, found in rows.items():
        assert {math.owner(row["solution"].partition("\n")[0]) for row in found} == {split}


def test_word_problems_come_from_many_wordings(rows):
    shapes = {re.sub(r"\d[\d,]*", "N", row["question"]) for row in rows["train"] if row["kind"] == "words"}
    assert len(shapes) > 1000
    kinds = {split: load("wordings", split).keys() for split in math.ROWS}
    assert kinds["test"] <= kinds["train"] and kinds["val"] <= kinds["train"]


def test_every_wording_names_the_numbers_of_its_calculation():
    for split in math.ROWS:
        for kind, lines in load("wordings", split).items():
            wanted = {"a", "b"} if kind in math.BARE else set(re.findall("[abc]", kind))
            for line in lines:
                assert set(re.findall(r"\{([abc])\}", line)) == wanted, line


def test_a_wording_is_filled_with_one_turn_and_capital_letters():
    said = filled(random.Random(1), "{she} [has|owns] {a} {boxes}. {she} waits.", {"a": "3"}, load("words", "val"))
    assert re.fullmatch(r"(She|He) (has|owns) 3 [a-z]+s\. (She|He) waits\.", said)


def test_an_article_fits_the_word_after_it():
    assert filled(random.Random(1), "a {place}. A {place}", {}, {"place": ("office",)}) == "An office. An office"


def test_numbers_have_up_to_four_digits_and_products_are_mostly_short():
    rng = random.Random(3)
    drawn = [numbers.pair(rng, "*") for _ in range(500)]
    assert max(abs(n) for pair in drawn for n in pair) <= 9999
    long = sum(len(str(abs(a))) * len(str(abs(b))) > columns.FACTORS_SHOWN for a, b in drawn)
    assert 0 < long < 0.25 * len(drawn)
    assert {math_answer.number(str(a)) for a, _ in drawn} >= {Fraction(2)}
