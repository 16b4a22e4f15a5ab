"""How surprised a model is by the right answers: loss and perplexity over the tokens of the answers and their ends.

Unlike the task's metrics it needs no generation and no parser, and unlike the eval loss of a run it can be had of any
adapter, and of the base, on any rows.
"""

import math
from collections.abc import Sequence
from typing import Any

from backends import adapters
from backends.catalog import base_named
from backends.settings import Settings
from finetune import formats
from finetune.task import Row, Task

#: rows computed together
BATCH = 8
#: longer rows are left out, and counted
MAX_LENGTH = 2048


def perplexity(
    settings: Settings, task: Task, rows: Sequence[Row], base: str, names: Sequence[str | None]
) -> list[dict[str, Any]]:
    """`[{"name", "loss", "perplexity", "tokens", "rows", "left_out"}]` of adapters on `base`; None = the base alone."""
    from backends.bases import tokenizer
    from backends.engines._peft_model import PeftBase
    from finetune.training import batches, model

    chosen = base_named(base)
    found = [adapters.find(settings, name) if name else None for name in names]
    fmt = formats.format_for(chosen, settings)
    for adapter in filter(None, found):
        adapters.check(settings, adapter)
        formats.check_stamp(task, fmt, adapter.card, adapter.name)
    folder = model.weights(settings, chosen, lambda what, fraction: None)
    encoded = batches.encode(rows, task, fmt, tokenizer.load(settings, chosen), MAX_LENGTH)
    batches.check_usable(encoded, MAX_LENGTH)
    loaded = PeftBase(folder)
    return [
        {"name": adapter.name if adapter else "base", "rows": len(encoded.examples), "left_out": encoded.left_out}
        | _of(loaded, adapter, batches.by_length(encoded.examples, BATCH))
        for adapter in found
    ]


def _of(loaded: Any, adapter: adapters.Adapter | None, some: Sequence[Any]) -> dict[str, Any]:
    import torch

    from finetune.training.answer_loss import answer_loss
    from finetune.training.batches import collate

    total, tokens = 0.0, 0
    with torch.inference_mode(), loaded.using(adapter):
        for batch in map(collate, some):
            loss, count = answer_loss(loaded.model, batch["input_ids"], batch["labels"])
            total, tokens = total + float(loss), tokens + count
    mean = total / tokens
    return {"loss": round(mean, 4), "perplexity": round(math.exp(min(mean, 50.0)), 4), "tokens": tokens}
