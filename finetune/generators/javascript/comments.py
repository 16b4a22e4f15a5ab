"""Comments above a function: they make it longer and change no score."""

import random
from collections.abc import Callable, Sequence

TYPES = ("Object", "Array", "number", "string", "boolean", "*")


def above(rng: random.Random, name: str, parameters: Sequence[str], sentence: str, value: Callable[[], str]) -> str:
    """One of four looks, from a line to a whole block with parameters and examples; ends with a line feed."""
    look = rng.choices(("line", "plain", "typed", "examples"), (2, 2, 4, 4))[0]
    if look == "line":
        return f"// {sentence}\n"
    body = [sentence]
    if look == "typed":
        body += ["", *(f"@param {{{rng.choice(TYPES)}}} {p}" for p in parameters)]
        body.append(f"@returns {{{rng.choice(TYPES)}}}")
    if look == "examples":
        body.append("")
        for _ in range(rng.randint(1, 4)):
            call = f"{name}({', '.join(value() for _ in parameters)})"
            body += rng.choice(
                ([f"{call} // {value()}"], [f"@example {call}", f"=> {value()}"], [f"{call} -> {value()}"])
            )
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in body) + " */\n"


def example_value(rng: random.Random) -> str:
    """Something that could be an argument or a result."""
    number = rng.choice((0, 1, 2, 3, 7, 10, 12, 25, 42, 100, 365, 1.5))
    word = rng.choice(("abc", "hello", "a b c", "level", "2024-01-31", ""))
    numbers = ", ".join(str(rng.randint(0, 30)) for _ in range(rng.randint(0, 7)))
    return rng.choice((str(number), str(number), f'"{word}"', f"[{numbers}]", "true", "false"))
