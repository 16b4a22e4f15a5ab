"""The four operations on whole numbers, written as small steps: one column or one digit a line.

Every line uses only what stands on the lines before it, so that a small model never has to hold a carry in mind. After
a colon stand the digits found so far. Not covered: negative numbers, which plan.py turns into these.
"""

from itertools import pairwise

#: products of more digit pairs than this are written without their factors, or they would not fit into an answer
FACTORS_SHOWN = 6
DECIMALS = 3


def add(a: int, b: int) -> list[str]:
    """37+5: `37+05`, `7+5=12:2`, `3+0+1=4:42`."""
    top, bottom = _padded(a, b)
    lines, found, carry = [], "", 0
    for place, (x, y) in enumerate(_columns(top, bottom), start=1):
        total = x + y + carry
        found = _kept(total, place == len(top)) + found
        lines.append(f"{x}+{y}{'+1' if carry else ''}={total}:{found}")
        carry = total // 10
    return _headed(f"{top}+{bottom}", lines)


def subtract(a: int, b: int) -> list[str]:
    """42-5, a not below b: `42-05`, `12-5=7:7`, `4-0-1=3:37`; the 12 is a 2 that borrowed."""
    top, bottom = _padded(a, b)
    lines, found, borrowed = [], "", False
    for x, y in _columns(top, bottom):
        short = x < y + borrowed
        left = 10 * short + x - y - borrowed
        found = f"{left}{found}"
        lines.append(f"{10 * short + x}-{y}{'-1' if borrowed else ''}={left}:{found}")
        borrowed = short
    return _headed(f"{top}-{bottom}", lines)


def multiply(a: int, b: int) -> list[str]:
    """63*37: a column a line, `3*7=21:1`, `6*7=42,3*3=9,+42=51,+2=53:31`, `6*3=18,+5=23:2331`.

    Long products have no room for factors: `21`, `42+9+2=53`, `18+5=23`.
    """
    top, bottom = sorted((str(a), str(b)), key=len, reverse=True) if len(str(a)) < len(str(b)) else (str(a), str(b))
    long = len(top) * len(bottom) > FACTORS_SHOWN
    lines, found, carry = [], "", 0
    places = len(top) + len(bottom) - 1
    for place in range(places):
        pairs = [(int(top[-1 - i]), int(bottom[-1 - place + i])) for i in _taken(place, len(top), len(bottom))]
        total = sum(x * y for x, y in pairs) + carry
        found = _kept(total, place == places - 1) + found
        lines.append(_sum(pairs, carry) if long else f"{_running(pairs, carry)}:{found}")
        carry = total // 10
    return _headed(f"{top}*{bottom}", lines)


def _taken(place: int, long: int, short: int) -> range:
    """Which digits of the longer number, from the right, meet one of the shorter in this column; highest first."""
    return range(min(place, long - 1), max(-1, place - short), -1)


def _running(pairs: list[tuple[int, int]], carry: int) -> str:
    total = 0
    parts: list[str] = []
    for x, y in pairs:
        parts.append(f"{x}*{y}={x * y}" + (f",+{total}={total + x * y}" if parts else ""))
        total += x * y
    return ",".join([*parts, *([f"+{carry}={total + carry}"] if carry else [])])


def _sum(pairs: list[tuple[int, int]], carry: int) -> str:
    terms = [x * y for x, y in pairs] + ([carry] if carry else [])
    return "+".join(map(str, terms)) + (f"={sum(terms)}" if len(terms) > 1 else "")


def divide(a: int, b: int) -> list[str]:
    """Long division, one digit of the quotient a line: `23/3=7r2`, by longer numbers
    `163/47~3,47*3=141,163-141=22`.

    Lines after the decimal point begin with it.
    """
    digits = str(a)
    start = next((n for n in range(1, len(digits)) if int(digits[:n]) >= b), len(digits))
    chunks = [digits[:start], *digits[start:]]
    lines, rest = [], 0
    for chunk in chunks:
        line, rest = _digit(int(f"{rest or ''}{chunk}"), b)
        lines.append(line)
    for _ in range(DECIMALS):
        if rest:
            line, rest = _digit(10 * rest, b)
            lines.append("." + line)
    return _headed(f"{a}/{b}", lines)


def _digit(part: int, by: int) -> tuple[str, int]:
    times, rest = divmod(part, by)
    if by < 10:
        return f"{part}/{by}={times}r{rest}", rest
    return f"{part}/{by}~{times},{by}*{times}={by * times},{part}-{by * times}={rest}", rest


def _padded(a: int, b: int) -> tuple[str, str]:
    width = max(len(str(a)), len(str(b)))
    return str(a).zfill(width), str(b).zfill(width)


def _columns(top: str, bottom: str) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in zip(reversed(top), reversed(bottom), strict=True)]


def _kept(total: int, last: bool) -> str:
    return str(total) if last else str(total % 10)


def _headed(head: str, lines: list[str]) -> list[str]:
    """What is worked on comes first, unless the only step says it."""
    return lines if len(lines) == 1 and lines[0].startswith(f"{head}=") else [head, *lines]


def without_repeats(lines: list[str]) -> list[str]:
    """A line that says what the one before it said is left out."""
    return lines[:1] + [after for before, after in pairwise(lines) if before != after]
