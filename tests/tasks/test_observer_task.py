"""Is a conversation worth remembering: rows in, answers read, metrics by hand, the form and the panel."""

import pytest

from backends import grammar
from backends.bases import tokenizer
from backends.catalog import bases
from backends.errors import BadInput
from finetune import examples, formats, task_named
from finetune.compare.confusion import confusion
from finetune.rows.data import read_jsonl
from finetune.scoring import baselines, report
from finetune.task import Unreadable
from finetune.tasks.observer_utility import LABELS, TASK, f1, macro_f1
from ui import panels

TURNS = "USER: I moved to Ghent\nASSISTANT: How nice!"


def scored(pairs):
    """Rows from (expected, answer)."""
    return [TASK.score({"user_message": "x", "assistant_message": "y", "label": e}, a) for e, a in pairs]


# Rows in.


@pytest.mark.parametrize(
    "row",
    [
        {"user_message": " I moved to Ghent ", "assistant_message": "How nice!", "label": "IMPORTANT"},
        {
            "user_message": "I moved to Ghent",
            "assistant_message": "How nice!",
            "label": "IMPORTANT",
            "reasoning": "location",
            "confidence": 0.95,
        },
        {"instruction": "Rate the memory-worthiness ...", "input": TURNS, "output": "IMPORTANT"},
        {
            "messages": [
                {"role": "system", "content": "You are a utility grading assistant."},
                {"role": "user", "content": TURNS},
                {"role": "assistant", "content": "IMPORTANT"},
            ]
        },
        {
            "text": f"<|im_start|>system\nRate ..<|im_end|>\n<|im_start|>user\n{TURNS}<|im_end|>\n"
            "<|im_start|>assistant\nIMPORTANT<|im_end|>"
        },
    ],
    ids=["ours", "raw", "instruction", "messages", "chatml"],
)
def test_every_row_shape_of_the_seed_becomes_the_same_clean_row(row):
    assert TASK.clean(row) == {
        "user_message": "I moved to Ghent",
        "assistant_message": "How nice!",
        "label": "IMPORTANT",
    }


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"assistant_message": "a", "label": "STORE"}, "user_message"),
        ({"user_message": "a", "assistant_message": "  ", "label": "STORE"}, "assistant_message"),
        ({"user_message": "a", "assistant_message": "b", "label": "LOW"}, "label"),
        ({"user_message": "a", "assistant_message": "b", "label": "STORE or DISCARD"}, "label"),
        ({"user_message": "a", "assistant_message": "b", "label": 2}, "label"),
        ({"input": "I moved", "output": "STORE"}, "input"),
        ({"input": TURNS}, "label"),
        ({"messages": [{"role": "user"}]}, "messages"),
        ({"text": "USER: a"}, "text"),
    ],
)
def test_an_unusable_row_names_its_column(row, column):
    with pytest.raises(BadInput, match=f"column {column}"):
        TASK.clean(row)


# Answers.


@pytest.mark.parametrize("answer", ["STORE", " store\n", "Store"])
def test_one_word_is_read_whatever_its_case(answer):
    assert TASK.parse(answer) == "STORE"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "none of"),
        ("LOW", "none of"),
        ("STORED", "none of"),
        ("STORE or DISCARD", "names 2 labels"),
        ("STORE.", "more than the one word"),
        ("Utility: IMPORTANT", "more than the one word"),
    ],
)
def test_anything_but_exactly_one_label_is_unreadable_and_never_kept_in_silence(answer, why):
    with pytest.raises(Unreadable, match=why):
        TASK.parse(answer)


# Metrics.


def test_f1_by_hand():
    rows = scored([("STORE", "STORE"), ("STORE", "DISCARD"), ("DISCARD", "DISCARD"), ("IMPORTANT", "nothing")])
    assert f1("STORE")(rows) == pytest.approx(2 * 1 / (2 + 1))
    assert f1("DISCARD")(rows) == pytest.approx(2 * 1 / (1 + 2))
    assert f1("IMPORTANT")(rows) == 0.0  # an unreadable answer misses its row
    assert macro_f1(rows) == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)


def test_a_label_that_neither_stands_nor_is_given_does_not_count():
    assert f1("STORE")(scored([("DISCARD", "DISCARD")])) is None
    assert macro_f1(scored([("DISCARD", "DISCARD")])) == 1.0
    assert macro_f1([]) is None


def test_the_confusion_matrix_counts_every_row_once_by_what_was_expected_and_given():
    rows = scored([("STORE", "STORE"), ("STORE", "DISCARD"), ("IMPORTANT", "perhaps"), ("STORE", "STORE")])
    counts = confusion(TASK, rows)
    assert counts["STORE"] == {"DISCARD": 1, "STORE": 2, "IMPORTANT": 0, "unreadable": 0}
    assert counts["IMPORTANT"]["unreadable"] == 1 and sum(counts["DISCARD"].values()) == 0
    assert confusion(task_named("complexity"), []) == {}


def test_the_report_has_the_confusion_matrix_of_each_system():
    system = report.System("shipped", "the adapter", "adapter", "observer_utility")
    made = report.build(TASK, [report.Judged(system, dict(enumerate(scored([("STORE", "STORE")]))))], {})
    assert made["systems"][0]["confusion"]["STORE"]["STORE"] == 1


def test_the_majority_is_learned_from_the_training_rows():
    train = [{"user_message": "a", "assistant_message": "b", "label": label} for label in ("STORE", "DISCARD", "STORE")]
    assert baselines.fit(TASK, "majority", train)(train[1]) == "STORE"


# Inputs.


@pytest.mark.parametrize("message", ["?!", " ... ", "so " * 3000])
def test_what_cannot_be_graded_is_said(message):
    assert TASK.unfit({"user_message": message, "assistant_message": "ok"})


def test_samples_fit_and_are_no_rows_of_ours():
    ours = {
        row["user_message"] for split in ("train", "test") for row in read_jsonl(examples.path_of(TASK.name, split))
    }
    for sample in TASK.samples:
        assert TASK.unfit(sample) is None and sample["user_message"] not in ours


# The form.


def test_the_form_takes_the_labels_and_nothing_else():
    lark = grammar.check(TASK.constraint)
    assert all(grammar.allows(lark, label) for label in LABELS)
    assert not any(grammar.allows(lark, text) for text in ("LOW", "STORE DISCARD", " STORE", "store"))


@pytest.mark.model
def test_rows_stay_short_and_the_longest_label_fits(base_settings):
    tokens = tokenizer.load(base_settings, bases()["gemma-3-270m"])
    lengths = [
        len(tokens.encode(formats.Plain().prompt(TASK, row)) + tokens.encode_text(row["label"]))
        for row in read_jsonl(examples.path_of(TASK.name, "train"))
    ]
    assert sum(lengths) / len(lengths) <= 90 and max(lengths) < 128
    assert max(len(tokens.encode_text(label)) for label in LABELS) < TASK.max_new_tokens


# The panel.


def test_the_panel_says_the_grade_in_words_and_every_share_in_figures():
    shown = panels.result(TASK, "STORE", {"DISCARD": 0.004, "STORE": 0.837, "IMPORTANT": 0.159})
    assert "acr-busy" in shown and "remembered for later" in shown
    assert shown.count("<meter") == shown.count("</meter>") == 3 and 'value="0.8370"' in shown
    assert [text in shown for text in ("84 %", "16 %", "under 1 %")] == [True] * 3
    assert shown.count("acr-chosen") == 1 and shown.index("acr-chosen") < shown.index("84 %")


def test_the_panel_never_says_that_something_is_certain():
    shown = panels.result(TASK, "IMPORTANT", {"DISCARD": 0.0, "STORE": 0.0, "IMPORTANT": 1.0})
    assert "over 99 %" in shown and "100 %" not in shown and ">0 %" not in shown


def test_without_shares_the_chip_stands_alone_and_empty_teaches():
    assert "<meter" not in panels.result(TASK, "DISCARD") and "DISCARD" in panels.result(TASK, "DISCARD")
    assert "No grade yet" in panels.result(TASK, "")


def test_an_answer_that_is_no_grade_is_refused_in_words():
    with pytest.raises(Unreadable) as problem:
        TASK.parse("DISCARD and STORE")
    shown = panels.refused(str(problem.value))
    assert "no readable answer" in shown and "names 2 labels" in shown
