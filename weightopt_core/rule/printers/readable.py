"""What printers for readers have in common: texts of expressions, and where brackets stand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
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


class Text(NamedTuple):
    """The text of an expression, and how tightly it holds together."""

    text: str
    level: int = TIGHTEST


class Printer(ABC):
    """Texts of the expressions of one rule, each made once.

    Parameters
    ----------
    tree : Tree
        The rule.
    """

    #: What brackets are.
    opening, closing = "(", ")"

    def __init__(self, tree: Tree):
        self.tree = tree
        self.texts: dict[int, Text] = {}

    def assignments(self) -> Iterator[tuple[str, str]]:
        """Yield a name and a text for each assignment of the rule; later texts have the name."""
        for number, name in names_of(self.tree).items():
            yield name, self.made([number])[0]
            self.texts[number] = Text(self.named(name))

    def results(self) -> Iterator[tuple[str, str]]:
        """Yield name and text of the new weight, and of each new state."""
        names = (self.tree.arrays[i] for i in self.tree.written)
        yield from zip(names, self.made(self.tree.results), strict=True)

    def made(self, roots: Iterable[int]) -> list[str]:
        """Return the texts of some expressions."""
        roots = list(roots)
        for number in self.tree.reached(roots, self.texts):
            if number not in self.texts:
                self.texts[number] = self._text(number)
        return [self.texts[number].text for number in roots]

    def within(self, part: Text, level: int) -> str:
        """Return a text as an operand of what binds so tightly."""
        is_whole = part.level >= level
        return part.text if is_whole else f"{self.opening}{part.text}{self.closing}"

    def _text(self, number: int) -> Text:
        node: Node = self.tree.nodes[number]
        parts = [self.texts[operand] for operand in node.operands]
        match node:
            case Operation():
                return self.operation(node.sign, parts)
            case Choice():
                return self.choice(node.sign, parts)
            case Call(name="square"):
                return self.operation("**", [*parts, Text("2")])
            case Call(name="clip", function=None):  # the bound as written
                bound = self.tree.nodes[node.operands[1]].operands[0]
                return self.called(node.name, [parts[0], self.texts[bound]])
            case Call() | Reduced():
                return self.called(node.name, parts)
        return Text(self._leaf(node))

    def _leaf(self, node: Array | Number | Outside | Literal) -> str:
        if isinstance(node, Literal):
            return self.literal(literal(node))
        name = self.tree.arrays[node.position] if isinstance(node, Array) else node.name
        return self.named(name)

    @abstractmethod
    def named(self, name: str) -> str:
        """Return what stands for a name."""

    @abstractmethod
    def literal(self, text: str) -> str:
        """Return what stands for a constant that is written so."""

    @abstractmethod
    def operation(self, sign: str, parts: Sequence[Text]) -> Text:
        """Return an operation on one part, or on two."""

    @abstractmethod
    def choice(self, sign: str, parts: Sequence[Text]) -> Text:
        """Return parts joined by ``and`` or ``or``; of ``if``: a test, then, and else."""

    @abstractmethod
    def called(self, name: str, parts: Sequence[Text]) -> Text:
        """Return a function, or what is reduced, of parts."""


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


def literal(node: Literal) -> str:
    """Return what is written as it is written."""
    try:
        return repr(node.value)
    except ValueError:  # of an integer with more digits than Python prints
        return hex(node.value)  # type: ignore[arg-type]
