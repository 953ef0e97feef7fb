"""A rule as text in the subset that C and OpenCL C share.

Every name is made here, from a prefix that nothing else has. An author's name in this text could be
a keyword, a macro of a header, a function of OpenCL, or a name of the text around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..language import MASK
from ..tree import Array, Call, Node, Operation, Tree

#: How deeply brackets are nested before a part gets a name: clang refuses more than 256.
_DEEPEST = 32


def element(position: int) -> str:
    """Return the name of the element of the array at `position`."""
    return f"wo_x{position}"


def scalars(tree: Tree) -> dict[int, str]:
    """Return the name of each constant, in the order in which a compiled form takes them."""
    known = {number: f"wo_k{i}" for i, number in enumerate(tree.constants)}
    return known | {number: f"wo_m{i}" for i, number in enumerate(tree.measured)}


def statements(tree: Tree, roots: Sequence[int]) -> tuple[list[str], list[str]]:
    """Return declarations of locals, and the expression of each of the arrays `roots`.

    What is used more than once, or nested too deeply, is a local.
    """
    texts = scalars(tree)
    order = tree.reached(roots, texts)
    uses = Counter(roots)
    depths: dict[int, int] = dict.fromkeys(texts, 0)
    lines: list[str] = []
    for number in order:
        if number not in texts:
            uses.update(tree.nodes[number].operands)
    for number in order:
        if number in texts:
            continue
        node = tree.nodes[number]
        text = _text(node, [texts[operand] for operand in node.operands])
        depth = 1 + max((depths[operand] for operand in node.operands), default=-1)
        if node.operands and (uses[number] > 1 or depth > _DEEPEST):
            name, depth = f"wo_v{len(lines)}", 0
            type_ = "int" if tree.kinds[number] == MASK else "REAL"
            lines.append(f"const {type_} {name} = {text};")
            text = name
        texts[number], depths[number] = text, depth
    return lines, [texts[root] for root in roots]


def _text(node: Node, parts: Sequence[str]) -> str:
    match node:
        case Array():
            return element(node.position)
        case Call(name="where"):
            return "({} ? {} : {})".format(*parts)
        case Call():
            return f"FN({node.name})({', '.join(parts)})"
        case Operation(sign="~"):
            return f"(!{parts[0]})"
        case Operation(operands=(_,)):
            return f"({node.sign}{parts[0]})"
        case Operation():
            return f"({parts[0]} {node.sign} {parts[1]})"
    raise TypeError(f"{type(node).__name__} on arrays")
