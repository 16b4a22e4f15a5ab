"""From logits to tokens: our own loop over `forward` for one answer, and the choice among a few whole answers.

The loop streams, stops between two tokens, and samples from a generator of its own, so a seed means the same whoever
else is being answered. Its cache grows with the answer.
"""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from backends.base import AnswerReceipt, Chunk, Request
from backends.bases.tokenizer import Tokens
from backends.engines import TOP_K
from backends.engines._choice import Scored, chunks
from backends.engines._peft_model import PeftBase
from backends.errors import BadInput
from backends.grammar import Mask

if TYPE_CHECKING:
    import torch


def decode(model: PeftBase, prompt: list[int], request: Request, mask: Mask | None) -> Iterator[int]:
    """Token ids, one per step, each chosen when it is asked for; at most `max_new_tokens`."""
    import torch

    device = model.model.device
    chance = torch.Generator(device).manual_seed(request.seed)
    ids, cache = torch.tensor([prompt], device=device), None
    for _ in range(request.max_new_tokens):
        with torch.inference_mode():
            out = model.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            token = next_token(out.logits[0, -1].float().to(device), request, mask, chance)
        yield token
        ids, cache = torch.tensor([[token]], device=device), out.past_key_values


def next_token(logits: "torch.Tensor", request: Request, mask: Mask | None, chance: "torch.Generator") -> int:
    """The likeliest token that the form allows, or one drawn as the request says."""
    if mask:
        mask.forbid(logits)
    token = _pick(logits, request, chance)
    if mask:
        mask.follow(token)
    return token


def _pick(logits: "torch.Tensor", request: Request, chance: "torch.Generator") -> int:
    """The likeliest token, or one drawn from the likeliest TOP_K of which the first sum up to `top_p`."""
    import torch

    if request.temperature == 0:
        return int(logits.argmax())
    values, which = logits.topk(min(TOP_K, logits.numel()))
    shares = torch.softmax(values, dim=-1)
    kept = shares.cumsum(-1) - shares < request.top_p
    heated = torch.softmax(values.masked_fill(~kept, float("-inf")) / request.temperature, dim=-1)
    return int(which[torch.multinomial(heated, 1, generator=chance)])


def choose(
    model: PeftBase, tokens: Tokens, prompt: list[int], request: Request, receipt: AnswerReceipt
) -> Iterator[Chunk]:
    """The likeliest of the choices."""
    start = time.perf_counter()
    answers = [tokens.encode_text(choice) for choice in request.choices]
    scores = dict(zip(request.choices, _scores(model, prompt, answers, ends(model, tokens)), strict=True))
    yield from chunks(request, Scored(scores, len(prompt), time.perf_counter() - start), tokens, receipt)


def _scores(model: PeftBase, prompt: list[int], answers: list[list[int]], ends: tuple[int, ...]) -> list[float]:
    """Log-probability of each answer with its end: one pass over the prompt, one over all answers side by side."""
    import torch

    device, longest = model.model.device, max(map(len, answers))
    # what fills up a short answer stands after it, and nothing before it can see it
    padded = torch.tensor([ids + [ends[0]] * (longest - len(ids)) for ids in answers], device=device)
    with torch.inference_mode():
        asked = model.model(input_ids=torch.tensor([prompt], device=device), use_cache=True, logits_to_keep=1)
        cache = asked.past_key_values
        cache.batch_repeat_interleave(len(answers))
        told = model.model(input_ids=padded, past_key_values=cache, use_cache=True).logits
        logits = torch.cat([asked.logits.expand(len(answers), -1, -1), told], dim=1).float().log_softmax(-1)
    return [
        float(sum(row[at, token] for at, token in enumerate(ids)) + row[len(ids), list(ends)].logsumexp(0))
        for row, ids in zip(logits, answers, strict=True)
    ]


def ends(model: PeftBase, tokens: Tokens) -> tuple[int, ...]:
    """Every token that the base ends an answer with: its tokenizer's and those of its generation config."""
    configured: Any = model.model.generation_config.eos_token_id
    more = configured if isinstance(configured, list) else [configured] if configured is not None else []
    return tuple(dict.fromkeys([tokens.eos, *more]))


def check_length(prompt: list[int], request: Request, context: int) -> None:
    limit = context - request.max_new_tokens
    if len(prompt) > limit:
        raise BadInput(
            f"The prompt has {len(prompt):,} tokens; with up to {request.max_new_tokens:,} for the answer this engine "
            f"takes at most {limit:,}: shorten it, or ask for a shorter answer"
        )
