"""A rule as text in the subset that C and OpenCL C share.

Every name is made here, from a prefix that nothing else has. An author's name in this text could be
a keyword, a macro of a header, a function of OpenCL, or a name of the text around it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..language import MASK
from ..tree import Array, Call, Node, Operation, Tree
from .parts import parts

#: How deeply brackets are nested before a part gets a name: clang refuses more than 256.
_DEEPEST = 32


def element(position: int) -> str:
    """Return the name of the element of the array at `position`."""
    return f"wo_x{position}"


def names_in(texts: Sequence[str]) -> set[str]:
    """Return the names that are made here and stand in some texts."""
    return set(re.findall(r"\bwo_\w+", " ".join(texts)))


def scalars(tree: Tree) -> dict[int, str]:
    """Return the name of each constant, in the order in which a compiled form takes them."""
    known = {number: f"wo_k{i}" for i, number in enumerate(tree.constants)}
    return known | {number: f"wo_m{i}" for i, number in enumerate(tree.measured)}


def statements(tree: Tree, roots: Sequence[int]) -> tuple[list[str], list[str]]:
    """Return declarations of locals, and the expression of each of the arrays `roots`."""

    def declare(count: int, number: int, text: str) -> tuple[str, str]:
        name, type_ = f"wo_v{count}", "int" if tree.kinds[number] == MASK else "REAL"
        return name, f"const {type_} {name} = {text};"

    return parts(tree, roots, scalars(tree), _text, declare, _DEEPEST)


def _text(node: Node, texts: Sequence[str]) -> str:
    match node:
        case Array():
            return element(node.position)
        case Call(name="where"):
            return "({} ? {} : {})".format(*texts)
        case Call():
            return f"FN({node.name})({', '.join(texts)})"
        case Operation(sign="~"):
            return f"(!{texts[0]})"
        case Operation(operands=(_,)):
            return f"({node.sign}{texts[0]})"
        case Operation():
            return f"({texts[0]} {node.sign} {texts[1]})"
    raise TypeError(f"{type(node).__name__} on arrays")
