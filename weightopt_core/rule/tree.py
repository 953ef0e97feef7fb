"""The checked expressions of one rule, from which every printer makes its text.

Expressions are numbered, and each names its operands by their numbers, which are lower than its
own. Equal expressions are one. So a value that is used often stands here once: a tree is never
larger than the rule's source, and is gone through from first to last, without recursion.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .language import NOISE


@dataclass(frozen=True)
class Array:
    """A parameter that is an array, by its place in the signature."""

    position: int
    operands: ClassVar[tuple[int, ...]] = ()


@dataclass(frozen=True)
class Number:
    """A parameter that is a number."""

    name: str
    operands: ClassVar[tuple[int, ...]] = ()


@dataclass(frozen=True)
class Outside:
    """A number from outside the rule: of its module, of an enclosing function, or of `math`."""

    name: str
    operands: ClassVar[tuple[int, ...]] = ()


@dataclass(frozen=True)
class Literal:
    """A number or None as written. The type tells 1 from 1.0 and from True, which are equal."""

    value: float | None
    type: type
    operands: ClassVar[tuple[int, ...]] = ()


@dataclass(frozen=True)
class Operation:
    """An operator of Python with one operand or two; comparisons are among them."""

    sign: str
    operands: tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """``and``, ``or`` or ``if`` of numbers: the first operand decides which others are evaluated.

    The operands of ``x if test else y`` are `test`, `x` and `y`.
    """

    sign: str
    operands: tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """A call of a function: of `functions` by its name there, or of one on numbers alone.

    `function` is what a call on numbers runs, and None for one on arrays: each printer has its own.
    """

    name: str
    operands: tuple[int, ...]
    function: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Reduced:
    """A number made of a whole array, by the reduction of `REDUCTIONS` that has this name."""

    name: str
    operands: tuple[int, ...]


Node = Array | Number | Outside | Literal | Operation | Choice | Call | Reduced


@dataclass
class Tree:
    """The expressions of one rule, and what the rule does with them.

    Attributes
    ----------
    arrays, numbers : tuple of str
        The parameters.
    nodes : list of Node
        The expressions.
    kinds : list of str
        For each whether it is a number, an array or a mask, in the words of `language`.
    late : list of bool
        For each whether it depends on a reduction.
    constants : list of int
        The numbers that arrays meet and that depend on no reduction.
    measured : list of int
        The numbers that arrays meet and that depend on a reduction.
    reduced : list of int
        The reductions.
    outside : dict of int to callable
        For each number from outside what returns its present value.
    assigned : list of tuple of str and int
        The names that the rule assigns, in order, and what each is from there on.
    results : list of int
        What replaces the weight and each state.
    """

    arrays: tuple[str, ...]
    numbers: tuple[str, ...]
    nodes: list[Node] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    late: list[bool] = field(default_factory=list)
    constants: list[int] = field(default_factory=list)
    measured: list[int] = field(default_factory=list)
    reduced: list[int] = field(default_factory=list)
    outside: dict[int, Callable[[], Any]] = field(default_factory=dict)
    assigned: list[tuple[str, int]] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    _known: dict[Node, int] = field(default_factory=dict, repr=False)

    @property
    def arguments(self) -> list[int]:
        """What is reduced: for each reduction its array."""
        return [self.nodes[number].operands[0] for number in self.reduced]

    @property
    def written(self) -> list[int]:
        """The positions of the arrays that the rule replaces: all but the gradient and noise."""
        return [i for i, name in enumerate(self.arrays) if name not in ("grad", NOISE)]

    def add(self, node: Node, kind: str) -> int:
        """Return the number of an expression, which is a new one if none is equal."""
        number = self._known.setdefault(node, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
            self.kinds.append(kind)
            self.late.append(isinstance(node, Reduced) or any(self.late[i] for i in node.operands))
        return number

    def reached(self, roots: Iterable[int], known: Container[int] = ()) -> list[int]:
        """Return in order what `roots` are made of, without what `known` ones are made of."""
        found: set[int] = set()
        todo = list(roots)
        while todo:
            number = todo.pop()
            if number not in found:
                found.add(number)
                if number not in known:
                    todo.extend(self.nodes[number].operands)
        return sorted(found)
