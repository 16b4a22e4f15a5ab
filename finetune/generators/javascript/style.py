"""How code is laid out: indent, quotes, semicolons, var, blanks. Changes looks, never what it does."""

import random
import re
from dataclasses import dataclass

KEYWORD = re.compile(r"\b(if|for|while|switch|catch) \(")


@dataclass(frozen=True)
class Style:
    indent: str
    double_quotes: bool
    semicolons: bool
    var: bool  # as it was written before 2015
    tight: bool  # no blank before brackets
    else_below: bool  # `else` on a line of its own
    blank_lines: float

    def apply(self, code: str, rng: random.Random) -> str:
        if self.double_quotes:
            code = code.replace("'", '"')
        if not self.semicolons:
            code = re.sub(r";$", "", code, flags=re.MULTILINE)
        if self.var:
            code = re.sub(r"\b(?:const|let) ", "var ", code)
        if self.tight:
            code = KEYWORD.sub(r"\1(", code).replace(") {\n", "){\n")
        if self.else_below:
            code = re.sub(r"^( *)\} (else|catch)", r"\1}\n\1\2", code, flags=re.MULTILINE)
        lines = [self._line(line, rng) for line in code.split("\n")]
        return "\n".join(lines)

    def _line(self, line: str, rng: random.Random) -> str:
        text = line.lstrip(" ")
        depth = (len(line) - len(text)) // 2
        starts = depth == 1 and text.startswith(("const ", "let ", "var ", "if ", "for ", "return", "//"))
        gap = "\n" if starts and rng.random() < self.blank_lines else ""
        return gap + self.indent * depth + text


def draw(rng: random.Random) -> Style:
    return Style(
        indent=rng.choices(("  ", "    ", "\t"), (5, 4, 1))[0],
        double_quotes=rng.random() < 0.3,
        semicolons=rng.random() < 0.9,
        var=rng.random() < 0.15,
        tight=rng.random() < 0.12,
        else_below=rng.random() < 0.08,
        blank_lines=rng.choice((0.0, 0.0, 0.1, 0.3)),
    )
