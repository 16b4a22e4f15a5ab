"""backends/bases/hub.py against a stand-in Hub, through the real huggingface_hub client."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.bases import hub
from backends.catalog import Base, HubAdapter
from backends.errors import AppError, NotFound, Refused, Unavailable
from backends.settings import Settings
from tests.parts.loopback_hub import COMMIT, LoopbackHub

TINY = Base(
    name="tiny",
    title="Tiny",
    source="hub",
    hub_id="someone/tiny",
    licence="apache-2.0",
    licence_url="https://www.apache.org/licenses/LICENSE-2.0",
    gated=False,
    parameters=10,
    download_mb=1,
    architecture="qwen3",
    engines=("transformers",),
    format="chat",
)
FILES = {
    "config.json": b'{"model_type": "qwen3"}',
    "model.safetensors": b"weights" * 1000,
    "tokenizer.json": b"{}",
    "tokenizer_config.json": b"{}",
    "chat_template.jinja": b"{{ messages }}",
    "pytorch_model.bin": b"pickle",
    "modeling_tiny.py": b"raise SystemExit",
    "original/params.json": b"{}",
}


@pytest.fixture
def loopback() -> Iterator[LoopbackHub]:
    with LoopbackHub() as server:
        server.models["someone/tiny"] = dict(FILES)
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def fetched(settings: Settings, loopback: LoopbackHub, base: Base = TINY) -> Path:
    return hub.base_dir(settings, base, endpoint=loopback.url)


def test_a_base_comes_as_data_files_only(settings: Settings, loopback: LoopbackHub) -> None:
    folder = fetched(settings, loopback)
    here = {p.name for p in folder.iterdir() if p.is_file()}
    assert here == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "revision.json",
    }
    assert (folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert not {"pytorch_model.bin", "modeling_tiny.py", "params.json"} & loopback.files_asked()


def test_the_commit_is_pinned_at_the_first_download(settings: Settings, loopback: LoopbackHub) -> None:
    assert hub.revision(settings, TINY) is None
    hub.tokenizer_dir(settings, TINY, endpoint=loopback.url)
    assert hub.revision(settings, TINY) == COMMIT
    assert not hub.is_ready(settings, TINY)
    loopback.commits["someone/tiny"] = "f" * 40  # its author pushes something new
    fetched(settings, loopback)
    assert hub.revision(settings, TINY) == COMMIT
    assert any(f"/resolve/{COMMIT}/model.safetensors" in path for _, path in loopback.asked)
    assert not any("f" * 40 in path for _, path in loopback.asked)


def test_what_is_here_needs_no_hub(settings: Settings, loopback: LoopbackHub) -> None:
    first = fetched(settings, loopback)
    loopback.asked.clear()
    assert fetched(settings, loopback) == first
    assert loopback.asked == []


def test_progress_is_told_in_bytes(settings: Settings, loopback: LoopbackHub) -> None:
    loopback.models["someone/tiny"]["model.safetensors"] = b"x" * 900_000
    told: list[tuple[str, float]] = []
    hub.base_dir(settings, TINY, lambda what, part: told.append((what, part)), endpoint=loopback.url)
    assert told[0] == ("Looking up someone/tiny", 0.0)
    assert "Downloading someone/tiny" in told[-1][0]
    assert 0.8 < told[-1][1] <= 1.0


def test_a_gated_base_names_the_page_to_accept(settings: Settings, loopback: LoopbackHub) -> None:
    loopback.gated.add("someone/tiny")
    with pytest.raises(Refused, match=r"gated: accept its terms at http.*/someone/tiny, set HF_TOKEN"):
        fetched(settings, loopback)
    assert not hub.is_ready(settings, TINY)


def test_a_missing_base_is_named(settings: Settings, loopback: LoopbackHub) -> None:
    with pytest.raises(NotFound, match="someone/gone is not on the Hub"):
        fetched(settings, loopback, replace(TINY, hub_id="someone/gone"))


def test_an_unreachable_hub_is_one_sentence(settings: Settings) -> None:
    with LoopbackHub() as gone:
        url = gone.url
    with pytest.raises(Unavailable, match="The Hub cannot be reached"):
        hub.base_dir(settings, TINY, endpoint=url)
    assert not hub.is_ready(settings, TINY)


def test_a_base_too_large_for_the_disk_is_refused_before_the_download(
    settings: Settings, loopback: LoopbackHub
) -> None:
    with pytest.raises(Unavailable, match="needs 999,999,999 MB of disk"):
        fetched(settings, loopback, replace(TINY, download_mb=999_999_999))
    assert loopback.asked == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model.safetensors": None}, "has no model.safetensors"),
        ({"config.json": None}, "has no readable config.json"),
        ({"config.json": b'{"text_config": {"_attn_implementation_internal": "x/y"}}'}, "foreign code"),
        (
            {"model.safetensors.index.json": b'{"weight_map": {"a": "model-2.safetensors"}}'},
            "model-2.safetensors",
        ),
    ],
)
def test_a_base_that_is_not_whole_is_never_ready(
    settings: Settings, loopback: LoopbackHub, change: dict[str, bytes | None], sentence: str
) -> None:
    files = loopback.models["someone/tiny"]
    for name, data in change.items():
        files.pop(name, None)
        if data is not None:
            files[name] = data
    with pytest.raises(Refused, match=sentence):
        fetched(settings, loopback)
    assert not hub.is_ready(settings, TINY)


def test_after_the_terms_are_accepted_the_download_goes_on_at_the_same_commit(
    settings: Settings, loopback: LoopbackHub
) -> None:
    loopback.gated.add("someone/tiny")
    with pytest.raises(Refused):
        fetched(settings, loopback)
    loopback.gated.clear()
    loopback.commits["someone/tiny"] = "f" * 40
    folder = fetched(settings, loopback)
    pin = json.loads((folder / "revision.json").read_text())
    assert pin == {"hub_id": "someone/tiny", "revision": COMMIT, "complete": True}


def test_a_published_adapter_comes_without_code(settings: Settings, loopback: LoopbackHub) -> None:
    loopback.models["someone/lora"] = {
        "adapter_model.safetensors": b"w",
        "adapter_config.json": b"{}",
        "adapter_model.bin": b"pickle",
        "handler.py": b"",
    }
    lora = HubAdapter("lora", "LoRA", "adapter", "tiny", "complexity", "someone/lora", "mit")
    folder = hub.adapter_dir(settings, lora, endpoint=loopback.url)
    assert (folder / "adapter_model.safetensors").read_bytes() == b"w"
    assert loopback.files_asked() == {"adapter_model.safetensors", "adapter_config.json"}
    with pytest.raises(Refused, match="merged model"):
        hub.adapter_dir(settings, replace(lora, kind="merged"), endpoint=loopback.url)


def test_an_adapter_without_safetensors_is_refused(settings: Settings, loopback: LoopbackHub) -> None:
    loopback.models["someone/lora"] = {"adapter_model.bin": b"pickle", "adapter_config.json": b"{}"}
    lora = HubAdapter("lora", "LoRA", "adapter", "tiny", "complexity", "someone/lora", "mit")
    with pytest.raises(AppError, match="only safetensors"):
        hub.adapter_dir(settings, lora, endpoint=loopback.url)
