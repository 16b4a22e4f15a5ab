"""Constraints on answers, compiled with llguidance: checked before use, enforced while decoding, verified after.

The check matters: the engine inside llama.cpp drops a grammar that it cannot compile in silence and answers freely.
Checking and verifying work on bytes, which takes milliseconds; only the mask of the transformers engine needs the
base's own vocabulary.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.base import Constraint
from backends.errors import BadInput

if TYPE_CHECKING:
    import torch

MAX_CHARS = 100_000


class _Bytes:
    """A vocabulary of the 256 bytes and an end mark, in the shape that llguidance asks for."""

    eos_token_id = 256
    bos_token_id = None
    tokens = [bytes([value]) for value in range(256)] + [b"<end>"]
    special_token_ids = [256]

    def __call__(self, text: bytes) -> list[int]:
        return list(text)


@lru_cache(maxsize=1)
def _bytes_tokenizer() -> Any:
    from llguidance import LLTokenizer, TokenizerWrapper

    return LLTokenizer(TokenizerWrapper(_Bytes()))


def check(constraint: Constraint) -> str:
    """The constraint as Lark text that compiles, or BadInput with the compiler's reason."""
    from llguidance import LLMatcher

    if constraint.kind == "choices" and not constraint.value:
        raise BadInput("The constraint has no choices: name at least one answer to choose from")
    lark = constraint.lark()
    if len(lark) > MAX_CHARS:
        raise BadInput(f"The constraint has {len(lark):,} characters; at most {MAX_CHARS:,} are accepted")
    problem = LLMatcher.validate_grammar(LLMatcher.grammar_from_lark(lark), _bytes_tokenizer())
    if problem:
        raise BadInput(f"The constraint cannot be used: {' '.join(problem.split())[:300]}")
    return lark


def allows(lark: str, text: str) -> bool:
    """Is `text` the beginning of an answer, or a whole one, in the form that `lark` describes?"""
    from llguidance import LLMatcher

    matcher = LLMatcher(_bytes_tokenizer(), LLMatcher.grammar_from_lark(lark), log_level=0)
    wanted = text.encode()
    return matcher.validate_tokens(list(wanted)) == len(wanted)


def simplest(lark: str, limit: int) -> str:
    """Some short text in the form: forced bytes as they come, else the first of a few that end things early."""
    from llguidance import LLMatcher

    matcher = LLMatcher(_bytes_tokenizer(), LLMatcher.grammar_from_lark(lark), log_level=0)
    preferred = b'"}],:[{0123456789' + bytes(range(33, 127)) + bytes(range(256))
    text = b""
    while not matcher.is_accepting() and len(text) < limit:
        mask = matcher.compute_logit_bias()
        step = next(byte for byte in preferred if mask[byte])
        matcher.consume_token(step)
        text += bytes([step])
    return text.decode(errors="ignore")


@lru_cache(maxsize=2)
def _vocabulary(tokenizer_json: Path, size: int, ends: tuple[int, ...]) -> Any:
    """llguidance's table of a base's vocabulary: seconds to build, so it is kept."""
    from llguidance import LLTokenizer

    return LLTokenizer(tokenizer_json.read_text(), n_vocab=size, eos_token=list(ends))


class Mask:
    """Holds one answer of the transformers engine to a form: forbids tokens before sampling, follows the chosen."""

    def __init__(self, constraint: Constraint, tokenizer_json: Path, vocab_size: int, ends: Iterable[int]) -> None:
        import llguidance.numpy
        from llguidance import LLMatcher

        vocabulary = _vocabulary(tokenizer_json, vocab_size, tuple(ends))
        self.matcher = LLMatcher(vocabulary, LLMatcher.grammar_from_lark(check(constraint)), log_level=0)
        self.bits = llguidance.numpy.allocate_token_bitmask(1, vocab_size)

    def forbid(self, logits: "torch.Tensor") -> None:
        """Set the logits (one row, in place) of every token that cannot come next to minus infinity."""
        import llguidance.numpy
        import numpy as np
        import torch

        llguidance.numpy.fill_next_token_bitmask(self.matcher, self.bits)
        allowed = np.unpackbits(self.bits.view(np.uint8), bitorder="little")[: logits.shape[-1]]
        logits.masked_fill_(torch.from_numpy(allowed == 0).to(logits.device), float("-inf"))

    def follow(self, token: int) -> None:
        self.matcher.consume_token(token)
