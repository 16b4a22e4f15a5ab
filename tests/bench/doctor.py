"""The data doctor as a person calls it: precision and recall of its checks, and the time and memory of a large file."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

from backends.settings import MB, ROOT, Settings
from tests.bench import defects
from tests.bench.defects import rows

ROWS = 100_000


def large(path: Path, count: int) -> None:
    """Ordinary requests of about 200 bytes a row, one in a hundred of them twice."""
    chance, asked = Random(0), ""
    with path.open("w") as out:
        for i in range(1, count + 1):
            if i % 100:
                asked = f"{rows.question(chance)[:130]} ({i})"
            out.write(
                json.dumps({"natural_language": asked, "query": f"repo:acme/project{i % 977} file:{i} test"}) + "\n"
            )


CHECK = """
import sys, time
from finetune.cli import main
from tests.parts.memory import peak
began = time.monotonic()
main(["check", sys.argv[1], "--task", "sourcegraph", "--json"])
print(time.monotonic() - began, time.process_time(), peak())
"""


def checked(settings: Settings, path: Path) -> tuple[float, float, int]:
    """(seconds, processor seconds, bytes at the peak) of `finetune check` in a process of its own."""
    command, env = [sys.executable, "-c", CHECK, str(path)], os.environ | settings.to_env()
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True)
    seconds, processor, most = done.stdout.splitlines()[-1].split()
    return float(seconds), float(processor), int(most)


def measure(settings: Settings) -> str:
    with tempfile.TemporaryDirectory() as folder:
        small, big = Path(folder) / "small.jsonl", Path(folder) / "big.jsonl"
        large(small, 200)
        large(big, ROWS)
        _, _, idle = checked(settings, small)
        seconds, processor, peak = checked(settings, big)
        size = big.stat().st_size
    return "\n".join([
        defects.measure(settings),
        "",
        f"{ROWS:,} rows ({size / MB:.0f} MB): {seconds:.1f} s, {processor:.1f} s of processor time, "
        f"{(peak - idle) / MB:.0f} MB of memory more than for 200 rows.",
    ])  # fmt: skip
