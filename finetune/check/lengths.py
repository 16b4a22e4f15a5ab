"""Tokens of rows against the recipe's limit: rows left out, answers cut, nothing trained, the end token lost.

No token takes less than a character, so most rows surely fit by their size alone; only the others are encoded, many at
once. What is counted is what training counts (finetune/training/batches.py): the same format, tokenizer and end token.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backends.base import Segment
from finetune.check.finding import Length, RowCheck, Seen
from finetune.formats import Format
from finetune.task import Row, Task

if TYPE_CHECKING:
    from backends.bases.tokenizer import Tokens

#: a letter may become up to 3 characters when a tokenizer takes it apart (NFC)
APART = 3


class Lengths:
    """Measures rows in one format of one base, and holds the limits that they must keep."""

    def __init__(self, task: Task, fmt: Format, tokens: "Tokens", max_length: int) -> None:
        self.task, self.fmt, self.tokens, self.max_length = task, fmt, tokens, max_length
        self.end = tokens.encode([Segment(fmt.end, special=True)], bos=False) if fmt.end else [tokens.eos]

    def measure(self, seen: Sequence[Seen]) -> None:
        """Set `length` on each row of `seen` that may not fit."""
        prompts = [self.fmt.prompt(self.task, row.row) for row in seen]
        doubtful = [i for i, row in enumerate(seen) if not self._surely_fits(prompts[i], row.answer)]
        texts = [segment.text for i in doubtful for segment in prompts[i] if not segment.special]
        texts += [seen[i].answer for i in doubtful]
        counts = [len(one.ids) for one in self.tokens.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
        answers = iter(counts[len(texts) - len(doubtful) :])
        pieces = iter(counts)
        for i in doubtful:
            prompt = sum(1 if segment.special else next(pieces) for segment in prompts[i])
            seen[i].length = Length(prompt + (self.tokens.bos is not None), next(answers), len(self.end))

    def _surely_fits(self, prompt: Sequence[Segment], answer: str) -> bool:
        learned = _most(answer) + len(self.end)
        read = 1 + sum(1 if segment.special else _most(segment.text) for segment in prompt)
        return bool(answer) and learned <= self.task.max_new_tokens and read + learned <= self.max_length

    def checks(self) -> list[RowCheck]:
        longest, written = self.max_length, self.task.max_new_tokens
        return [
            RowCheck(
                "too_long",
                lambda row: row.length and row.length.total > longest,
                f"longer than max_length ({longest} tokens) and left out of training: raise it or shorten them.",
                fatal_if_all=True,
            ),
            RowCheck(
                "answer_cut",
                lambda row: row.length and row.length.answer + row.length.end > written,
                f"an answer longer than the {written} tokens that this task lets an adapter write: it would be cut "
                "when asked. Shorten it.",
            ),
            RowCheck(
                "empty_mask",
                lambda row: row.length and (row.length.answer == 0 or row.length.prompt >= longest),
                f"nothing to learn: the answer is empty, or the question alone fills max_length ({longest} tokens).",
                fatal_if_all=True,
            ),
            RowCheck(
                "end_token",
                lambda row: row.length and row.length.total > longest >= row.length.total - row.length.end,
                f"the answer just fits into max_length ({longest} tokens) but its end token does not, so an adapter "
                "would not learn to stop: raise max_length by a few.",
            ),
        ]

    def tokens_of(self, row: Row) -> list[tuple[str, bool]]:
        """`(piece, trained?)` of every token of a clean row, in order, as training sees them."""
        prompt = self.tokens.encode(self.fmt.prompt(self.task, row))
        learned = [*self.tokens.encode_text(self.task.answer_of(row)), *self.end]
        pieces = [(self._piece(token), False) for token in prompt] + [(self._piece(token), True) for token in learned]
        return [(piece, trained and i < self.max_length) for i, (piece, trained) in enumerate(pieces)]

    def _piece(self, token: int) -> str:
        return str(self.tokens.tokenizer.decode([token], skip_special_tokens=False))


def _most(text: str) -> int:
    """More tokens than this no tokenizer makes of a text."""
    return len(text) + 1 if text.isascii() else APART * len(text.encode()) + 1
