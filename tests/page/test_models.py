"""The Adapters tab: bases with what they need and who can run them, and the list of adapters."""

from dataclasses import replace

import pytest

from backends import adapters, catalog
from backends.bases import here
from backends.bases.downloads import Download
from backends.settings import Settings
from finetune import all_tasks
from ui.adapters import listing, listing_view, models, models_view
from ui.room import Room

# -- bases -------------------------------------------------------------------------------------------------------------


def test_every_base_and_every_merged_model_says_what_it_needs_and_who_can_run_it(settings: Settings) -> None:
    known = models.every_base()
    assert {"gemma-3-270m", "qwen3-32b", "llama-4-scout-17b-16e-instruct", "router-gemma3-merged"} <= known.keys()
    for base in known.values():
        shown = models_view.card(settings, base)
        assert base.title in shown and "Memory in 4 bits" in shown and "Mbit/s" in shown and base.licence in shown
        assert ("accept its terms" in shown) is base.gated
        assert all(why is None or why for why in here.engines(settings, base).values())
        assert catalog.base_named(base.name) is base
    table = models_view.table(settings, known.values())
    assert table.count("<tr>") == len(known) + 1


def test_a_base_larger_than_this_machine_is_told_with_both_sizes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "ram_bytes", lambda: 8 * 10**9)
    monkeypatch.setattr(here, "gpu_bytes", lambda settings: 0)
    why = here.engines(settings, catalog.base_named("qwen3-32b"))["transformers"]
    assert why == "it needs 26 GB even in 4 bits, and this machine has 8.0 GB"
    assert here.engines(settings, catalog.base_named("qwen3-0.6b"))["transformers"] is None
    monkeypatch.setattr(here, "gpu_bytes", lambda settings: 48 * 10**9)
    assert here.engines(settings, catalog.base_named("qwen3-32b"))["transformers"] is None


def test_only_the_embedded_base_runs_on_llama_cpp_and_a_server_must_be_named(settings: Settings) -> None:
    able = {n for n, base in models.every_base().items() if here.engines(settings, base)["llama_cpp"] is None}
    assert able == {"gemma-3-270m"}
    base = catalog.base_named("gemma-3-270m")
    assert "ACR_OPENAI_URL" in str(here.engines(settings, base)["openai_http"])
    served = replace(settings, openai_url="https://models.example.org/v1")
    assert here.engines(served, base)["openai_http"] is None
    assert "if models.example.org serves it" in models_view.card(served, base)


def test_a_download_is_told_while_it_comes_and_however_it_ends() -> None:
    one = Download("base", "phi-2", what="Downloading", fraction=0.25, seconds_left=600.0)
    assert "Downloading, 25%; about 10 minutes left" in models_view.progress(one, "Phi-2")
    told = {
        state: models_view.progress(replace(one, state=state), "Phi-2") for state in ("done", "failed", "cancelled")
    }
    assert "✓" in told["done"] and "acr-bad" in told["failed"] and "stopped at 25%" in told["cancelled"]
    assert models_view.progress(None, "") == ""


# -- the list ----------------------------------------------------------------------------------------------------------


def test_the_list_offers_what_is_here_and_then_the_catalog(settings: Settings) -> None:
    choices = [value for _, value in listing._choices(Room(settings))]
    assert choices[:8] == sorted(all_tasks()) and f"{listing.PUBLISHED}router-gemma3" in choices
    assert not any("merged" in name for name in choices), "a merged model is a base"
    known = adapters.adapters(settings).values()
    table = listing_view.table(known, catalog.hub_adapters().values())
    assert "came with the program" in table and "in the catalog, not here" in table


@pytest.mark.model
def test_off_a_public_space_added_ones_are_removed_and_on_one_only_by_who_trained_them(base_settings: Settings) -> None:
    from tests.parts import random_adapter

    made = random_adapter.make(base_settings, "mine")
    shipped = adapters.find(base_settings, "complexity")
    at_home, public = Room(base_settings), Room(replace(base_settings, public=True))
    assert listing._may_remove(at_home, made, "local") and not listing._may_remove(at_home, shipped, "local")
    assert not listing._may_remove(public, made, "visitor-1") and not listing._may_remove(public, made, "")


def test_a_check_without_the_base_says_what_is_still_unknown(settings: Settings) -> None:
    said = listing._checked(Room(settings), adapters.find(settings, "complexity"))
    assert "are sound" in said and "measured when its base is here" in said
