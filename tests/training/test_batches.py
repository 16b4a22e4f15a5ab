"""Rows as token ids, and the order in which they are trained."""

from collections.abc import Iterator

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from backends.bases.tokenizer import Tokens
from backends.errors import BadInput
from finetune import formats, task_named
from finetune.recipes.recipe import Recipe
from finetune.training import batches
from finetune.training.batches import IGNORED, Example

WORDS = ["<bos>", "<eos>", "<unk>", "score", "code"]
TASK = task_named("complexity")


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    """A real tokenizer with a few words, which puts <bos> before a text as Gemma's does."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("<bos> $A", special_tokens=[("<bos>", 0)])
    tokenizer.add_special_tokens(["<bos>", "<eos>"])
    return Tokens(tokenizer, "<eos>")


def row(words: int) -> dict[str, object]:
    return {"code": "code " * words, "score": 3.0}


def encoded(tokens: Tokens, rows: list[dict[str, object]], max_length: int = 10_000) -> batches.Encoded:
    return batches.encode(rows, TASK, formats.Plain(), tokens, max_length)


def examples(lengths: list[int]) -> list[Example]:
    return [Example(list(range(1, length + 1)), length // 2) for length in lengths]


def test_a_row_is_one_bos_the_prompt_the_answer_and_the_end(tokens: Tokens) -> None:
    example = encoded(tokens, [row(5)]).examples[0]
    assert example.ids[0] == tokens.bos and example.ids.count(tokens.bos) == 1
    assert example.ids[-1] == tokens.eos
    assert example.ids[example.prompt : -1] == tokens.encode_text(TASK.answer_of(row(5)))


def test_only_the_answer_and_its_end_are_trained(tokens: Tokens) -> None:
    example = encoded(tokens, [row(5)]).examples[0]
    labels = batches.collate([example])["labels"][0].tolist()
    assert labels[: example.prompt] == [IGNORED] * example.prompt
    assert labels[example.prompt :] == example.ids[example.prompt :]
    assert labels[-1] == tokens.eos


def test_padding_is_on_the_right_and_never_trained() -> None:
    batch = batches.collate(examples([2, 6]))
    assert batch["input_ids"].tolist() == [[1, 2, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6]]
    assert batch["labels"].tolist() == [[IGNORED, 2, *[IGNORED] * 4], [*[IGNORED] * 3, 4, 5, 6]]
    assert batch["tokens"] == 8


def test_rows_that_are_too_long_are_left_out_whole_and_counted(tokens: Tokens) -> None:
    limit = len(encoded(tokens, [row(5)]).examples[0].ids)
    kept = encoded(tokens, [row(5), row(6), row(4)], limit)
    assert [len(example.ids) for example in kept.examples] == [limit, limit - 1]
    assert kept.omission == " (1 of 3 rows are longer than max_length and left out)"


def test_nothing_to_learn_from_is_one_clear_sentence(tokens: Tokens) -> None:
    with pytest.raises(BadInput, match=r"All 2 training rows are longer than max_length \(3 tokens\)"):
        batches.check_usable(encoded(tokens, [row(5), row(6)], 3), 3)
    with pytest.raises(BadInput, match="The training file has no rows"):
        batches.check_usable(encoded(tokens, []), 3)


@pytest.mark.parametrize("rows", [1, 3, 4, 17, 1003])
def test_every_row_comes_exactly_once_in_an_epoch(rows: int) -> None:
    lengths = [1 + i * 7919 % 100 for i in range(rows)]
    assert sorted(batches.bucketed(lengths, 4, seed=1, epoch=0)) == list(range(rows))


def test_the_order_depends_on_seed_and_epoch_and_on_nothing_else() -> None:
    lengths = [10 + i % 30 for i in range(200)]
    first = batches.bucketed(lengths, 4, seed=1, epoch=0)
    assert first == batches.bucketed(lengths, 4, seed=1, epoch=0)
    assert first != batches.bucketed(lengths, 4, seed=1, epoch=1)
    assert first != batches.bucketed(lengths, 4, seed=2, epoch=0)


def test_rows_of_a_batch_are_about_equally_long() -> None:
    lengths = [10 + i * 7919 % 300 for i in range(400)]
    order = batches.bucketed(lengths, 4, seed=0, epoch=0)
    padded = sum(4 * max(group) for group in _groups([lengths[i] for i in order], 4))
    assert padded < 1.1 * sum(lengths)


def test_long_and_short_batches_are_mixed_over_the_epoch() -> None:
    lengths = list(range(400))
    means = [sum(group) / 4 for group in _groups(batches.bucketed(lengths, 4, seed=0, epoch=0), 4)]
    halves = sum(means[:50]) / 50, sum(means[50:]) / 50
    assert abs(halves[0] - halves[1]) < 60


def test_scoring_sees_every_row_once() -> None:
    rows = examples([9, 2, 30, 4, 4])
    assert sorted(map(len, (e.ids for batch in batches.by_length(rows, 2) for e in batch))) == [2, 4, 4, 9, 30]


@pytest.mark.parametrize(
    ("changes", "steps"),
    [({}, 26), ({"max_steps": 7}, 7), ({"num_train_epochs": 0.5}, 7), ({"gradient_accumulation_steps": 1}, 50)],
)
def test_steps_follow_from_rows_and_recipe(changes: dict[str, float], steps: int) -> None:
    assert batches.total_steps(100, Recipe().change(**changes)) == steps


def test_evals_are_about_ten_a_run_unless_the_recipe_says_otherwise() -> None:
    assert batches.eval_every(100, Recipe()) == 10
    assert batches.eval_every(3, Recipe()) == 1
    assert batches.eval_every(100, Recipe(eval_steps=7)) == 7


def _groups(values: list[int], size: int) -> Iterator[list[int]]:
    return (values[i : i + size] for i in range(0, len(values), size))
