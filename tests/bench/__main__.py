"""Run every measurement, or those named on the command line, and write their sections of RESULTS.md."""

import platform
import sys
import time
from collections.abc import Callable
from functools import partial

from backends.settings import settings
from tests.bench import calibration, doctor, engines, injected, intervals, real_rows, runs_list, training, visitors
from tests.bench.results import RESULTS, known

MEASUREMENTS: dict[str, Callable[..., str]] = {
    "injected faults": injected.measure,
    "engines": engines.measure,
    "training": training.measure,
    "start receipt": calibration.measure,
    "intervals": intervals.measure,
    **{f"real rows, {real.name}": partial(real_rows.measure, real=real) for real in real_rows.REAL},
    "data doctor": doctor.measure,
    "runs": runs_list.measure,
    "visitors": visitors.measure,
}


def machine() -> str:
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"{model}, {settings().threads} threads, Python {platform.python_version()}"


def title(name: str) -> str:
    """As a heading; the names of data sets keep their capitals."""
    return name[0].upper() + name[1:]


def main(names: list[str]) -> None:
    found = known()
    for name in names or MEASUREMENTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found[title(name)] = f"{MEASUREMENTS[name](settings())}\n\nMeasured {time.strftime('%Y-%m-%d')} on {machine()}."
        ordered = [heading for heading in map(title, MEASUREMENTS) if heading in found]
        sections = (f"## {heading}\n\n{found[heading]}\n" for heading in ordered)
        RESULTS.write_text("\n".join(["# Measured by `make bench`\n", *sections]))
    print(RESULTS.read_text())


if __name__ == "__main__":
    main(sys.argv[1:])
