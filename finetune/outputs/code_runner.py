"""Runs generated code against tests, in two child processes that lock themselves in (code_walls.py says how).

Guaranteed besides: `python -I -S`, an empty environment, an empty folder, a clock, a cap on what is read back, and the
end of every process that was started. Nothing runs on a Space that strangers may open, nor where the filter is missing.
"""

import ast
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from backends.errors import BadInput, Unavailable
from backends.settings import Settings, settings

SECONDS = 10.0  # by the clock, for all tests of one answer; CPU time is limited to less
MAX_OUTPUT = 200_000  # bytes of the results
MAX_TESTS = 200
MACHINES = ("x86_64", "aarch64")
#: what code may import: loaded before the doors close
MODULES = frozenset(
    ("abc", "array", "bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum")
    + ("fractions", "functools", "heapq", "itertools", "math", "operator", "random", "re", "statistics", "string")
    + ("textwrap", "typing")
)
#: these lines must come first, so they stand before the walls; names and commas alone can do nothing there
FUTURE = re.compile(r"^from __future__ import [\w, ]+$", re.MULTILINE)
WALLS = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import code_walls as __walls
sys.path.pop(0)
del sys
"""


@dataclass(frozen=True)
class Result:
    """One test or call: `said` is the value of a call, or what went wrong."""

    test: str
    passed: bool
    said: str


def allowed(place: Settings | None = None) -> bool:
    """May generated code run here? Never on a public Space, and only where the kernel's filter is known."""
    place = place or settings()
    return not place.public and sys.platform == "linux" and platform.machine() in MACHINES


@lru_cache(maxsize=4096)
def passes(code: str, tests: tuple[str, ...], entry: str) -> bool:
    """Do all tests pass? Kept by text: an answer is judged again for every report."""
    return all(result.passed for result in run(code, tests, entry))


def run(code: str, tests: Sequence[str], entry: str) -> list[Result]:
    """Run `assert ...` statements, or calls such as `f(2)`, against the function `entry` of the code."""
    if not allowed():
        raise Unavailable("Generated code is not run here: it is switched off on public Spaces and outside Linux")
    if not entry.isidentifier():
        raise BadInput(f"{entry[:60]!r} is not the name of a function")
    if len(tests) > MAX_TESTS:
        raise BadInput(f"{len(tests)} tests are too many for one answer; at most {MAX_TESTS} are run")
    statements = [_statement(test) for test in tests]
    found = _results(_code_program(code, entry), _tests_program(statements, entry))
    if not isinstance(found, list) or len(found) != len(tests):
        return [Result(test, False, "it was stopped: too slow, or too large") for test in tests]
    return [Result(test, result["passed"] is True, result["said"]) for test, result in zip(tests, found, strict=True)]


def _statement(test: str) -> str:
    """One assert, or a call whose value is shown, on one line."""
    try:
        (node,) = ast.parse(test.strip()).body
        if isinstance(node, ast.Assert):
            return ast.unparse(node)
        if isinstance(node, ast.Expr):
            return f"__tests.show({ast.unparse(node)})"
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        pass
    raise BadInput(f"{test.strip()[:80]!r} is no example: write a call such as f(2), or assert f(2) == 4")


def _code_program(code: str, entry: str) -> str:
    """Walls, then the code, then answers to calls."""
    named = sorted(MODULES & set(re.findall(r"\w+", code)))
    loaded = f"import {', '.join(named)}\ndel {', '.join(named)}\n" if named else ""
    future = "\n".join(FUTURE.findall(code))
    missing = f"the code defines no {entry}"
    return (
        f"{future}{WALLS}{loaded}__walls.serve_failure()\n__walls.lock()\n{FUTURE.sub('', code)}\n"
        f"__walls.serve(globals().get({entry!r}), {missing!r})\n"
    )


def _tests_program(statements: Sequence[str], entry: str) -> str:
    lines = "\n".join(f"with __tests: {statement}" for statement in statements)
    start = f"__tests = __walls.Tests()\n{entry} = __tests.function\n__walls.lock()\n"
    return f"{WALLS}{start}{lines}\n__tests.report()\n"


def _results(code: str, tests: str) -> Any:
    """What the process of the tests wrote, or None when it wrote nothing readable."""
    with ExitStack() as stack:
        empty = stack.enter_context(tempfile.TemporaryDirectory(prefix="acr-code-"))
        pipes = [os.pipe(), os.pipe()]
        try:
            (calls_out, calls_in), (values_out, values_in) = pipes
            coder = _start(stack, code, (calls_out, values_in), empty, subprocess.DEVNULL)
            tester = _start(stack, tests, (values_out, calls_in), empty, subprocess.PIPE)
        finally:
            for end in (end for pipe in pipes for end in pipe):
                os.close(end)
        clock = threading.Timer(SECONDS, _kill, (coder, tester))
        clock.start()
        try:
            assert tester.stdout
            output = tester.stdout.read(MAX_OUTPUT)
        finally:
            clock.cancel()
            _kill(coder, tester)
    try:
        return json.loads(output)
    except ValueError:
        return None


def _start(stack: ExitStack, program: str, pipes: tuple[int, int], folder: str, output: int) -> subprocess.Popen[bytes]:
    """`program` as a process of its own session, its text on standard input; `pipes` are to read and to write."""
    with tempfile.TemporaryFile() as source:
        source.write(program.encode("utf-8", "backslashreplace"))
        source.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", "utf8", "-", *map(str, pipes)],
            stdin=source,
            stdout=output,
            stderr=subprocess.DEVNULL,
            pass_fds=pipes,
            env={},
            cwd=folder,
            start_new_session=True,
        )
    return stack.enter_context(child)


def _kill(*children: subprocess.Popen[bytes]) -> None:
    for child in children:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
