"""Which steps of a worked calculation are right: every equation in them is calculated again, without guessing.

A line holds equations such as `6*7=42`, `+9=51` (which goes on from the number before it), `23/3=7r2`; after a colon
come the digits found so far, and in a plan the right side is again a calculation: `9--4=9+4`.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

EQUATION = re.compile(r"(\.?[-+*/^()0-9.]+)=([-+*/^()0-9.]+)(?:r([0-9]+))?")
LONGEST = 60  # characters of one side
BIGGEST = 10**12
NO_VALUE = (ValueError, SyntaxError, ZeroDivisionError, RecursionError, MemoryError)


def wrong(lines: Iterable[str]) -> list[int]:
    """The numbers of the lines, from 0, that hold an equation which is not true."""
    return [i for i, line in enumerate(lines) if not all(_true(*found) for found in equations(line))]


def equations(line: str) -> list[tuple[str, str, str]]:
    """(left, right, remainder) of each equation in a line; a left side that begins with + goes on from before."""
    found, before = [], ""
    for piece in line.partition(":")[0].split(","):
        equation = EQUATION.fullmatch(piece.strip())
        if not equation:
            before = ""
            continue
        left, right, rest = equation[1].removeprefix("."), equation[2], equation[3] or ""
        found.append((before + left if left.startswith("+") and before else left, right, rest))
        before = right
    return found


def all_right(lines: Sequence[str]) -> bool:
    """Is there an equation, and every one true?"""
    return any(equations(line) for line in lines) and not wrong(lines)


def planned(lines: Sequence[str]) -> Fraction | None:
    """What the plan on the first line comes to; None where it is no calculation."""
    try:
        return value(lines[0].rpartition("=")[2]) if lines else None
    except NO_VALUE:
        return None


def _true(left: str, right: str, rest: str) -> bool:
    try:
        if rest:
            above, _, below = left.partition("/")
            return divmod(int(above), int(below)) == (int(right), int(rest))
        return value(left) == value(right)
    except NO_VALUE:
        return False


def value(text: str) -> Fraction:
    """A calculation of numbers, the four operations, powers and parentheses; ValueError for anything else."""
    if len(text) > LONGEST:
        raise ValueError("too long")
    # a number such as 007 is no number to Python
    plain = re.sub(r"(?<![0-9.])0+(?=[0-9])", "", text).replace("^", "**")
    return _walk(ast.parse(plain, mode="eval").body)


def _walk(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _walk(node.operand)
        return -inner if isinstance(node.op, ast.USub) else inner
    if not isinstance(node, ast.BinOp):
        raise ValueError("no calculation")
    a, b = _walk(node.left), _walk(node.right)
    match node.op:
        case ast.Add():
            return a + b
        case ast.Sub():
            return a - b
        case ast.Mult():
            return a * b
        case ast.Div():
            return a / b
        case ast.Pow() if b.denominator == 1 and 0 <= b <= 9 and abs(a) <= BIGGEST:
            return Fraction(a**b)
    raise ValueError("no calculation")
