"""A random two-layer Gemma as a base of one's own: trained by the real trainer, through the same files, in seconds."""

from pathlib import Path
from typing import Any

from backends.files import write_json
from backends.settings import Settings

NAME = "tiny"
CATALOG_ENTRY = {
    "title": "Two random layers",
    "source": "hub",
    "hub_id": "tests/tiny",
    "licence": "none",
    "licence_url": "https://example.org",
    "gated": False,
    "parameters": 50_000,
    "download_mb": 1,
    "architecture": "gemma3_text",
    "engines": ["transformers"],
}
FIRST, LAST = "<bos>", "<eos>"


def catalog(folder: Path) -> Path:
    """A folder for ACR_CATALOG that names the base."""
    write_json(folder / "bases" / f"{NAME}.json", CATALOG_ENTRY)
    return folder


def prepare(settings: Settings) -> None:
    """Put the base where a downloaded one lies."""
    folder = settings.bases_dir / NAME
    folder.mkdir(parents=True)
    tokenizer().save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {"bos_token": FIRST, "eos_token": LAST})
    model().save_pretrained(folder)
    write_json(folder / "revision.json", {"hub_id": "tests/tiny", "revision": "0" * 40, "complete": True})


def tokenizer() -> Any:
    """One token a byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    letters = [FIRST, LAST, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    made = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(letters)}, merges=[]))
    made.add_special_tokens([FIRST, LAST])
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.TemplateProcessing(single=f"{FIRST} $A", special_tokens=[(FIRST, 0)])
    return made


def model() -> Any:
    import torch
    from transformers import AutoModelForCausalLM, Gemma3TextConfig

    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=258,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=64,
        layer_types=["sliding_attention", "full_attention"],
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return AutoModelForCausalLM.from_config(config)
