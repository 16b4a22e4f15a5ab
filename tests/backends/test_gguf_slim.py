"""A .gguf without its vocabulary: the same weights for any reader, and the number of words."""

from pathlib import Path

import numpy
import pytest
from gguf import GGUFReader, GGUFWriter

from backends.bases import gguf_slim
from backends.errors import BadInput

WORDS = 1_001


def whole(path: Path, alignment: int) -> Path:
    writer = GGUFWriter(path, "gemma3")
    writer.add_custom_alignment(alignment)
    writer.add_block_count(2)
    writer.add_token_list([f"word{n}" for n in range(WORDS)])
    writer.add_token_scores([0.5] * WORDS)
    writer.add_token_types([1] * WORDS)
    writer.add_bos_token_id(2)
    for number, shape in enumerate([(3, 5), (7,), (2, 32)]):
        writer.add_tensor(f"t{number}", numpy.random.default_rng(number).random(shape, dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("alignment", [32, 128])
def test_the_weights_are_the_same_and_of_the_words_only_the_number_is_left(tmp_path: Path, alignment: int) -> None:
    source = whole(tmp_path / "whole.gguf", alignment)
    gguf_slim.write(source, tmp_path / "slim.gguf")
    before, after = GGUFReader(source), GGUFReader(tmp_path / "slim.gguf")
    assert before.fields.keys() - after.fields.keys() == gguf_slim.VOCABULARY - {"tokenizer.ggml.merges"}
    assert after.fields["gemma3.vocab_size"].contents() == WORDS
    assert after.fields["tokenizer.ggml.bos_token_id"].contents() == 2
    assert [tensor.name for tensor in after.tensors] == ["t0", "t1", "t2"]
    for old, new in zip(before.tensors, after.tensors, strict=True):
        assert numpy.array_equal(old.data, new.data)


@pytest.mark.parametrize("size", [3, 10, 200, 5_000])
def test_a_damaged_file_is_named(tmp_path: Path, size: int) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole(tmp_path / "whole.gguf", 32).read_bytes()[:size])
    with pytest.raises(BadInput, match=r"cut\.gguf is"):
        gguf_slim.write(cut, tmp_path / "slim.gguf")
