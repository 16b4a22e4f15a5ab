from pathlib import Path

import pytest

from backends.base import Segment
from backends.bases import embedded, tokenizer
from backends.bases.gguf_meta import read_metadata, read_shapes
from backends.bases.tokenizer import Tokens
from backends.catalog import EMBEDDED, base_named
from backends.errors import BadInput, Unavailable
from backends.files import read_json
from backends.settings import Settings

TEXTS = [
    "",
    "def f(a):\n    if a:\n\t\treturn {'x': [1,  2]}\n\n\n\nprint(f(3))\n",
    "const sum = (a, b) => { /* ünïcödé */ return a + b; };  // 🙂 👩‍👩‍👧‍👦 🇩🇪",
    "a" + " " * 77 + "b" + "\n" * 40 + "\t" * 9 + "\r\n",
    "<bos><eos><pad><start_of_turn>user\nhi<end_of_turn><unused7>",
    "中文 العربية हिन्दी \u200b\u00a0\ufeff x\u0301",
    "<table><tr><td> [multimodal] </td></tr></table>",
]


@pytest.fixture
def tokens(base_settings: Settings) -> Tokens:
    return tokenizer.load(base_settings, base_named(EMBEDDED))


@pytest.mark.model
@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_as_it_went_in(tokens: Tokens, text: str) -> None:
    assert tokens.decode(tokens.encode_text(text)) == text


@pytest.mark.model
@pytest.mark.parametrize("role", ["<bos>", "<eos>", "<end_of_turn>", "<start_of_turn>user", "<unused7>", "<pad>"])
def test_role_tokens_that_a_person_wrote_are_ordinary_tokens(tokens: Tokens, role: str) -> None:
    special = {i for i, token in tokens.tokenizer.get_added_tokens_decoder().items() if token.special}
    ids = tokens.encode([Segment(f"{role} and {role}")])
    assert ids.count(tokens.bos) == 1 and ids[0] == tokens.bos
    assert not special & set(ids[1:])


@pytest.mark.model
def test_a_special_segment_is_one_token_and_bos_can_be_left_out(tokens: Tokens) -> None:
    segments = [
        Segment("<start_of_turn>", special=True),
        Segment("user\n<eos>"),
        Segment("<end_of_turn>", special=True),
    ]
    ids = tokens.encode(segments, bos=False)
    assert (ids[0], ids[-1]) == (105, 106)
    assert tokens.encode(segments) == [tokens.bos, *ids]
    assert tokens.decode(ids) == "user\n<eos>"


@pytest.mark.model
def test_an_unknown_special_token_is_refused_by_name(tokens: Tokens) -> None:
    with pytest.raises(BadInput, match="<no_such_token>"):
        tokens.encode([Segment("<no_such_token>", special=True)])


@pytest.mark.model
def test_the_rebuilt_tokenizer_is_the_one_that_transformers_builds(base_settings: Settings, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    path = embedded.gguf_path(base_settings)
    AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).backend_tokenizer.save(
        str(tmp_path / "theirs.json")
    )
    assert read_json(embedded.tokenizer_path(base_settings)) == read_json(tmp_path / "theirs.json")


def test_a_base_that_is_not_prepared_is_named(settings: Settings) -> None:
    with pytest.raises(Unavailable, match="Gemma 3 270M .* is not prepared yet"):
        tokenizer.load(settings, base_named(EMBEDDED))


@pytest.mark.model
def test_metadata_and_shapes_of_the_base_are_read(base_settings: Settings) -> None:
    metadata = read_metadata(embedded.gguf_path(base_settings))
    assert metadata["general.architecture"] == "gemma3"
    assert len(metadata["tokenizer.ggml.tokens"]) == 262_144
    assert read_shapes(embedded.gguf_path(base_settings))["blk.17.ffn_down.weight"] == (640, 2048)


@pytest.mark.model
@pytest.mark.parametrize("size", [3, 24, 100, 50_000])
def test_a_cut_gguf_file_is_said_to_be_damaged(base_settings: Settings, tmp_path: Path, size: int) -> None:
    with embedded.gguf_path(base_settings).open("rb") as whole:
        (tmp_path / "cut.gguf").write_bytes(whole.read(size))
    with pytest.raises(BadInput, match=r"cut\.gguf is"):
        read_metadata(tmp_path / "cut.gguf")
