"""The environment task: rows in every shape of the seed, how answers are read and measured, the form."""

import pytest

from backends import catalog, grammar
from backends.bases import tokenizer
from backends.errors import BadInput
from finetune import ask, examples, formats
from finetune.outputs import environment_answer as answers
from finetune.rows import data
from finetune.scoring import baselines
from finetune.task import Unreadable
from finetune.tasks.environment import MAX_CONTEXT, TASK

CONTEXT = "The Elm Beck is short. It held 12.4 mg/l of nitrate in 2019. Two farms drain into it."
ROW = {
    "instruction": "How much nitrate was there?",
    "input": CONTEXT,
    "output": "The Elm Beck held 12.4 mg/l of nitrate in 2019.",
    "expected_keywords": ["12.4", "2019"],
}
SEED_QUESTION = {"question": "What is peat?", "answer": "Peat is half rotten moss."}


# Rows.


@pytest.mark.parametrize(
    ("row", "instruction", "context", "output"),
    [
        (ROW, ROW["instruction"], CONTEXT, ROW["output"]),
        ({**ROW, "input": ""}, ROW["instruction"], "", ROW["output"]),
        ({"instruction": "What is peat?", "output": "Moss."}, "What is peat?", "", "Moss."),
        (SEED_QUESTION, "What is peat?", "", "Peat is half rotten moss."),
        (SEED_QUESTION | {"context": " Peat grows. "}, "What is peat?", "Peat grows.", "Peat is half rotten moss."),
        ({"messages": [{"user": "What is peat?", "assistant": "Moss."}]}, "What is peat?", "", "Moss."),
        (
            {
                "messages": [
                    {"user": "What is\npeat?", "assistant": "Moss."},
                    {"user": "Old?", "assistant": "Yes, old."},
                ]
            },
            "Old?",
            "User: What is peat?\nAssistant: Moss.",
            "Yes, old.",
        ),
        (
            {
                "messages": [
                    {"role": "system", "content": "Be kind."},
                    {"role": "user", "content": "What is peat?"},
                    {"role": "assistant", "content": "Moss."},
                ]
            },
            "What is peat?",
            "",
            "Moss.",
        ),
    ],
)
def test_every_shape_of_the_seed_becomes_a_row(row, instruction, context, output):
    cleaned = TASK.clean(row)
    assert (cleaned["instruction"], cleaned["input"], cleaned["output"]) == (instruction, context, output)


def test_slices_and_keywords_stay_with_a_row():
    row = TASK.clean({**ROW, "category": "water", "id": "eval_001"})
    assert row["expected_keywords"] == ["12.4", "2019"] and row["category"] == "water"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"input": "x", "output": "y"}, "column instruction: missing"),
        ({**ROW, "output": "  "}, "column output: empty"),
        ({**ROW, "output": "[PLACEHOLDER - Add actual content]"}, "column output: a placeholder"),
        ({**ROW, "input": 7}, "column input: a text is needed, this is int"),
        ({**ROW, "expected_keywords": "2019"}, "column expected_keywords: a list of words"),
        ({"messages": []}, "column messages: turns"),
        ({"messages": [{"role": "user", "content": "What?"}]}, "column messages: turns"),
        ({"messages": [{"user": "What?"}]}, "column messages: turns"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_by_its_column(row, words):
    with pytest.raises(BadInput) as problem:
        TASK.clean(row)
    assert words in str(problem.value)


# Reading and measuring, figures by hand.


@pytest.mark.parametrize("answer", ["", " \n", "...", "One line.\nAnother line."])
def test_what_is_no_answer_in_one_line_is_refused(answer):
    with pytest.raises(Unreadable):
        TASK.parse(answer)


def test_token_f1_is_the_seeds_on_sets_of_words_between_blanks():
    assert answers.token_f1("the river fell", "The river rose") == pytest.approx(2 / 3)
    assert answers.token_f1("a b", "a a a b") == 1.0
    assert answers.token_f1("in 2019.", "in 2019") == 0.5 and answers.word_f1("in 2019.", "in 2019") == 1.0
    assert answers.token_f1("a", "b") == 0.0


def test_exact_match_ignores_case_and_the_blanks_around_only():
    assert answers.exact(" Moss. ", "moss.") and not answers.exact("Moss.", "Moss")


@pytest.mark.parametrize(
    ("keywords", "answer", "recall"),
    [
        (["12.4", "2019"], "It held 12.4 mg/l in 2019.", 1.0),
        (["12.4", "2019"], "It held 12.4 mg/l.", 0.5),
        (["2.4"], "It held 12.4 mg/l.", 0.0),
        (["12"], "It held 12.4 mg/l, or 1,200.", 0.0),
        (["does not say"], "The context DOES NOT SAY it.", 1.0),
        ([], "Anything.", None),
    ],
)
def test_a_keyword_counts_as_a_whole_word_or_number_only(keywords, answer, recall):
    assert answers.keyword_recall(keywords, answer) == recall


def test_rouge_l_is_the_longest_common_subsequence():
    assert answers.rouge_l("the cat sat down", "the cat sat up") == pytest.approx(0.75)
    assert answers.rouge_l("a b c d", "d c b a") == pytest.approx(0.25)


def test_bleu_is_that_of_the_whole_corpus_as_sacrebleu_counts_it():
    from sacrebleu import corpus_bleu

    expected = ["The heron came back to the pond in 2019.", "No fish lives in the upper lake any more."]
    said = ["The heron came back to the lake in 2019.", "No fish lives there."]
    whole = corpus_bleu(said, [expected]).score / 100
    assert answers.bleu(list(zip(expected, said, strict=True))) == pytest.approx(whole)
    assert answers.bleu([(text, text) for text in expected]) == pytest.approx(1.0)
    assert answers.bleu([]) is None


def test_an_answer_is_right_with_half_of_the_words_and_every_keyword():
    def right(answer):
        return TASK.score(ROW, answer).correct

    assert right(ROW["output"]) and right("In 2019 the Elm Beck held 12.4 mg/l of nitrate.")
    assert not right("The Elm Beck held 13.4 mg/l of nitrate in 2019.")
    assert not right("12.4 and 2019.")


def test_an_unreadable_answer_counts_nought_in_every_metric():
    scored = TASK.score(ROW, "")
    assert scored.problem and not scored.correct
    figures = [m.part(scored) for m in TASK.metrics if m.part] + [
        m.compute([scored]) for m in TASK.metrics if m.compute
    ]
    assert figures == [0.0] * len(TASK.metrics)


def test_repeating_a_placeholder_wins_nothing_here():
    """The seed's committed result: token F1 .83 for a model that says the placeholder of its rows again."""
    with pytest.raises(BadInput):
        TASK.clean({"instruction": "What is peat?", "output": "[PLACEHOLDER - Add actual content]"})


@pytest.mark.parametrize(
    ("name", "said"),
    [("first-sentence", "The Elm Beck is short."), ("closest-sentence", "It held 12.4 mg/l of nitrate in 2019.")],
)
def test_the_trivial_systems_say_a_sentence_of_the_context(name, said):
    guess = baselines.fit(TASK, name, [ROW])
    assert guess({**ROW, "instruction": "How much nitrate in 2019?"}) == said
    assert guess({**ROW, "input": ""}) == "" and TASK.score(ROW, "").problem


# Inputs.


@pytest.mark.parametrize(
    ("question", "context", "words"),
    [("?!", CONTEXT, "no word"), ("so " * 210, CONTEXT, "630 characters"), ("What?", "x" * (MAX_CONTEXT + 1), "clear")],
)
def test_what_cannot_be_asked_is_said(question, context, words):
    assert words in TASK.unfit({"instruction": question, "input": context})


def test_the_context_may_be_empty_and_the_question_may_not(settings):
    ask.check_inputs(settings, TASK, {"instruction": "What is peat?", "input": ""})
    with pytest.raises(BadInput, match="Question is empty"):
        ask.check_inputs(settings, TASK, {"instruction": " ", "input": CONTEXT})
    with pytest.raises(BadInput, match="Context is empty"):
        ask.check_inputs(settings, TASK, {"instruction": "What is peat?"})


def test_a_file_of_questions_may_lack_the_context(settings, tmp_path):
    path = tmp_path / "asked.jsonl"
    data.write_rows(path, [{"instruction": "What is peat?", "note": None}, {"instruction": "Why?", "input": CONTEXT}])
    assert data.read_inputs(path, TASK, settings) == [
        {"instruction": "What is peat?", "note": None, "input": ""},
        {"instruction": "Why?", "input": CONTEXT},
    ]


def test_samples_fit_and_are_no_rows_of_ours():
    ours = {row["input"] for split in ("train", "test") for row in data.read_jsonl(examples.path_of(TASK.name, split))}
    for sample in TASK.samples:
        assert TASK.unfit(sample) is None and sample["input"] not in ours


# The form.


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        (ROW["output"], True),
        ("It had 9.2 °C and 40 µg/m³, says Zoë.", True),
        ("Why not?\n", True),
        ("No end", False),
        ("A 😀.", False),
        ("One.\nTwo.", False),
        ("x" * answers.MAX_CHARS + ".", False),
        ("x" * (answers.MAX_CHARS - 1) + ".", True),
    ],
)
def test_the_form_takes_one_line_that_ends_like_a_sentence(text, allowed):
    from llguidance import LLMatcher

    lark = grammar.check(TASK.constraint)
    matcher = LLMatcher(grammar._bytes_tokenizer(), LLMatcher.grammar_from_lark(lark), log_level=0)
    written = list(text.encode())
    whole = matcher.validate_tokens(written) == len(written) and matcher.consume_tokens(written)
    assert bool(whole and matcher.is_accepting()) == allowed


@pytest.mark.model
def test_prompts_stay_short_and_every_allowed_letter_is_one_token(base_settings):
    tokens = tokenizer.load(base_settings, catalog.base_named(catalog.EMBEDDED))
    rows = data.read_jsonl(examples.path_of(TASK.name, "train"))
    prompts = [len(tokens.encode(formats.Plain().prompt(TASK, row))) for row in rows]
    said = [len(tokens.encode_text(row["output"])) + 1 for row in rows]
    assert sum(prompts) / len(rows) <= 115 and sum(said) / len(rows) <= 20 and max(said) <= 40
    lark = grammar.check(TASK.constraint)
    letters = [chr(code) for code in range(32, 0x2100) if grammar.allows(lark, chr(code))]
    assert len(letters) > 150 and all(len(tokens.encode_text(letter)) == 1 for letter in letters)
