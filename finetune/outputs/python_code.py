"""Python in an answer: where the code is, what it defines, what is said about it, and asserts as single lines."""

import ast
import re
import warnings

from finetune.task import Unreadable

FENCE = re.compile(r"```[ \t]*([A-Za-z0-9+#.]*)[^\n]*\n(.*?)(?:\n?[ \t]*```|\Z)", re.DOTALL)
THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
START = re.compile(r"(?:async )?def |class |import |from \w|@\w|#")
MAX_CHARS = 20_000


def read(answer: str) -> dict[str, str]:
    """`{"code", "explanation"}`: the first fenced block, else all from the first line of code on."""
    text = THINKING.sub("", answer).strip("\n").rstrip()
    if len(text) > MAX_CHARS:
        raise Unreadable(f"the answer has {len(text):,} characters, far more than one function")
    fenced = FENCE.search(text)
    if fenced:
        code, around = fenced[2].strip("\n").rstrip(), text[: fenced.start()] + "\n" + text[fenced.end() :]
    else:
        before, code = _from_first_line_of_code(text)
        around = before
    tree = parsed(code)
    if not functions(tree):
        raise Unreadable("the answer defines no function")
    return {"code": code, "explanation": _explanation(around, code)}


def _from_first_line_of_code(text: str) -> tuple[str, str]:
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if START.match(line)), None)
    if first is None:
        raise Unreadable("there is no Python function in this answer")
    return "\n".join(lines[:first]), "\n".join(lines[first:])


def parsed(code: str) -> ast.Module:
    """The syntax tree; Unreadable names the line that is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a text is a matter of style
            return ast.parse(code)
    except SyntaxError as problem:
        raise Unreadable(f"this is not valid Python, line {problem.lineno}: {problem.msg}") from None
    except (ValueError, MemoryError, RecursionError):
        raise Unreadable("this is not valid Python: it cannot be read at all") from None


def functions(tree: ast.Module) -> dict[str, str]:
    """What a caller can use: the functions of the outermost level, with their parameters as they are written."""
    return {n.name: ast.unparse(n.args) for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}


def _explanation(around: str, code: str) -> str:
    """What is said beside the code; else the comments in it."""
    said = " ".join(around.split()).rstrip(":")
    comments = [found[1] for line in code.splitlines() if (found := re.match(r"\s*#+\s*(\S.*)", line))]
    return said or "; ".join(comments)


def asserts(text: str) -> list[str]:
    """The asserts of a test as one line each; ValueError where it holds anything else."""
    tree = ast.parse(text)
    if not tree.body or not all(isinstance(node, ast.Assert) for node in tree.body):
        raise ValueError("a test is one or more assert statements")
    return [ast.unparse(node) for node in tree.body]
