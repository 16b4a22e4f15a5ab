"""Cross-entropy over the tokens of the answers, without computing the vocabulary for those of the prompts.

That is the larger part of a step on a small base (262k rows in Gemma). It needs to know how a model makes logits of its
last states, so it is done only for architectures of which test_architectures.py shows that loss and gradients are
the model's own. Any other one is asked for its logits itself.
"""

from typing import Any

import torch
from torch.nn.functional import cross_entropy, softplus

from finetune.training.batches import IGNORED

#: logits = lm_head(last states), nothing else
PLAIN_HEADS = frozenset({"gemma3", "gemma3_text", "llama", "llama4_text", "phi", "qwen3"})
#: logits that are there at a time: few enough to stay in the processor's cache, enough for quick products
CELLS = 2**22


def plain_head(config: Any) -> bool:
    """Are the logits of this model its head on its last states? A cap on them is one thing more."""
    capped = getattr(config.get_text_config(), "final_logit_softcapping", None)
    return config.model_type in PLAIN_HEADS and not capped


def answer_loss(causal: Any, input_ids: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The sum over the answers' tokens of a batch, and how many there are."""
    targets = labels[:, 1:]
    learned = targets != IGNORED
    if plain_head(causal.config) and type(causal.lm_head) is torch.nn.Linear:  # one with a LoRA learns by itself
        states = causal.model(input_ids=input_ids, use_cache=False).last_hidden_state[:, :-1][learned]
        loss = _HeadLoss.apply(states, causal.lm_head.weight, causal.lm_head.bias, targets[learned])
    else:
        logits = causal(input_ids=input_ids, use_cache=False).logits[:, :-1][learned]
        loss = cross_entropy(logits.float(), targets[learned], reduction="sum")
    return loss, int(learned.sum())


class _HeadLoss(torch.autograd.Function):
    """Cross-entropy of a frozen head, with its gradient, in one walk over blocks of the vocabulary.

    Of each token only this is kept from block to block: the greatest logit of the wrong words, the sum of their
    exponentials, and their rows of the head weighted by these. With `gap` = log of that sum - logit of the right word,
    the loss is log(1 + e^gap) and its gradient sigmoid(gap) (mean wrong row - right row): never all logits at once,
    and nothing that cancels where a word is already well known. The same idea, with recomputed logits, is Cut Your
    Losses (arXiv:2411.09009).
    """

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, weight: torch.Tensor, bias: Any, targets: torch.Tensor) -> torch.Tensor:
        """`states` (n, hidden), `weight` (vocabulary, hidden), `bias` (vocabulary) or None, `targets` (n)."""
        wanted = ctx.needs_input_grad[0]
        top = states.new_full((len(states),), -torch.inf, dtype=torch.float32)
        total, right = torch.zeros_like(top), torch.zeros_like(top)
        mean = torch.zeros_like(states, dtype=torch.float32)
        size = max(256, CELLS // max(1, len(states)))
        for start in range(0, len(weight), size):
            rows = weight[start : start + size]
            logits = states.to(rows.dtype) @ rows.t()
            if bias is not None:
                logits += bias[start : start + size]
            here = ((targets >= start) & (targets < start + size)).nonzero().squeeze(1)
            at = (here, targets[here] - start)
            right[here] = logits[at].float()
            logits[at] = -torch.inf
            highest = torch.maximum(top, logits.amax(1).float())
            powers = logits.float().sub_(highest[:, None]).exp_()
            shrink = (top - highest).exp()
            total = total * shrink + powers.sum(1)
            if wanted:
                mean.mul_(shrink[:, None]).add_(powers.to(rows.dtype) @ rows)
            top = highest
        gap = total.log() + top - right
        if wanted:
            ctx.save_for_backward(gap.sigmoid()[:, None] * (mean / total[:, None] - weight[targets]))
        return softplus(gap, threshold=50).sum()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        return ctx.saved_tensors[0] * gradient, None, None, None
