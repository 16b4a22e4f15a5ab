"""What a child process that runs generated code does first: lock itself in; and how it talks to its twin.

Imported only by the two programs that code_runner.py writes; standard library only. One program holds the code and
answers calls, the other holds the tests. All that the tests get of the code are returned values, read as literals:
the expected results and the way to the verdict are in a process that the code cannot reach. So ending early, printing,
or objects that claim to equal anything cannot make a test pass.

The wall is the kernel's: a seccomp filter that leaves reading and writing of what is open, memory, time and ending.
Opening any file, sockets, processes and signals are refused, for machine code too. Without it nothing runs. CPU time,
memory, file size and descriptors are limited besides; user, network and IPC namespaces are left where that is allowed.
"""

import ast
import ctypes
import json
import os
import platform
import resource
import struct
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

MB = 1 << 20
LIMITS = {
    resource.RLIMIT_CPU: 1,  # seconds
    resource.RLIMIT_AS: 400 * MB,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_NOFILE: 16,
    resource.RLIMIT_NPROC: 0,
    resource.RLIMIT_CORE: 0,
}
MESSAGE = MB  # most bytes of one call or value
DEPTH = 50  # of lists in lists
WORDS = 200  # characters of a value or a problem
ENDED = "the code ended or was stopped before it returned a value"
#: machine -> its mark in the kernel, and the calls that stay: read write close fstat poll lseek mmap mprotect munmap
#: brk sigaction sigprocmask sigreturn mremap madvise yield nanosleep getpid exit gettimeofday sigaltstack gettid
#: restart futex clock_gettime clock_getres clock_nanosleep exit_group getrandom rseq
CALLS = {
    "x86_64": (
        0xC000003E,
        (0, 1, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 25, 28, 24, 35, 39, 60, 96, 131, 186)
        + (219, 202, 228, 229, 230, 231, 318, 334),
    ),
    "aarch64": (
        0xC00000B7,
        (63, 64, 57, 80, 73, 62, 222, 226, 215, 214, 134, 135, 139, 216, 233, 124, 101, 172, 93, 169, 132, 178)
        + (128, 98, 113, 114, 115, 94, 278, 293),
    ),
}
NAMESPACES = 0x10000000 | 0x40000000 | 0x08000000  # user, network, IPC
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 1  # refused calls say EPERM
LOAD, EQUAL, ANSWER = 0x20, 0x15, 0x06


class Program(ctypes.Structure):
    """The kernel's sock_fprog: how many steps, and where they are."""

    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


def seccomp() -> bytes:
    """The filter: another machine's calls are refused, each allowed number jumps to the end."""
    mark, numbers = CALLS[platform.machine()]
    steps = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, mark), (ANSWER, 0, 0, REFUSE), (LOAD, 0, 0, 0)]
    steps += [(EQUAL, len(numbers) - i, 0, number) for i, number in enumerate(numbers)]
    steps += [(ANSWER, 0, 0, REFUSE), (ANSWER, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def lock() -> None:
    """No way back from here: no new process, no file, no network."""
    libc = ctypes.CDLL(None)
    libc.unshare(NAMESPACES)  # one wall more where the system allows it; the filter does not need it
    for what, most in LIMITS.items():
        resource.setrlimit(what, (most, most))
    steps = seccomp()
    program = Program(len(steps) // 8, steps)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0):
        os._exit(3)


# The talk between the two: a length, then a literal. The program's arguments are the pipes to read and to write.


def send(text: str) -> None:
    data = text.encode()
    data = struct.pack(">I", len(data)) + data
    while data:
        data = data[os.write(int(sys.argv[2]), data) :]


def receive() -> str:
    size = struct.unpack(">I", _exactly(4))[0]
    if size > MESSAGE:
        raise EOFError("the value that came back is far too large")
    return _exactly(size).decode()


def _exactly(size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = os.read(int(sys.argv[1]), size - len(found))
        if not more:
            raise EOFError(ENDED)
        found += more
    return found


def written(value: Any, depth: int = 0) -> str:
    """A value as a literal; of a kind that has none, a test could not compare it either."""
    if depth > DEPTH:
        raise TypeError("a value is nested too deeply")
    if value is None or isinstance(value, bool | bytes | complex):
        return ascii(value)
    if isinstance(value, float):
        return {"inf": "1e999", "-inf": "-1e999"}.get(text := float.__repr__(value), text)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, str):
        return ascii(str(value))
    if isinstance(value, dict):
        return "{" + "".join(f"{written(k, depth + 1)}: {written(v, depth + 1)}, " for k, v in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        inside = "".join(written(v, depth + 1) + ", " for v in value)
        if isinstance(value, tuple):
            return f"({inside})"
        return f"[{inside}]" if isinstance(value, list) else "{" + inside + "}" if value else "set()"
    raise TypeError(f"a {type(value).__name__} came back, which is not a plain value")


def told(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {problem}".rstrip(": ")[:WORDS]


# The process of the code.


def serve(function: Callable[..., Any] | None, missing: str) -> None:
    """Answer calls for as long as there are any; without a function, with what is wrong."""
    while True:
        arguments, named = ast.literal_eval(receive())
        try:
            reply = "=" + written(function(*arguments, **named)) if function else "!" + missing
        except BaseException as problem:
            reply = "!" + told(problem)
        send(reply)


def serve_failure() -> None:
    """Code that fails as a whole answers every call with its problem."""
    sys.excepthook = lambda kind, problem, trace: serve(None, told(problem))


# The process of the tests.


class Failed(Exception):
    """What the code did instead of returning a value."""


class Tests:
    """Runs one test after the other and keeps what came of each: passed or not, the value or the problem."""

    def __init__(self) -> None:
        self.results: list[dict[str, Any]] = []
        self.shown = ""

    def function(self, *arguments: Any, **named: Any) -> Any:
        """Stands for the code's function: the call goes to the other process."""
        try:
            send(written((arguments, named)))
            reply = receive()
        except EOFError as problem:
            raise Failed(str(problem)) from None
        except OSError:
            raise Failed(ENDED) from None
        if not reply.startswith("="):
            raise Failed(reply[1:])
        return ast.literal_eval(reply[1:])

    def show(self, value: Any) -> None:
        self.shown = ascii(value)[:WORDS]

    def __enter__(self) -> None:
        self.shown = ""

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> bool:
        said = self.shown if problem is None else told(problem)
        if isinstance(problem, Failed):
            said = str(problem)
        elif isinstance(problem, AssertionError):
            said = "another value came back"
        self.results.append({"passed": problem is None, "said": said[:WORDS]})
        return True

    def report(self) -> None:
        sys.stdout.write(json.dumps(self.results))
        sys.stdout.flush()
