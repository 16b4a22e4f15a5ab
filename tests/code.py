"""Our own source files and their syntax trees, for the tests that hold rules about code."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache

from backends.settings import ROOT

PRODUCT = ("app.py", "backends/", "finetune/", "ui/", "examples/")


@cache
def files() -> tuple[str, ...]:
    """Every file of the project, as git would take it: no caches, no environments."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(sorted(name for name in done.stdout.splitlines() if (ROOT / name).is_file()))


def product() -> list[str]:
    """The Python files that run outside of tests."""
    return [name for name in files() if name.endswith(".py") and name.startswith(PRODUCT)]


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), name)


def imports(node: ast.AST) -> Iterator[str]:
    """Full names of the modules that `node` imports, at any depth."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            yield from (alias.name for alias in inner.names)
        elif isinstance(inner, ast.ImportFrom):
            yield inner.module or ""


def calls(name: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree_of(name)) if isinstance(node, ast.Call))


def top_level(module: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported, without blocks for type checkers."""
    for statement in module.body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            continue
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement


def called(call: ast.Call) -> str:
    """What is called, as it is written: `subprocess.run`, `print`."""
    return ast.unparse(call.func)


def at(name: str, node: ast.expr | ast.stmt) -> str:
    return f"{name}:{node.lineno}"
