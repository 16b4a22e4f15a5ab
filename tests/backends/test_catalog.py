"""The catalog: every base and adapter that the seeds name, whole, licensed, and data only."""

import json
from pathlib import Path

import pytest

from backends import catalog
from backends.errors import NotFound

FILES = sorted(catalog.FOLDER.glob("*/*.json"))
SEED_BASES = {
    "Qwen/Qwen3-0.6B",
    "Qwen/Qwen3-1.7B",
    "Qwen/Qwen3-4B-Instruct-2507",
    "Qwen/Qwen3-32B",
    "google/gemma-3-270m",
    "google/gemma-3-4b-it",
    "google/gemma-3-27b-it",
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-4-Scout-17B-16E-Instruct",
    "microsoft/phi-1",
    "microsoft/phi-2",
}
SEED_ADAPTERS = {
    "aslam-naseer/complexity-2026-01-08_05.47.09",
    "CourseGPT-Pro-DSAI-Lab-Group-6/router-llama31-peft",
    "CourseGPT-Pro-DSAI-Lab-Group-6/router-gemma3-peft",
    "CourseGPT-Pro-DSAI-Lab-Group-6/router-qwen3-32b-peft",
    "Alovestocode/router-llama31-merged",
    "Alovestocode/router-gemma3-merged",
    "Alovestocode/router-qwen3-32b-merged",
}
CODE_SWITCHES = ("trust_remote_code", "auto_map", "auto_mapping", "_attn_implementation_internal")


def test_every_base_and_adapter_of_the_seeds_is_here() -> None:
    assert {base.hub_id for base in catalog.bases().values()} == SEED_BASES
    assert {adapter.hub_id for adapter in catalog.hub_adapters().values()} == SEED_ADAPTERS


def test_names_are_unique_across_bases_and_adapters() -> None:
    names = [path.stem for path in FILES]
    assert len(names) == len(set(names)) == len(catalog.bases()) + len(catalog.hub_adapters())


@pytest.mark.parametrize("base", catalog.bases().values(), ids=lambda base: base.name)
def test_a_base_says_what_it_costs_and_allows(base: catalog.Base) -> None:
    assert base.licence
    assert base.licence_url.startswith("https://")
    assert base.source in ("pypi", "hub")
    assert base.format in ("plain", "chat")
    assert set(base.engines) <= {"transformers", "llama_cpp"}
    assert "transformers" in base.engines
    if base.source == "hub":  # two bytes a weight, and some repositories hold the tied head twice
        assert 1.99 <= base.download_mb * 1e6 / base.parameters <= 2.6
    if base.licence in ("gemma", "llama3.1", "llama4"):
        assert base.notice


@pytest.mark.parametrize("adapter", catalog.hub_adapters().values(), ids=lambda adapter: adapter.name)
def test_an_adapter_belongs_to_a_base_that_is_known(adapter: catalog.HubAdapter) -> None:
    assert adapter.base in catalog.bases()
    assert adapter.kind == ("merged" if adapter.hub_id.endswith("merged") else "adapter")
    assert adapter.licence
    assert adapter.title
    assert adapter.task


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_catalog_file_switches_on_no_code(path: Path) -> None:
    text = path.read_text()
    assert isinstance(json.loads(text), dict)
    assert not [word for word in CODE_SWITCHES if word in text]


def test_an_unknown_base_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match="no base 'gpt-9'; known: .*gemma-3-270m"):
        catalog.base_named("gpt-9")
