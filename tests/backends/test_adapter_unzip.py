"""Adapters out of a .zip: one at a time, known files only, bounded."""

import zipfile
from pathlib import Path

import pytest

from backends import adapters
from backends.errors import AppError, BadInput, NotFound
from backends.lora import adapter_unzip, adapter_zip
from backends.settings import MB, ROOT, Settings

SHIPPED = ROOT / "examples" / "complexity" / "adapter"


def zipped(folder: Path, entries: dict[str, bytes]) -> Path:
    path = folder / "one.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def whole(inside: str = "mine/") -> dict[str, bytes]:
    return {
        f"{inside}{file}": (SHIPPED / file).read_bytes()
        for file in ("adapter_model.safetensors", "adapter_config.json")
    }


def test_what_was_taken_away_as_a_zip_can_be_added_again(settings: Settings) -> None:
    packed = adapter_zip.pack([adapters.find(settings, "complexity")], "complexity")
    added = adapters.add(settings, adapter_unzip.unpack(packed, 100 * MB))
    assert (
        added.name != "complexity"
        and added.origin == "added"
        and added.sha256 == adapters.find(settings, "complexity").sha256
    )


def test_only_an_adapters_own_files_leave_the_archive(settings: Settings, tmp_path: Path) -> None:
    extra = {"mine/run.py": b"raise SystemExit", "../../evil": b"x", "/etc/evil": b"x", "mine/../../up.json": b"x"}
    folder = adapter_unzip.unpack(zipped(tmp_path, whole() | extra), 100 * MB)
    assert {path.name for path in folder.parent.rglob("*") if path.is_file()} == {
        "adapter_model.safetensors", "adapter_config.json"
    }  # fmt: skip
    assert adapters.add(settings, folder).name == "mine"


@pytest.mark.parametrize(
    ("entries", "limit", "error", "said"),
    [
        ({"mine/adapter_model.bin": b"pickle", "mine/adapter_config.json": b"{}"}, MB, NotFound, "holds no adapter"),
        (whole("a/") | whole("b/"), 100 * MB, BadInput, "holds 2 adapters"),
        (whole(), MB, BadInput, "larger than 1 MB"),
        ({"m/adapter_model.safetensors": b"0" * (5 * MB), "m/adapter_config.json": b"{}"}, MB, BadInput, "larger than"),
        ({f"{n}": b"" for n in range(1001)}, MB, BadInput, "1,001 files"),
    ],
    ids=["pickle", "two", "large", "bomb", "many"],
)
def test_an_archive_that_is_not_one_adapter_is_refused(
    tmp_path: Path, entries: dict[str, bytes], limit: int, error: type[AppError], said: str
) -> None:
    with pytest.raises(error, match=said):
        adapter_unzip.unpack(zipped(tmp_path, entries), limit)


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04 cut"])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"no \.zip that can be read"):
        adapter_unzip.unpack(path, MB)
