r"""A rule as equations in LaTeX, in the names of its author.

An arrow gives the weight and each state its new value. Greek names and single letters become
symbols, other names stay words, and a prime marks what takes the name of a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..tree import Array, Call, Choice, Literal, Node, Number, Operation, Outside, Reduced, Tree
from .formula import BINARY, CHOICE, TIGHTEST, UNARY, literal, names_of

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


class _Text(NamedTuple):
    text: str
    level: int = TIGHTEST

    def within(self, level: int) -> str:
        """Return the text as an operand of what binds so tightly."""
        return self.text if self.level >= level else rf"\left({self.text}\right)"


def equations(tree: Tree) -> list[str]:
    """Return a line for each assignment of the rule, and one for the weight and each state.

    In each an ampersand stands before the sign that the lines are to be aligned at.
    """
    texts: dict[int, _Text] = {}
    lines = []
    for number, name in names_of(tree).items():
        _fill(tree, [number], texts)
        lines.append(f"{symbol(name)} &= {texts[number].text}")
        texts[number] = _Text(symbol(name))
    _fill(tree, tree.results, texts)
    new = zip(tree.written, tree.results, strict=True)
    return lines + [
        rf"{symbol(tree.arrays[i])} &\leftarrow {texts[number].text}" for i, number in new
    ]


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


def _fill(tree: Tree, roots: Sequence[int], texts: dict[int, _Text]) -> None:
    for number in tree.reached(roots, texts):
        if number not in texts:
            texts[number] = _text(tree, tree.nodes[number], texts)


def _text(tree: Tree, node: Node, texts: Mapping[int, _Text]) -> _Text:
    parts = [texts[operand] for operand in node.operands]
    match node:
        case Operation():
            return _operation(node.sign, parts)
        case Choice(sign="if") | Call(name="where"):
            return _cases(*parts)
        case Choice():
            level = CHOICE[node.sign]
            joined = [part.within(level + 1) for part in parts]
            return _Text(rf" \;\text{{{node.sign}}}\; ".join(joined), level)
        case Call() | Reduced():
            if node.name == "clip" and node.function is None:  # type: ignore[union-attr]
                parts[1] = texts[tree.nodes[node.operands[1]].operands[0]]  # the bound as written
            return _called(node.name, parts)
    return _Text(_leaf(tree, node))


def _leaf(tree: Tree, node: Array | Number | Outside | Literal) -> str:
    if isinstance(node, Array):
        return symbol(tree.arrays[node.position])
    if not isinstance(node, Literal):
        return symbol(node.name)
    text = literal(node)
    if not re.fullmatch(r"[\d.e+-]+", text):
        return rf"\text{{{text}}}"
    digits, _, exponent = text.partition("e")
    power = f"10^{{{int(exponent)}}}" if exponent else ""
    return power if digits == "1" and power else digits + (rf" \cdot {power}" if power else "")


def _called(name: str, parts: Sequence[_Text]) -> _Text:
    if name == "square":
        return _operation("**", [*parts, _Text("2")])
    if name in _AROUND and len(parts) == 1:
        return _Text(_AROUND[name].format(parts[0].text))
    function = _NAMED.get(name, rf"\operatorname{{{_escaped(name)}}}")
    return _Text(rf"{function}\left({', '.join(part.text for part in parts)}\right)")


def _cases(test: _Text, first: _Text, second: _Text) -> _Text:
    rows = rf"{first.text} & \text{{if }} {test.text} \\ {second.text} & \text{{otherwise}}"
    return _Text(rf"\begin{{cases}} {rows} \end{{cases}}", CHOICE["if"])


def _operation(sign: str, parts: Sequence[_Text]) -> _Text:
    if len(parts) == 1:
        level = UNARY[sign]
        return _Text(_ONE.get(sign, sign) + parts[0].within(level), level)
    left, right = parts
    level = BINARY[sign]
    match sign:
        case "/":
            return _Text(rf"\frac{{{left.text}}}{{{right.text}}}", _POWER)
        case "//":
            return _Text(rf"\left\lfloor \frac{{{left.text}}}{{{right.text}}} \right\rfloor")
        case "**":
            base = left.within(TIGHTEST)
            base = f"{{{base}}}" if re.search("['^]", base) else base
            return _Text(f"{base}^{{{right.text}}}", _POWER)
        case "*":
            first, second = left.within(level), right.within(level + 1)
            words = bool(_ENDS_IN_WORD.search(first) or _BEGINS_APART.match(second))
            return _Text(f"{first} {_TIMES[words]} {second}", level)
    text = left.within(level + (level == BINARY["<"]))
    return _Text(f"{text} {_SIGNS.get(sign, sign)} {right.within(level + 1)}", level)
