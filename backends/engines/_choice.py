"""Choosing one of a few answers: each is scored whole, with its end, and the likeliest is the answer.

Spelling the answer out under a grammar would take the likeliest first token, which may belong to another answer than
the likeliest one, and would tell nothing about the rest.
"""

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backends.base import AnswerReceipt, Chunk, Request, Usage
from backends.bases.tokenizer import Tokens


@dataclass(frozen=True)
class Scored:
    """What an engine found out about the choices of a request."""

    scores: Mapping[str, float]  # logarithms of their probabilities
    prompt_tokens: int
    seconds: float


def chunks(request: Request, found: Scored, tokens: Tokens, receipt: AnswerReceipt) -> Iterator[Chunk]:
    """The answer, and how likely each choice is among them."""
    text, probabilities = choose(request, found.scores)
    seconds = round(found.seconds, 4)
    usage = Usage(found.prompt_tokens, len(tokens.encode_text(text)), 0, seconds, seconds)
    yield Chunk(text)
    yield Chunk("", "stop", usage, receipt, probabilities)


def choose(request: Request, scores: Mapping[str, float]) -> tuple[str, dict[str, float]]:
    """At temperature 0 the likeliest choice; above it one drawn with the seed. With it the probability of each."""
    best = max(scores.values())
    weights = {choice: math.exp(score - best) for choice, score in scores.items()}
    probabilities = {choice: weight / sum(weights.values()) for choice, weight in weights.items()}
    if request.temperature == 0:
        return max(scores, key=scores.__getitem__), probabilities
    heated = [weight ** (1 / request.temperature) for weight in weights.values()]
    return random.Random(request.seed).choices(list(weights), heated)[0], probabilities
