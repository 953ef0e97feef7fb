"""Which parts of the arrays' expressions get a name, whatever the language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ..tree import Node, Tree


def parts(
    tree: Tree,
    roots: Sequence[int],
    known: dict[int, str],
    print_node: Callable[[Node, Sequence[str]], str],
    declare: Callable[[int, int, str], tuple[str, str]],
    deepest: int,
) -> tuple[list[str], list[str]]:
    """Return declarations of locals, and the expression of each of the arrays `roots`.

    What is used more than once, or nested too deeply, is a local.

    Parameters
    ----------
    tree : Tree
        The rule.
    roots : sequence of int
        What is wanted.
    known : dict of int to str
        What has a name already: the constants.
    print_node : callable
        Takes an expression and the texts of its operands; returns its text.
    declare : callable
        Takes how many locals there are, an expression's number, and its text; returns a name for
        it, and the statement that gives it.
    deepest : int
        How deeply brackets are nested before a part gets a name.
    """
    texts = dict(known)
    order = tree.reached(roots, texts)
    uses = Counter(roots)
    depths: dict[int, int] = dict.fromkeys(texts, 0)
    lines: list[str] = []
    for number in order:
        if number not in known:
            uses.update(tree.nodes[number].operands)
    for number in order:
        if number in known:
            continue
        node = tree.nodes[number]
        text = print_node(node, [texts[operand] for operand in node.operands])
        depth = 1 + max((depths[operand] for operand in node.operands), default=-1)
        if node.operands and (uses[number] > 1 or depth > deepest):
            text, line = declare(len(lines), number, text)
            lines.append(line)
            depth = 0
        texts[number], depths[number] = text, depth
    return lines, [texts[root] for root in roots]
