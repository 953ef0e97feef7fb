r"""A rule as equations in LaTeX, in the names of its author.

An arrow gives the weight and each state its new value. Greek names and single letters become
symbols, other names stay words, and a prime marks what takes the name of a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..tree import Tree
from .readable import BINARY, CHOICE, TIGHTEST, UNARY, Printer, Text

_GREEK = """
    alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi
    psi omega
"""
#: Names that the field writes as one letter.
_KNOWN = {"weight": "w", "grad": "g", "math.pi": r"\pi", "math.e": "e", "math.inf": r"\infty"}
_KNOWN |= {name: rf"\{name}" for name in _GREEK.split()} | {"lamda": r"\lambda"}
_SIGNS = {
    "<=": r"\le",
    ">=": r"\ge",
    "==": "=",
    "!=": r"\ne",
    "is": "=",
    "is not": r"\ne",
    "&": r"\wedge",
    "|": r"\vee",
    "%": r"\bmod",
}
_ONE = {"~": r"\neg ", "not ": r"\neg "}
#: How functions of one argument, and reductions, are written.
_AROUND = {
    "sqrt": r"\sqrt{{{}}}",
    "abs": r"\left|{}\right|",
    "fabs": r"\left|{}\right|",
    "floor": r"\lfloor {} \rfloor",
    "ceil": r"\lceil {} \rceil",
    "norm": r"\left\|{}\right\|",
    "largest": r"\left\|{}\right\|_\infty",
    "mean": r"\overline{{{}}}",
    "total": r"\sum\left({}\right)",
}
_LATEX = ["max", "min", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh"]
_NAMED = {"maximum": r"\max", "minimum": r"\min"}
_NAMED |= {name: rf"\{name}" for name in _LATEX}
#: Between factors, and between those that would run together: words, and what begins with a digit.
_TIMES = {False: r"\,", True: r"\cdot"}
_ENDS_IN_WORD = re.compile(r"\\text\{[^}]*\}('|\^\{\(\d+\)\})*$")
_BEGINS_APART = re.compile(r"\{?(\\text\{|\d)")
_POWER = BINARY["**"]


def equations(tree: Tree) -> list[str]:
    """Return a line for each assignment of the rule, and one for the weight and each state.

    In each an ampersand stands before the sign that the lines are to be aligned at.
    """
    printer = _Equations(tree)
    lines = [f"{symbol(name)} &= {text}" for name, text in printer.assignments()]
    return lines + [rf"{symbol(name)} &\leftarrow {text}" for name, text in printer.results()]


def symbol(name: str) -> str:
    r"""Return a name as it stands in an equation; primes after it are counted where there are many.

    Examples
    --------
    >>> print(symbol("weight"), symbol("beta1"), symbol("mean'"), symbol("rescale_grad"))
    w \beta_{1} \text{mean}' \text{rescale\_grad}
    """
    stem, prime, count = name.partition("'")
    mark = f"^{{({count})}}" if count.isdigit() else prime + count
    if stem in _KNOWN:
        return _KNOWN[stem] + mark
    letters, digits = re.fullmatch(r"(.*?)_?(\d*)", stem).groups()  # type: ignore[union-attr]
    if digits and (letters in _KNOWN or len(letters) == 1):
        return f"{_KNOWN.get(letters, letters)}_{{{digits}}}" + mark
    return (stem if len(stem) == 1 else rf"\text{{{_escaped(stem)}}}") + mark


def _escaped(name: str) -> str:
    return name.replace("_", r"\_")


class _Equations(Printer):
    opening, closing = r"\left(", r"\right)"

    def named(self, name: str) -> str:
        return symbol(name)

    def literal(self, text: str) -> str:
        if not re.fullmatch(r"[\d.e+-]+", text):
            return rf"\text{{{text}}}"
        digits, _, exponent = text.partition("e")
        power = f"10^{{{int(exponent)}}}" if exponent else ""
        return power if digits == "1" and power else digits + (rf" \cdot {power}" if power else "")

    def called(self, name: str, parts: Sequence[Text]) -> Text:
        if name == "where":
            return self.choice("if", parts)
        if name in _AROUND and len(parts) == 1:
            return Text(_AROUND[name].format(parts[0].text))
        function = _NAMED.get(name, rf"\operatorname{{{_escaped(name)}}}")
        return Text(rf"{function}\left({', '.join(part.text for part in parts)}\right)")

    def choice(self, sign: str, parts: Sequence[Text]) -> Text:
        level = CHOICE[sign]
        if sign != "if":
            joined = [self.within(part, level + 1) for part in parts]
            return Text(rf" \;\text{{{sign}}}\; ".join(joined), level)
        test, first, second = (part.text for part in parts)
        rows = rf"{first} & \text{{if }} {test} \\ {second} & \text{{otherwise}}"
        return Text(rf"\begin{{cases}} {rows} \end{{cases}}", level)

    def operation(self, sign: str, parts: Sequence[Text]) -> Text:
        if len(parts) == 1:
            level = UNARY[sign]
            return Text(_ONE.get(sign, sign) + self.within(parts[0], level), level)
        left, right = parts
        level = BINARY[sign]
        match sign:
            case "/":
                return Text(rf"\frac{{{left.text}}}{{{right.text}}}", _POWER)
            case "//":
                return Text(rf"\left\lfloor \frac{{{left.text}}}{{{right.text}}} \right\rfloor")
            case "**":
                base = self.within(left, TIGHTEST)
                base = f"{{{base}}}" if re.search("['^]", base) else base
                return Text(f"{base}^{{{right.text}}}", _POWER)
            case "*":
                first, second = self.within(left, level), self.within(right, level + 1)
                words = bool(_ENDS_IN_WORD.search(first) or _BEGINS_APART.match(second))
                return Text(f"{first} {_TIMES[words]} {second}", level)
        text = self.within(left, level + (level == BINARY["<"]))
        return Text(f"{text} {_SIGNS.get(sign, sign)} {self.within(right, level + 1)}", level)
