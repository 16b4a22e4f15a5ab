"""The tiny base with layers as wide as a block of NF4: bitsandbytes on a processor takes no narrower ones."""

from backends.settings import Settings
from tests.parts import tiny_base


def prepare(settings: Settings) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tiny_base.prepare(settings)
    folder = settings.bases_dir / tiny_base.NAME
    config = AutoConfig.from_pretrained(folder)
    config.hidden_size, config.intermediate_size, config.head_dim = 64, 128, 32
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
