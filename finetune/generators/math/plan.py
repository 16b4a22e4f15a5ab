"""A calculation as an answer's solution: its plan on the first line, then each operation in turn, in small steps.

The plan of a negative calculation says how it is done with positive numbers: `-7+-1=-(7+1)`.
"""

import ast
from collections.abc import Callable
from fractions import Fraction
from math import gcd

from finetune.generators.math import columns

SIGNS: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
STEPS: dict[str, Callable[[int, int], list[str]]] = {
    "+": columns.add,
    "-": columns.subtract,
    "*": columns.multiply,
    "/": columns.divide,
}


class NotWhole(ValueError):
    """A calculation that these steps do not cover: it leaves the whole numbers from 0 on before its end."""


def two(a: int, sign: str, b: int) -> tuple[list[str], Fraction]:
    """Steps and result of one operation, also on negative numbers."""
    minus, x, op, y = positive(a, sign, b)
    plain = f"{x}{op}{y}"
    said = f"{a}{sign}{b}"
    way = f"-({plain})" if minus else plain
    plan = said if way == said else f"{said}={way}"
    lines, value = [plan, *STEPS[op](x, y)], _value(x, op, y)
    return columns.without_repeats(lines), -value if minus else value


def positive(a: int, sign: str, b: int) -> tuple[bool, int, str, int]:
    """(minus before it all, x, operation, y) with x and y from 0 on, and x not below y where y is taken away."""
    if sign in "*/":
        minus = (a < 0) != (b < 0) and a != 0 and b != 0
        return minus, abs(a), sign, abs(b)
    b = -b if sign == "-" else b
    if (a < 0) == (b < 0) or b == 0:
        return a < 0, abs(a), "+" if b or sign == "+" else "-", abs(b)
    if a == 0:
        return b < 0, 0, "+", abs(b)
    bigger = abs(a) >= abs(b)
    first, second = (a, b) if bigger else (b, a)
    return first < 0, abs(first), "-", abs(second)


def power(base: int, exponent: int) -> tuple[list[str], Fraction]:
    """2^3=2*2*2, then one product after the other."""
    chain = "*".join([str(base)] * exponent)
    lines, value = [f"{base}^{exponent}={chain}"], base
    for _ in range(exponent - 1):
        lines += columns.multiply(value, base)
        value *= base
    return lines, Fraction(value)


def lowest(a: int, b: int) -> tuple[list[str], Fraction]:
    """18/24 in lowest terms: both divided by what they share."""
    shared = gcd(a, b)
    steps = [f"{a}/{shared}={a // shared},{b}/{shared}={b // shared}"] if shared > 1 else []
    return [f"{a}/{b}", *steps], Fraction(a, b)


def expression(text: str) -> tuple[list[str], Fraction]:
    """Steps and result of `(12+8)*3`; NotWhole where a part of it is negative or no whole number."""
    lines = [text]
    value = _walk(ast.parse(text, mode="eval").body, lines)
    return columns.without_repeats(lines), Fraction(value)


def _walk(node: ast.expr, lines: list[str]) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if not isinstance(node, ast.BinOp):
        raise NotWhole(ast.dump(node))
    a, b = _walk(node.left, lines), _walk(node.right, lines)
    sign = SIGNS.get(type(node.op), "")
    if not sign or (sign == "-" and a < b) or (sign == "/" and (b == 0 or a % b)):
        raise NotWhole(f"{a} {sign} {b}")
    lines += STEPS[sign](a, b)
    return int(_value(a, sign, b))


def _value(a: int, sign: str, b: int) -> Fraction:
    return Fraction(a, b) if sign == "/" else Fraction({"+": a + b, "-": a - b, "*": a * b}[sign])


def shown(value: Fraction, as_fraction: bool = False) -> str:
    """A whole number, a decimal that ends, or a fraction in lowest terms."""
    if value.denominator == 1:
        return str(value.numerator)
    if not as_fraction and 10**columns.DECIMALS % value.denominator == 0:
        return f"{float(value):.{columns.DECIMALS}f}".rstrip("0")
    return f"{value.numerator}/{value.denominator}"
