"""Cross-entropy over the tokens of the answers, without computing the vocabulary for those of the prompts.

That is the larger part of a step on a small base (262k rows in Gemma). It needs to know how a model makes logits of its
last states, so it is done only for architectures of which test_architectures.py shows that loss and gradients are
the model's own. Any other one is asked for its logits itself.
"""

from typing import TYPE_CHECKING, Any

from finetune.training.batches import IGNORED

if TYPE_CHECKING:
    import torch

#: logits = lm_head(last states), nothing else
PLAIN_HEADS = frozenset({"gemma3", "gemma3_text", "llama", "llama4_text", "phi", "qwen3"})


def plain_head(config: Any) -> bool:
    """Are the logits of this model its head on its last states? A cap on them is one thing more."""
    capped = getattr(config.get_text_config(), "final_logit_softcapping", None)
    return config.model_type in PLAIN_HEADS and not capped


def answer_loss(causal: Any, input_ids: "torch.Tensor", labels: "torch.Tensor") -> tuple["torch.Tensor", int]:
    """The sum over the answers' tokens of a batch, and how many there are."""
    from torch.nn.functional import cross_entropy

    targets = labels[:, 1:]
    learned = targets != IGNORED
    if plain_head(causal.config):
        states = causal.model(input_ids=input_ids, use_cache=False).last_hidden_state
        logits = causal.lm_head(states[:, :-1][learned])
    else:
        logits = causal(input_ids=input_ids, use_cache=False).logits[:, :-1][learned]
    return cross_entropy(logits.float(), targets[learned], reduction="sum"), int(learned.sum())
