"""Answers that a constraint allows, grown letter by letter: any, or one that never ends where it could go on."""

import random

from backends import grammar

PRINTABLE = bytes(range(32, 127))
#: what ends a part of an answer, and what ends more than a part
CLOSERS = (b"\"'", b")]}\n")


def grown(lark: str, chance: random.Random, *, likes: bytes = b"", stops: float = 0.0, limit: int = 10_000) -> str:
    """A whole answer. `likes` are written wherever they may stand; `stops` is how probably it ends where it may.

    AssertionError when it does not end within `limit` bytes.
    """
    from llguidance import LLMatcher

    matcher = LLMatcher(grammar._bytes_tokenizer(), LLMatcher.grammar_from_lark(lark), log_level=0)
    text = bytearray()
    while not (matcher.is_accepting() and chance.random() < stops):
        mask = matcher.compute_logit_bias()
        allowed = [byte for byte in PRINTABLE if mask[byte]] or [byte for byte in range(256) if mask[byte]]
        if not allowed:
            break
        step = chance.choice(_preferred(allowed, likes) if not stops else allowed)
        matcher.consume_token(step)
        text.append(step)
        assert len(text) < limit, f"an answer may go on for ever: {bytes(text[:200])!r}"
    assert matcher.is_accepting() or matcher.is_stopped()
    return text.decode()


def _preferred(allowed: list[int], likes: bytes) -> list[int]:
    """Those of the allowed bytes that make the answer longest."""
    part, whole = CLOSERS
    liked = [byte for byte in allowed if byte in likes]
    going_on = [byte for byte in allowed if byte not in part + whole]
    return liked or going_on or [byte for byte in allowed if byte in part] or allowed
