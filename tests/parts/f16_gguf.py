"""Write the embedded base as an F16 .gguf from its safetensors: exact enough to find any fault of a conversion.

With the Q4_K_M file that is served, llama.cpp rounds activations to 8 bits, which would hide small faults.
"""

from pathlib import Path

import gguf
import torch
from safetensors.torch import load_file

from backends.bases import embedded
from backends.bases.gguf_meta import read_metadata
from backends.files import read_json
from backends.settings import Settings


def write_f16_base(settings: Settings, out: Path) -> Path:
    config = read_json(embedded.weights_dir(settings) / "config.json")
    assert config
    writer = gguf.GGUFWriter(out, "gemma3")
    _describe(writer, config)
    _copy_tokenizer(writer, read_metadata(embedded.gguf_path(settings)))
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GEMMA3, config["num_hidden_layers"])
    for name, tensor in load_file(embedded.weights_dir(settings) / "model.safetensors").items():
        norm = name.endswith("norm.weight")  # llama.cpp multiplies by w, transformers by 1 + w
        values = tensor.float() + 1.0 if norm else tensor.to(torch.float16)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), values.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


def _describe(writer: gguf.GGUFWriter, config: dict) -> None:
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["full_attention"]["rope_theta"])
    writer.add_sliding_window(config["sliding_window"])


def _copy_tokenizer(writer: gguf.GGUFWriter, metadata: dict) -> None:
    def get(key: str) -> object:
        return metadata[f"tokenizer.ggml.{key}"]

    writer.add_tokenizer_model(get("model"))
    writer.add_tokenizer_pre(get("pre"))
    writer.add_token_list(get("tokens"))
    writer.add_token_scores(get("scores"))
    writer.add_token_types(get("token_type"))
    writer.add_bos_token_id(get("bos_token_id"))
    writer.add_eos_token_id(get("eos_token_id"))
    writer.add_unk_token_id(get("unknown_token_id"))
    writer.add_pad_token_id(get("padding_token_id"))
    writer.add_add_bos_token(get("add_bos_token"))
    writer.add_add_space_prefix(get("add_space_prefix"))
