"""Generated code behind its walls: what it may do, what it may not, and that no trick makes a test pass."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from backends.errors import BadInput, Unavailable
from backends.settings import Settings, from_env
from finetune.outputs import code_runner
from finetune.outputs.code_runner import run

pytestmark = pytest.mark.slow

TEST = "assert f(2) == 4"


def said(code: str, test: str = TEST) -> str:
    """What went wrong; the test must not have passed."""
    (result,) = run(code, [test], "f")
    assert not result.passed, result
    return result.said


def body(*lines: str) -> str:
    return "def f(x):\n" + "".join(f"    {line}\n" for line in lines)


# What code may do.


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    return x * 2",
        "from __future__ import annotations\n\n\ndef f(x: Number) -> Number:\n    return x * 2",
        "import math\nfrom collections import Counter\n\n\ndef f(x):\n    return math.floor(2.5) * Counter('aa')['a']",
        "def f(x):\n    import re, itertools\n    return len(re.findall('a', 'a' * 4))",
        "def f(x):\n    return g(x)\n\n\ndef g(x):\n    print('loud')\n    return x + 2",
        "import random\n\n\ndef f(x):\n    return random.choice([4])",
    ],
)
def test_ordinary_code_runs_with_its_imports(code: str) -> None:
    assert [result.passed for result in run(code, [TEST], "f")] == [True]


def test_each_test_is_told_apart_and_a_call_shows_its_value() -> None:
    results = run(body("return [x, {'a': (x,)}]"), ["assert f(1)[0] == 1", "assert f(1) == 2", "f(3)", "f()"], "f")
    assert [result.passed for result in results] == [True, False, True, False]
    assert results[1].said == "another value came back"
    assert results[2].said == "[3, {'a': (3,)}]"
    assert "TypeError" in results[3].said and "missing 1 required" in results[3].said


@pytest.mark.parametrize(
    "value",
    ["[1, (2, [3.5]), {'a': {1, 2}}]", "{1: None, 'b': True}", "set()", "-2.5", "1j", "b'x'", "'\\ud800 é \\n'"]
    + ["float('inf')", "frozenset((1,))", "()", "10 ** 30"],
)
def test_plain_values_come_back_as_they_are(value: str) -> None:
    (result,) = run(body(f"return {value}"), [f"assert f(0) == {value} and f({value}) == {value}"], "f")
    assert result.passed, result


def test_a_test_without_its_import_is_no_reason_to_have_it() -> None:
    assert "name 'math' is not defined" in said("def f(x):\n    return math.floor(4.5)")


# What it may not do. Each of these is refused or ended, and counts as failed.


def test_an_infinite_loop_is_ended() -> None:
    assert said(body("while True: pass"))


def test_a_sleeping_answer_is_ended_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_runner, "SECONDS", 1.5)
    assert "stopped" in said("import time\n" + body("time.sleep(600)"))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("import os", "while True: os.fork()"), "PermissionError"),
        (("import os", "os.posix_spawn('/bin/true', ['true'], {})"), "PermissionError"),
        (("import os", "os.execv('/bin/true', ['true'])"), "PermissionError"),
        (("import _thread", "_thread.start_new_thread(print, ())"), "can't start new thread"),
        (("return len(bytearray(1 << 30))",), "MemoryError"),
        (("return len('x' * (1 << 30))",), "MemoryError"),
        (("open('/tmp/written', 'w').write('x')",), "PermissionError"),
        (("import os", "os.mkdir('x')"), "PermissionError"),
        (("import os", "os.remove('/tmp/kept')"), "PermissionError"),
        (("return open('/proc/self/environ').read()",), "PermissionError"),
        (("return open('/etc/passwd').read()",), "PermissionError"),
        (("import os", "return os.listdir('/')"), "PermissionError"),
        (("import _socket", "_socket.socket().connect(('127.0.0.1', 80))"), "No module|PermissionError"),
        (("import socket",), "No module"),
        (("import subprocess",), "No module"),
        (("import os", "os.kill(os.getppid(), 9)"), "PermissionError"),
        (("import os", "os.killpg(0, 9)"), "PermissionError"),
        (("return f(x)",), "RecursionError"),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_what_reaches_out_is_refused(lines: tuple[str, ...], reason: str) -> None:
    assert any(word in said(body(*lines)) for word in reason.split("|"))


@pytest.mark.parametrize(
    "number", [41, 42, 56, 57, 59, 2, 257, 101, 62, 165, 272, 321, 425, 435], ids=lambda number: f"call-{number}"
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls are of x86_64")
def test_the_kernel_refuses_what_goes_around_python(number: int) -> None:
    """By machine code: socket, connect, clone, fork, execve, open, openat, ptrace, kill, mount, unshare, bpf, ..."""
    code = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    code += body(f"return (libc.syscall({number}, 0, 0, 0, 0, 0, 0), ctypes.get_errno())")
    (result,) = run(code, ["f(0)"], "f")
    assert result.said == "(-1, 1)", result  # EPERM


def test_nothing_is_connected_to(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        lines = ("import ctypes, struct", "libc = ctypes.PyDLL(None)", "s = libc.socket(2, 1, 0)")
        address = f"struct.pack('>HHI', 512, {port}, 0x7F000001) + bytes(8)"
        said(body(*lines, f"libc.connect(s, {address}, 16)", "return s"), "assert f(2) >= 0")
        with pytest.raises(TimeoutError):
            server.accept()


def test_deep_recursion_without_a_limit_ends_only_the_child() -> None:
    assert said("import sys\nsys.setrecursionlimit(10 ** 9)\n" + body("return [f(x)]"))


def test_an_output_flood_goes_nowhere() -> None:
    assert said(body("while True: print('x' * 100_000)"))
    assert said("import os\n" + body("while True: os.write(1, b'x' * 100_000)"))
    assert said("import sys\n" + body("while True: sys.stderr.write('x' * 100_000)"))


def test_the_environment_and_the_folder_are_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    (result,) = run("import os\n" + body("return [k for k in os.environ if 'LC_' not in k]"), ["f(0)"], "f")
    assert result.said == "[]"


def test_every_process_is_killed_and_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []
    real = os.killpg
    monkeypatch.setattr(os, "killpg", lambda group, number: (killed.append((group, number)), real(group, number)))
    run(body("while True: pass"), [TEST], "f")
    assert len({group for group, _ in killed}) == 2 and {number for _, number in killed} == {signal.SIGKILL}
    for group, _ in killed:
        with pytest.raises(ProcessLookupError):
            os.kill(group, 0)


# No trick makes a test pass.


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos._exit(0)",
        "import os\n" + body("os._exit(0)"),
        "import sys\nsys.exit(0)\n",
        "import sys\n" + body("sys.exit(0)"),
        "raise SystemExit\n",
        body("print('passed')", 'print(\'[{"passed": true, "said": ""}]\')'),
        'import os\nos.write(1, b\'[{"passed": true, "said": ""}]\')\nos._exit(0)',
        'import os\nfor pipe in range(3, 60):\n    try:\n        os.write(pipe, b\'[{"passed": true, "said": ""}]\')\n'
        "    except OSError:\n        pass\n",
        "class Any:\n    def __eq__(self, other):\n        return True\n\n\n" + body("return Any()"),
        "class Any(int):\n    def __eq__(self, other):\n        return True\n\n\n" + body("return Any(5)"),
        "class Any(list):\n    def __eq__(self, other):\n        return True\n\n\n" + body("return Any()"),
        "import builtins\nbuiltins.AssertionError = ZeroDivisionError\n" + body("return 5"),
        "import sys\nsys.modules['__main__'].__dict__.clear()\n",
        "import gc, sys\n" + body("return [o for o in gc.get_objects() if isinstance(o, dict) and 'passed' in o]"),
        "import sys\nsys.excepthook = lambda *told: None\nraise ValueError\n",
        "def f(x):\n    raise AssertionError",
        "def g(x):\n    return 4",
        "f = 4",
        "def f(x) return 4",
        "",
    ],
)
def test_a_trick_counts_as_failed(code: str) -> None:
    assert said(code)


def test_what_stands_before_the_walls_is_never_code() -> None:
    """Lines of `__future__` must come first; nothing else may come along with them."""
    code = "from __future__ import annotations; import os; os.mkdir('/tmp/acr-before-the-walls')\n" + body("return 4")
    assert said(code) and not Path("/tmp/acr-before-the-walls").exists()


@pytest.mark.parametrize("test", ["import os", "f(2) = 4", "assert f(2) == 4; import os", "while True: pass", "", "f("])
def test_only_asserts_and_calls_are_tests(test: str) -> None:
    with pytest.raises(BadInput, match="is no example"):
        run(body("return 4"), [test], "f")


def test_the_tests_are_locked_in_as_well() -> None:
    (result,) = run(body("return 4"), ["assert open('/etc/passwd').read()"], "f")
    assert not result.passed and "PermissionError" in result.said


def test_a_name_that_is_none_and_too_many_tests_are_refused() -> None:
    with pytest.raises(BadInput, match="not the name of a function"):
        run(body("return 4"), [TEST], "f; import os")
    with pytest.raises(BadInput, match="too many"):
        run(body("return 4"), [TEST] * 201, "f")


def test_nothing_runs_on_a_public_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not code_runner.allowed(from_env({"SPACE_ID": "a/b", "ACR_DATA_DIR": str(tmp_path)}))
    assert code_runner.allowed(Settings(data_dir=tmp_path))
    monkeypatch.setattr(code_runner, "settings", lambda: Settings(data_dir=tmp_path, public=True))
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(Unavailable, match="public Spaces"):
        run(body("return 4"), [TEST], "f")


def test_without_the_filter_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel does not take the filter, the child ends before the code begins."""
    walls = code_runner.WALLS + "import ctypes\n__walls.SET_SECCOMP = 1_000_000\n"
    monkeypatch.setattr(code_runner, "WALLS", walls)
    assert said(body("return 4"))
