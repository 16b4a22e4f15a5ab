"""Downloads from a stand-in Hub: stopped, resumed, gated, killed; adapters of any repository; who may not."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from backends import adapters, catalog
from backends.bases import download, here
from backends.bases.downloads import Download, Downloads
from backends.errors import BadInput, Refused, Unavailable
from backends.settings import ROOT, Settings
from tests.parts.loopback_hub import Answer, LoopbackHub

BASE = "qwen3-0.6b"
HUB_ID = "Qwen/Qwen3-0.6B"
FILES = {
    "config.json": b'{"model_type": "qwen3"}',
    "model.safetensors": b"w" * 400_000,
    "tokenizer.json": b"{}",
}
SHIPPED = ROOT / "examples" / "complexity" / "adapter"


class GatedFile(LoopbackHub):
    """A Hub that gives the weights only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted, self.let = threading.Event(), threading.Event()

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        if method == "GET" and path.endswith("model.safetensors"):
            self.wanted.set()
            self.let.wait(60)
        return super().answer(method, path, body)


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[GatedFile]:
    with GatedFile() as server:
        server.models[HUB_ID] = dict(FILES)
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server
        server.let.set()


@pytest.fixture
def fetching(settings: Settings) -> Iterator[Downloads]:
    made = Downloads(settings)
    yield made
    made.cancel()


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.05)


def ended(fetching: Downloads) -> Download:
    until(lambda: fetching.now() and fetching.now().state != "running")  # type: ignore[union-attr]
    found = fetching.now()
    assert found
    return found


def test_a_download_is_stopped_at_once_and_goes_on_where_it_was(
    settings: Settings, loopback: GatedFile, fetching: Downloads
) -> None:
    base = catalog.base_named(BASE)
    fetching.start("base", BASE)
    until(
        lambda: "tokenizer.json" in loopback.files_asked() and (settings.bases_dir / BASE / "tokenizer.json").exists()
    )
    with pytest.raises(Unavailable, match="is being downloaded"):
        fetching.start("base", "phi-2")
    fetching.cancel()
    assert ended(fetching).state == "cancelled"
    assert here.is_begun(settings, base) and not here.is_here(settings, base)
    loopback.asked.clear()
    loopback.let.set()
    fetching.start("base", BASE)
    done = ended(fetching)
    assert (done.state, done.fraction) == ("done", 1.0), done
    assert here.is_here(settings, base) and not here.is_begun(settings, base)
    assert "model.safetensors" in loopback.files_asked()


def test_a_gated_base_is_one_sentence_with_the_link_to_accept(
    settings: Settings, loopback: GatedFile, fetching: Downloads
) -> None:
    loopback.let.set()
    loopback.gated.add(HUB_ID)
    fetching.start("base", BASE)
    found = ended(fetching)
    assert found.state == "failed"
    page = f"https://huggingface.co/{HUB_ID}"
    assert found.what == f"{HUB_ID} is gated: accept its terms at {page}, set HF_TOKEN and try again"
    del loopback.models[HUB_ID]
    fetching.start("base", "phi-2")
    assert "microsoft/phi-2 is not on the Hub, or not open to you" in ended(fetching).what


def test_a_download_that_is_killed_from_outside_says_that_it_can_go_on(
    settings: Settings, loopback: GatedFile, fetching: Downloads
) -> None:
    fetching.start("base", BASE)
    assert loopback.wanted.wait(60) and fetching._process
    fetching._process.kill()
    assert ended(fetching).what.startswith("The download broke off")


def test_an_adapter_of_any_repository_is_checked_and_added_under_a_name_of_ours(
    settings: Settings, loopback: GatedFile, fetching: Downloads
) -> None:
    loopback.let.set()
    loopback.models["someone/my.lora"] = {
        "adapter_model.safetensors": (SHIPPED / "adapter_model.safetensors").read_bytes(),
        "adapter_config.json": (SHIPPED / "adapter_config.json").read_bytes(),
        "pytorch_model.bin": b"pickle",
    }
    fetching.start("adapter", "someone/my.lora")
    assert ended(fetching).what == "someone--my.lora is here"
    added = adapters.find(settings, "someone--my.lora")
    assert added.origin == "added" and adapters.verify(settings, added) == []
    fetching.start("adapter", "someone/gone")
    assert "someone/gone is not on the Hub" in ended(fetching).what


@pytest.mark.parametrize("name", ["../../etc", "a", "a/b/c", "a/..", "https://x/y", "owner/na me", "owner/name\n", ""])
def test_what_is_no_id_of_the_hub_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="is no id of the Hub"):
        download.published(name)


def test_on_a_public_space_nobody_fills_the_disk(settings: Settings) -> None:
    public = Downloads(replace(settings, public=True))
    with pytest.raises(Refused, match="its owner chooses"):
        public.start("base", BASE)
    assert public.now() is None


def test_keys_of_servers_do_not_reach_the_download(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACR_OPENAI_KEY", "ACR_METRICS_TOKEN", "SPACES_ZERO_GPU"):
        monkeypatch.setenv(name, "xxx")
    assert "xxx" not in Downloads(settings)._env().values()
