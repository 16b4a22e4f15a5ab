"""After the tests: how many of each kind ran, and how long they took."""

from collections import Counter
from typing import Any

from pytest import TestReport

KINDS = ("browser", "faults", "rehearsal", "model")  # a test with several marks counts under the first


def pytest_terminal_summary(terminalreporter: Any) -> None:
    counts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    reports = [report for some in terminalreporter.stats.values() for report in some if isinstance(report, TestReport)]
    for report in reports:
        kind = next((kind for kind in KINDS if kind in report.keywords), "unit")
        counts[kind] += report.when == "call"
        seconds[kind] += report.duration
    split = ", ".join(f"{counts[kind]} {kind} in {seconds[kind]:.0f} s" for kind in ("unit", *KINDS) if counts[kind])
    terminalreporter.write_line(f"Tests by kind: {split}")
