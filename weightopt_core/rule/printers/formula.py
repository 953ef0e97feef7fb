"""A rule as a formula in plain text, in the names of its author.

A prime marks what takes the name of a parameter: ``grad'`` is what the rule makes of ``grad``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..language import COMPARE
from ..tree import Array, Call, Choice, Literal, Node, Number, Operation, Outside, Reduced, Tree

#: How tightly operators bind.
BINARY = {
    **dict.fromkeys(COMPARE.values(), 4),
    "|": 5,
    "&": 6,
    **dict.fromkeys(["+", "-"], 7),
    **dict.fromkeys(["*", "/", "//", "%"], 8),
    "**": 10,
}
UNARY = {"not ": 3, "+": 9, "-": 9, "~": 9}
CHOICE = {"if": 0, "or": 1, "and": 2}
TIGHTEST = 11
#: More primes than these are counted by a number.
_PRIMES = 3
#: Of a longer expression the name that the rule gives it says more.
_LONG = 80


class _Text(NamedTuple):
    text: str
    level: int = TIGHTEST

    def within(self, level: int) -> str:
        """Return the text as an operand of what binds so tightly."""
        return self.text if self.level >= level else f"({self.text})"


def formula(tree: Tree) -> list[str]:
    """Return a line for each assignment of the rule, and one for the weight and each state."""
    texts: dict[int, _Text] = {}
    lines = []
    for number, name in names_of(tree).items():
        _fill(tree, [number], texts)
        lines.append(f"{name} = {texts[number].text}")
        texts[number] = _Text(name)
    _fill(tree, tree.results, texts)
    new = zip(tree.written, tree.results, strict=True)
    return lines + [f"new {tree.arrays[i]} = {texts[number].text}" for i, number in new]


def texts_of(tree: Tree, numbers: Sequence[int]) -> list[str]:
    """Return the text of some expressions: what they are made of, where that is not too long."""
    names = names_of(tree)
    made: dict[int, _Text] = {}
    for number in tree.reached(numbers):
        made[number] = _text(tree, tree.nodes[number], made)
        if number in names and len(made[number].text) > _LONG:
            made[number] = _Text(names[number])
    return [made[number].text for number in numbers]


def names_of(tree: Tree) -> dict[int, str]:
    """Return the name of each expression that the rule assigns, of several the first."""
    names: dict[int, str] = {}
    primes = dict.fromkeys([*tree.arrays, *tree.numbers], 1)
    for name, number in tree.assigned:
        if number not in names and tree.nodes[number].operands:
            count = primes.get(name, 0)
            names[number] = name + ("'" * count if count <= _PRIMES else f"'{count}")
            primes[name] = primes.get(name, 0) + 1
    return names


def _fill(tree: Tree, roots: Iterable[int], texts: dict[int, _Text]) -> None:
    for number in tree.reached(roots, texts):
        if number not in texts:
            texts[number] = _text(tree, tree.nodes[number], texts)


def _text(tree: Tree, node: Node, texts: Mapping[int, _Text]) -> _Text:
    parts = [texts[operand] for operand in node.operands]
    match node:
        case Operation():
            return _operation(node.sign, parts)
        case Choice():
            return _choice(node.sign, parts)
        case Reduced():
            return _Text(f"{node.name}({parts[0].text})")
        case Call(name="square"):
            return _operation("**", [parts[0], _Text("2")])
        case Call():
            if node.name == "clip" and node.function is None:  # the bound as written
                parts[1] = texts[tree.nodes[node.operands[1]].operands[0]]
            return _Text(f"{node.name}({', '.join(part.text for part in parts)})")
    return _Text(_leaf(tree, node))


def _leaf(tree: Tree, node: Array | Number | Outside | Literal) -> str:
    if isinstance(node, Array):
        return tree.arrays[node.position]
    return literal(node) if isinstance(node, Literal) else node.name


def literal(node: Literal) -> str:
    """Return what is written as it is written."""
    try:
        return repr(node.value)
    except ValueError:  # of an integer with more digits than Python prints
        return hex(node.value)  # type: ignore[arg-type]


def _operation(sign: str, parts: Sequence[_Text]) -> _Text:
    if len(parts) == 1:
        level = UNARY[sign]
        return _Text(sign + parts[0].within(level), level)
    level = BINARY[sign]
    # Of equal ones the left is first; powers and comparisons are put in brackets on either side.
    left = parts[0].within(level + (level in (4, 10)))
    space = "" if sign == "**" else " "
    return _Text(f"{left}{space}{sign}{space}{parts[1].within(level + 1)}", level)


def _choice(sign: str, parts: Sequence[_Text]) -> _Text:
    level = CHOICE[sign]
    if sign != "if":
        return _Text(f" {sign} ".join(part.within(level + 1) for part in parts), level)
    test, first, second = parts
    return _Text(f"{first.within(1)} if {test.within(1)} else {second.within(level)}", level)
