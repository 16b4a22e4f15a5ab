"""The embedded base meets full, small and read-only disks, kills and a second process: whole or not there."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from backends.bases import embedded
from backends.catalog import EMBEDDED
from backends.settings import MB, ROOT, Settings
from tests.faults.at_a_call import needs_root
from tests.parts.embedded_base import left_over, quiet

pytestmark = pytest.mark.faults

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


def command(data_dir: Path, step: str = "prepare") -> list[str]:
    return [sys.executable, "-c", PREPARE.format(step=step), str(data_dir)]


def test_a_disk_that_fills_up_on_the_way_leaves_no_half_base(empty: Settings) -> None:
    limit = ["prlimit", f"--fsize={50 * MB}"]
    done = subprocess.run([*limit, *command(empty.data_dir)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "Unavailable: Assembling the embedded base stopped: the disk of" in done.stderr
    assert done.returncode == 1 and left_over(empty) == []
    embedded.prepare(empty, quiet)
    assert embedded.is_ready(empty)


@pytest.mark.root
@needs_root
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
@needs_root
def test_a_read_only_place_is_said_in_one_sentence(settings: Settings) -> None:
    settings.data_dir.mkdir()
    script = 'mount -t tmpfs -o ro tmpfs "$0" && "$@"'
    run = ["unshare", "-m", "sh", "-c", script, str(settings.data_dir), *command(settings.data_dir)]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("Unavailable: Preparing the base is not possible:")


def test_a_kill_while_assembling_leaves_no_half_base(empty: Settings) -> None:
    process = subprocess.Popen(command(empty.data_dir), cwd=ROOT, stdout=subprocess.DEVNULL)
    part = wait_for(empty, ".base.gguf.*", 30 * MB)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert part.exists() and not embedded.gguf_path(empty).exists()
    embedded.prepare(empty, quiet)
    assert left_over(empty) == ["base.gguf", "tokenizer.json", "tokenizer_config.json"]


def test_a_kill_while_converting_leaves_no_half_weights(empty: Settings, prepared_bases: Path) -> None:
    embedded.prepare(replace(empty, base_gguf=prepared_bases / EMBEDDED / "base.gguf"), quiet)
    process = subprocess.Popen(command(empty.data_dir, "prepare_weights"), cwd=ROOT, stdout=subprocess.DEVNULL)
    part = wait_for(empty, ".weights-*/model.safetensors", 0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert part.exists() and not embedded.has_weights(empty)
    embedded.prepare_weights(empty, quiet)
    assert left_over(empty) == ["base.gguf", "tokenizer.json", "tokenizer_config.json", "weights"]


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
