"""Rows become token ids with a trained span, and batches of rows that are about equally long.

No torch is needed until a batch is built, so that the start receipt can count tokens and steps without it.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from backends.base import Segment
from backends.errors import BadInput
from finetune.formats import Format
from finetune.recipes.recipe import Recipe
from finetune.task import Row, Task

if TYPE_CHECKING:
    from backends.bases.tokenizer import Tokens

IGNORED = -100  # label of a position that is not trained
POOL = 50  # batches whose rows are sorted together: enough to save padding, few enough to stay random


class Example(NamedTuple):
    """One row as token ids: the first `prompt` of them are read, the rest (answer, end token) are learned."""

    ids: list[int]
    prompt: int


@dataclass(frozen=True)
class Encoded:
    """The rows of one file that are used, and how many were longer than `max_length` and left out."""

    examples: list[Example]
    left_out: int

    @property
    def lengths(self) -> list[int]:
        return [len(example.ids) for example in self.examples]

    @property
    def omission(self) -> str:
        """What was left out, in words to put behind a sentence; empty when all rows are used."""
        if not self.left_out:
            return ""
        rows = self.left_out + len(self.examples)
        return f" ({self.left_out} of {rows} rows are longer than max_length and left out)"


def encode(rows: Sequence[Row], task: Task, fmt: Format, tokens: "Tokens", max_length: int) -> Encoded:
    """Prompt (one BOS) + answer + end token per row. A row that is too long is left out whole, never cut."""
    end = tokens.encode([Segment(fmt.end, special=True)], bos=False) if fmt.end else [tokens.eos]
    examples = []
    for row in rows:
        prompt = tokens.encode(fmt.prompt(task, row))
        answer = tokens.encode_text(task.answer_of(row))
        example = Example([*prompt, *answer, *end], len(prompt))
        if len(example.ids) <= max_length:
            examples.append(example)
    return Encoded(examples, len(rows) - len(examples))


def check_usable(encoded: Encoded, max_length: int) -> None:
    if encoded.examples:
        return
    if encoded.left_out:
        raise BadInput(
            f"All {encoded.left_out} training rows are longer than max_length ({max_length} tokens), nothing "
            "is left to learn from: raise max_length or shorten the rows"
        )
    raise BadInput("The training file has no rows: add at least one row with its input and its answer")


def collate(examples: Sequence[Example]) -> dict[str, Any]:
    """One batch, padded on the right. No mask: a causal model never looks right, so padding is unseen."""
    import torch

    width = max(len(example.ids) for example in examples)
    ids = [example.ids + [0] * (width - len(example.ids)) for example in examples]
    labels = [
        [IGNORED] * example.prompt + example.ids[example.prompt :] + [IGNORED] * (width - len(example.ids))
        for example in examples
    ]
    return {
        "input_ids": torch.tensor(ids),
        "labels": torch.tensor(labels),
        "tokens": sum(len(example.ids) for example in examples),
    }


def bucketed(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[int]:
    """Row numbers of one epoch: neighbours in a batch are about equally long, batches come in random order.

    A function of seed and epoch alone, so that a resumed run sees the rows in the order of the unbroken one.
    """
    chance = random.Random(f"{seed}/{epoch}")
    order = list(range(len(lengths)))
    chance.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), batch_size * POOL):
        pool = sorted(order[start : start + batch_size * POOL], key=lengths.__getitem__)
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    chance.shuffle(batches)
    batches.sort(key=lambda batch: len(batch) < batch_size)  # a short batch last: no other may shift
    return [row for batch in batches for row in batch]


class BucketSampler:
    """`bucketed` as a sampler; the Trainer calls `set_epoch` before each pass, also into a resumed one."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed, self.epoch = lengths, batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        return iter(bucketed(self.lengths, self.batch_size, self.seed, self.epoch))


def by_length(examples: Sequence[Example], batch_size: int) -> list[list[Example]]:
    """Batches for scoring, where order does not matter: the least padding."""
    ordered = sorted(examples, key=lambda example: len(example.ids))
    return [ordered[i : i + batch_size] for i in range(0, len(ordered), batch_size)]


def steps_in_epoch(rows: int, recipe: Recipe) -> int:
    batches = math.ceil(rows / recipe.per_device_train_batch_size)
    return math.ceil(batches / recipe.gradient_accumulation_steps)


def total_steps(rows: int, recipe: Recipe) -> int:
    """Steps of a whole run: `max_steps` if set, else what the epochs give."""
    if recipe.max_steps > 0:
        return recipe.max_steps
    return max(1, math.ceil(recipe.num_train_epochs * steps_in_epoch(rows, recipe)))


def eval_every(steps: int, recipe: Recipe) -> int:
    """Steps between two looks at the validation rows."""
    return recipe.eval_steps or max(1, math.ceil(steps / 10))
