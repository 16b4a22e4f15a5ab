"""Every architecture of the catalog as two random layers, in the layout of its repository on the Hub."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VOCABULARY = 64  # as the rows of tests/training/test_trainer.py have it
TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}
VISION = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
SEVEN = (
    *("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"),
    *("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
)


@dataclass(frozen=True)
class Architecture:
    name: str
    #: one of the catalog
    base: str
    #: the class whose layout its repository has; for a model that also sees, with its vision tower
    model: str
    config: Callable[[], Any]
    #: the layers of a decoder block that the default recipe gives a LoRA
    targets: tuple[str, ...] = SEVEN

    def save(self, folder: Path) -> None:
        import torch
        import transformers

        torch.manual_seed(0)
        made = getattr(transformers, self.model)(self.config())
        for parameter in made.parameters():  # Llama 4 leaves its experts empty, biases and norms start at 0 and 1
            torch.nn.init.normal_(parameter, std=0.1)
        made.save_pretrained(folder)


def _gemma3_text() -> Any:
    from transformers import Gemma3TextConfig

    return Gemma3TextConfig(**TEXT, head_dim=16, sliding_window=8)


def _gemma3() -> Any:
    from transformers import Gemma3Config

    text = TEXT | {"head_dim": 16, "sliding_window": 8}
    return Gemma3Config(text_config=text, vision_config=VISION, mm_tokens_per_image=4, image_token_index=VOCABULARY - 1)


def _llama() -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(**TEXT)


def _llama4() -> Any:
    """One dense block and one with experts, as in Maverick: both kinds of MLP are met."""
    from transformers import Llama4Config

    text = TEXT | {"head_dim": 16, "intermediate_size_mlp": 128, "num_local_experts": 4, "moe_layers": [1]}
    vision = VISION | {"vision_output_dim": 64, "projector_input_dim": 64, "projector_output_dim": 64}
    return Llama4Config(text_config=text, vision_config=vision)


def _qwen3() -> Any:
    from transformers import Qwen3Config

    return Qwen3Config(**TEXT, head_dim=16)


def _phi() -> Any:
    from transformers import PhiConfig

    return PhiConfig(**TEXT | {"num_key_value_heads": 4})


ARCHITECTURES = (
    Architecture("gemma3_text", "gemma-3-270m", "Gemma3ForCausalLM", _gemma3_text),
    Architecture("gemma3", "gemma-3-4b-it", "Gemma3ForConditionalGeneration", _gemma3),
    Architecture("llama", "llama-3.1-8b-instruct", "LlamaForCausalLM", _llama),
    Architecture(
        "llama4",
        "llama-4-scout-17b-16e-instruct",
        "Llama4ForConditionalGeneration",
        _llama4,
        # the expert that every token passes, not those that a router chooses: they are no linear layers, and few
        # tokens of a small file reach each of them; nor the router, whose choices the frozen experts were trained for
        (
            *(f"self_attn.{kind}_proj" for kind in "qkvo"),
            *(f"feed_forward.{kind}_proj" for kind in ("gate", "up", "down")),
            *(f"feed_forward.shared_expert.{kind}_proj" for kind in ("gate", "up", "down")),
        ),
    ),
    Architecture("qwen3", "qwen3-0.6b", "Qwen3ForCausalLM", _qwen3),
    Architecture(
        "phi",
        "phi-2",
        "PhiForCausalLM",
        _phi,
        ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.dense", "mlp.fc1", "mlp.fc2"),
    ),
)
