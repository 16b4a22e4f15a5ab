"""Several answers in one batch: every row has its own adapter, or the base, its own form and its own end.

A row that has ended is computed on and not listened to: the batch is as long as its longest answer.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from backends.base import Cancelled, Chunk, Request
from backends.engines._decoding import next_token
from backends.engines._one_answer import Growing
from backends.errors import BadInput
from backends.grammar import Mask

Forward = Callable[..., Any]
#: answers in one batch
MAX_TOGETHER = 16


def check_together(requests: Sequence[Request]) -> None:
    if not 1 <= len(requests) <= MAX_TOGETHER:
        raise BadInput(f"1 to {MAX_TOGETHER} requests can be answered together, got {len(requests)}")
    if len({request.base for request in requests}) > 1:
        raise BadInput("Requests that are answered together need the same base")
    if any(request.choices for request in requests):
        raise BadInput("A choice among a few answers is scored, not written: ask for it alone")


def grow(
    steps: Iterator[list[int | None]], rows: Sequence[Growing], cancelled: Cancelled
) -> Iterator[tuple[int, Chunk | None]]:
    """What each step adds to which row; None when that row has ended."""
    for step in steps:
        for row, token in enumerate(step):
            if token is not None:
                if chunk := rows[row].feed(token, cancelled):
                    yield row, chunk
                if rows[row].finish:
                    yield row, None


def decode_together(
    forward: Forward,
    device: Any,
    prompts: Sequence[list[int]],
    requests: Sequence[Request],
    masks: Sequence[Mask | None],
    over: Sequence[Callable[[], bool]],
) -> Iterator[list[int | None]]:
    """The next token of every row, None for those that are over; ends when all are."""
    import torch

    longest = max(map(len, prompts))
    # filled up on the left: the last position is that of the next token in every row
    ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts], device=device)
    seen = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
    places = (seen.cumsum(-1) - 1).clamp(min=0)
    chances = [torch.Generator(device).manual_seed(request.seed) for request in requests]
    cache = None
    while not all(ended := [is_over() for is_over in over]):
        with torch.inference_mode():
            out = forward(
                input_ids=ids,
                attention_mask=seen,
                position_ids=places,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            logits = out.logits[:, -1].float().to(device)
            chosen = [
                None if ended[row] else next_token(logits[row], requests[row], masks[row], chances[row])
                for row in range(len(prompts))
            ]
        yield chosen
        ids = torch.tensor([[token or 0] for token in chosen], device=device)
        seen = torch.cat([seen, seen.new_ones(len(prompts), 1)], dim=1)
        places, cache = places[:, -1:] + 1, out.past_key_values
