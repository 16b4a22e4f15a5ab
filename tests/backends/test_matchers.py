"""Every task's constraint: both engines take the same answers, and the longest legal one fits the token limit."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends import grammar
from backends.base import Constraint
from backends.bases import embedded, tokenizer
from backends.bases.tokenizer import Tokens
from backends.catalog import EMBEDDED, base_named
from backends.engines.llama_cpp import LlamaCpp
from backends.settings import Settings
from finetune import all_tasks, examples
from finetune.rows import data
from finetune.task import Task
from tests.parts.legal_answers import grown
from tests.parts.llama_matcher import LlamaMatcher

TASKS = [task for task in all_tasks().values() if task.constraint]
each_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
ANSWERS = 200


@pytest.fixture(scope="module")
def tokens(prepared_bases: Path) -> Tokens:
    return tokenizer.load(Settings(data_dir=prepared_bases.parent), base_named(EMBEDDED))


@pytest.fixture(scope="module")
def engine(prepared_bases: Path) -> Iterator[LlamaMatcher]:
    with LlamaMatcher(embedded.gguf_path(Settings(data_dir=prepared_bases.parent))) as made:
        yield made


def taught(task: Task) -> list[str]:
    """What the task's own rows are answered with, each once."""
    rows = [row for split in ("test", "train") for row in data.read_jsonl(examples.path_of(task.name, split))]
    return list(dict.fromkeys(map(task.answer_of, rows)))


def spoilt(answer: str, other: str, chance: random.Random) -> str:
    """`answer` with one thing done to it; mostly that breaks its form, sometimes it gives another legal answer."""
    at = chance.randrange(len(answer))
    foreign = chance.choice(['"', "{", "}", ":", "\\", "\n", " ", "é", "😀", "\x00", "0", "x", "<eos>"])
    return chance.choice(
        [
            answer[:at],
            answer[at:],
            answer[:at] + foreign + answer[at + 1 :],
            answer[:at] + foreign + answer[at:],
            answer[:at] + answer[at + 1 :],
            f"{answer} and nothing else",
            f"The answer is {answer}",
            f" {answer}",
            f'"{answer}"',
            f"{answer}\n{other}",
            f"{answer} {other}",
            answer + other,
            answer.swapcase(),
            answer * 200,
            chance.choice(["", "UNKNOWN", "null", "-1", "{}", "[]", "11.5", "foo:bar", "<end_of_turn>"]),
        ]
    )


def answers(task: Task, lark: str) -> dict[str, bool]:
    """200 texts, and of each whether it is legal by its making: taught or grown ones are, the others may be."""
    chance = random.Random(task.name)
    known = taught(task)
    legal = [*known[:70], *(grown(lark, chance, stops=0.3) for _ in range(30))]
    made = dict.fromkeys(legal, True)
    while len(made) < ANSWERS:
        made.setdefault(spoilt(chance.choice(known), chance.choice(known), chance), False)
    return made


@pytest.mark.model
@each_task
def test_both_engines_take_the_same_answers(
    task: Task, tokens: Tokens, engine: LlamaMatcher, prepared_bases: Path
) -> None:
    assert task.constraint
    lark = grammar.check(task.constraint)
    made = answers(task, lark)
    written = [[*tokens.encode_text(text), tokens.eos] for text in made]
    settings = Settings(data_dir=prepared_bases.parent)
    path = embedded.tokenizer_path(settings)
    mask = grammar.Mask(task.constraint, path, tokens.tokenizer.get_vocab_size(), [tokens.eos])
    ours = [mask.matcher.validate_tokens(ids) == len(ids) for ids in written]
    theirs = engine.judge(LlamaCpp(settings, 1)._ended(EMBEDDED, lark), written)
    differ = [text for text, our, their in zip(made, ours, theirs, strict=True) if our != their]
    assert not differ
    refused_legal = [text for (text, legal), taken in zip(made.items(), ours, strict=True) if legal and not taken]
    assert not refused_legal
    assert ours.count(False) >= 30
    assert all(grammar.allows(lark, text) for text, taken in zip(made, ours, strict=True) if taken)


@pytest.mark.model
@each_task
@pytest.mark.parametrize(
    "likes", [b"", b"\\", b" \n", b"0123456789", b"{[("], ids=["any", "escape", "blank", "digit", "open"]
)
def test_the_longest_legal_answer_fits_the_token_limit(task: Task, likes: bytes, tokens: Tokens) -> None:
    """An opponent who never ends an answer where it may go on, in random letters, which take the most tokens."""
    assert task.constraint
    lark = grammar.check(task.constraint)
    for seed in range(5):
        text = grown(lark, random.Random(seed), likes=likes)
        answer = re.split("|".join(map(re.escape, task.stop)), text)[0] if task.stop else text
        # the end token, or the text that stops it, is one more
        assert len(tokens.encode_text(answer)) + 1 <= task.max_new_tokens, answer
    if task.constraint.kind == "choices":
        assert all(len(tokens.encode_text(choice)) < task.max_new_tokens for choice in task.constraint.value)


def test_the_opponent_finds_what_is_not_bounded() -> None:
    bounded = {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 3}
    assert len(grown(Constraint("json_schema", bounded).lark(), random.Random(0))) > 20
    for schema in (
        {"type": "array", "items": {"type": "string", "maxLength": 5}},
        {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        bounded | {"x-guidance": {}},
    ):
        with pytest.raises(AssertionError, match="for ever"):
            grown(Constraint("json_schema", schema).lark(), random.Random(0), likes=b" 0123456789")


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
def test_a_schema_takes_json_as_python_writes_it_and_no_other_white_space(separators: tuple[str, str]) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"enum": [1, 2]}, "maxItems": 2}}}
    lark = grammar.check(Constraint("json_schema", schema | {"required": ["a"], "additionalProperties": False}))
    text = json.dumps({"a": [1, 2]}, separators=separators)
    assert grammar.allows(lark, text)
    assert not grammar.allows(lark, text.replace(":", ":  ")) and not grammar.allows(lark, " " + text)
