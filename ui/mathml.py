r"""Mathematics set on the page: a small part of LaTeX becomes MathML, which browsers draw and read out by themselves.

Covered: numbers, letters, operators, fractions, roots, powers and indices, brackets, `\text`, `\boxed`, Greek letters.
Anything else is shown as it was written. No script and no style of anybody else is needed for it.
"""

import re
from collections.abc import Iterator

from ui import html
from ui.html import Html, el

LONGEST = 600  # characters of one formula
DEEPEST = 12
WORDS = re.compile(r"\\(?:text|textbf|mathrm|mathbf|operatorname|mbox)\s*\{([^{}\\]*)\}")
TOKEN = re.compile(
    r"\\(?:text|textbf|mathrm|mathbf|operatorname|mbox)\s*\{[^{}\\]*\}|\s+|\\[A-Za-z]+|\\.|\d+(?:[.,]\d+)*|[A-Za-z]|[{}^_&]|[^\s\\]"
)
IN_TEXT = re.compile(
    r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|(?<!\\)\$(?!\s)([^$\n]+?)(?<![\s\\])\$(?!\d)|\*\*([^*\n]+)\*\*",
    re.DOTALL,
)
SIGNS = {
    **{"times": "×", "cdot": "⋅", "div": "÷", "pm": "±", "mp": "∓", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥"},
    **{"ne": "≠", "neq": "≠", "approx": "≈", "equiv": "≡", "sim": "∼", "to": "→", "rightarrow": "→", "implies": "⟹"},
    **{"Rightarrow": "⇒", "ldots": "…", "dots": "…", "cdots": "⋯", "sum": "∑", "prod": "∏", "int": "∫", "mid": "∣"},
    **{"in": "∈", "cup": "∪", "cap": "∩", "therefore": "∴", "because": "∵", "circ": "∘", "degree": "°", "prime": "′"},
    **{"%": "%", "$": "$", "#": "#", "{": "{", "}": "}", "|": "‖", "_": "_", "&": "&"},
}
LETTERS = {
    **{"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "theta": "θ", "lambda": "λ", "mu": "μ"},
    **{"pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "omega": "ω", "Delta": "Δ", "Sigma": "Σ"},
    **{"Omega": "Ω", "infty": "∞", "ell": "ℓ"},
    **{name: name for name in ("sin", "cos", "tan", "log", "ln", "lim", "max", "min", "gcd", "lcm", "exp", "mod")},
}
BLANKS = {",": ".17em", ":": ".22em", ";": ".28em", " ": ".28em", "quad": "1em", "qquad": "2em", "!": "0"}
FRACTIONS = ("frac", "dfrac", "tfrac", "cfrac")
SIZES = ("left", "right", "big", "Big", "bigg", "Bigg", "displaystyle")


class Unknown(ValueError):
    """This LaTeX is not covered."""


def formula(tex: str, block: bool = False) -> Html:
    """The formula as MathML; LaTeX that is not covered stays as it was written."""
    try:
        if len(tex) > LONGEST:
            raise Unknown(tex)
        parts = _Reader(tex).row()
    except Unknown:
        return el("code", tex.strip(), cls="acr-tex")
    return el("math", el("mrow", *parts), display="block" if block else None)


def text(written: str) -> Html:
    """Text with its formulas set and its bold words bold; all else is text."""
    parts: list[Html | str] = []
    end = 0
    for found in IN_TEXT.finditer(written):
        parts.append(written[end : found.start()])
        block, end = found[1] or found[2], found.end()
        inline = found[3] or found[4]
        parts.append(el("strong", found[5]) if found[5] else formula(block or inline, block=bool(block)))
    return html.join(*parts, written[end:])


class _Reader:
    """Reads one formula from left to right."""

    def __init__(self, tex: str) -> None:
        self.tokens = [token for token in TOKEN.findall(tex) if not token.isspace()]
        self.tex, self.at, self.depth = tex, 0, 0

    def row(self, end: str | None = None) -> list[Html]:
        """Everything up to `end`, or to the end of the formula."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unknown(self.tex)
        parts = list(self._parts(end))
        self.depth -= 1
        return parts

    def _parts(self, end: str | None) -> Iterator[Html]:
        while (token := self._next()) != end:
            if token is None:
                raise Unknown(self.tex)
            if (made := self._atom(token)) is not None:
                yield self._scripted(made)

    def _next(self) -> str | None:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else None

    def _scripted(self, base: Html) -> Html:
        """The atom with the power and the index after it."""
        scripts: dict[str, Html] = {}
        while self.at < len(self.tokens) and self.tokens[self.at] in "^_":
            mark = self._next() or ""
            if mark in scripts:
                raise Unknown(self.tex)
            scripts[mark] = self._group()
        match sorted(scripts):
            case ["^"]:
                return el("msup", base, scripts["^"])
            case ["_"]:
                return el("msub", base, scripts["_"])
            case ["^", "_"]:
                return el("msubsup", base, scripts["_"], scripts["^"])
        return base

    def _group(self) -> Html:
        """What stands in braces, or the one atom that comes next."""
        token = self._next()
        if token == "{":
            return el("mrow", *self.row("}"))
        made = self._atom(token) if token else None
        if made is None:
            raise Unknown(self.tex)
        return made

    def _atom(self, token: str) -> Html | None:
        if words := WORDS.fullmatch(token):
            return el("mtext", words[1])
        if token.startswith("\\"):
            return self._command(token[1:])
        if token == "{":
            return el("mrow", *self.row("}"))
        if token in "}^_&$#\\":
            raise Unknown(self.tex)
        if token[0].isdigit():
            return el("mn", token)
        return el("mi", token) if token.isalpha() else el("mo", {"*": "×", "-": "−"}.get(token, token))

    def _command(self, name: str) -> Html | None:
        if name in FRACTIONS:
            return el("mfrac", self._group(), self._group())
        if name == "sqrt":
            return self._root()
        if name in ("boxed", "fbox"):
            return el("mrow", self._group(), cls="acr-boxed")
        if name in SIZES:
            return None
        if name in SIGNS:
            return el("mo", SIGNS[name])
        if name in LETTERS:
            return el("mi", LETTERS[name])
        if name in BLANKS:
            return el("mspace", width=BLANKS[name])
        raise Unknown(self.tex)

    def _root(self) -> Html:
        if self.at < len(self.tokens) and self.tokens[self.at] == "[":
            self.at += 1
            degree = el("mrow", *self.row("]"))
            return el("mroot", self._group(), degree)
        return el("msqrt", self._group())
