"""From a rule's statements to its tree, and what the other parts of the core ask of it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .. import ctext
from ..reductions import Reduction
from . import evaluation
from .checking import Checker
from .language import REDUCTIONS
from .printers import c
from .printers.formula import formula, texts_of
from .printers.latex import equations
from .reading import Reading
from .tree import Array, Tree


@dataclass(frozen=True)
class Lowered:
    """A rule as text for one element, and the numbers that the text needs.

    Attributes
    ----------
    tree : Tree
        The checked expressions, which every other attribute is made from.
    """

    tree: Tree

    @property
    def arrays(self) -> tuple[str, ...]:
        """The parameters that are arrays."""
        return self.tree.arrays

    @property
    def written(self) -> list[int]:
        """The positions of the arrays that the rule replaces: the weight and the states."""
        return self.tree.written

    @cached_property
    def outside(self) -> tuple[Callable[[], Any], ...]:
        """What returns the present value of each number from outside the rule."""
        return tuple(self.tree.outside.values())

    @cached_property
    def formula(self) -> list[str]:
        """The rule in plain text, a line for each assignment and each result."""
        return formula(self.tree)

    @cached_property
    def equations(self) -> list[str]:
        """The same in LaTeX, with an ampersand where the lines are to be aligned."""
        return equations(self.tree)

    @cached_property
    def constants(self) -> list[str]:
        """What each constant is that depends on no reduction."""
        return texts_of(self.tree, self.tree.constants)

    @cached_property
    def measured(self) -> list[str]:
        """What each constant is that depends on a reduction."""
        return texts_of(self.tree, self.tree.measured)

    @cached_property
    def reduced(self) -> list[str]:
        """The rule's reductions, as it writes them."""
        return texts_of(self.tree, self.tree.reduced)

    @cached_property
    def reductions(self) -> tuple[Reduction, ...]:
        """How each of them is computed."""
        known = {one.name: one for one in REDUCTIONS.values()}
        return tuple(known[self.tree.nodes[i].name] for i in self.tree.reduced)  # type: ignore[union-attr]

    @cached_property
    def sources(self) -> tuple[int, ...]:
        """For each reduction the position of the array that it is of; -1 where it is computed."""
        nodes = [self.tree.nodes[i] for i in self.tree.arguments]
        return tuple(node.position if isinstance(node, Array) else -1 for node in nodes)

    @cached_property
    def scalars(self) -> list[str]:
        """The names of all constants in C, in the order in which a compiled form takes them."""
        return list(c.scalars(self.tree).values())

    @cached_property
    def fingerprint(self) -> str:
        """A digest of everything that a compiled form of the rule depends on.

        That is not what its constants are: they are evaluated from the present source.
        """
        tree = self.tree
        counts = [len(tree.arrays), *tree.written, len(tree.constants), len(tree.measured)]
        counts += self.sources
        parts = [str(ctext.ABI), *map(str, counts), *self.lines, *self.results]
        computed = [i for i, at in zip(tree.arguments, self.sources, strict=True) if at < 0]
        lines, values = c.statements(tree, computed)
        return hashlib.sha256("\n".join([*parts, *lines, *values]).encode()).hexdigest()[:32]

    @property
    def lines(self) -> list[str]:
        """Declarations of locals in C, in order."""
        return self._statements[0]

    @property
    def results(self) -> list[str]:
        """The expression in C that replaces the element of ``weight`` and of each state."""
        return self._statements[1]

    def element(self, inputs: Sequence[str], outputs: Sequence[str]) -> list[str]:
        """Return the statements for one element.

        Parameters
        ----------
        inputs : sequence of str
            How to load the element of each array.
        outputs : sequence of str
            Where to store the new element of each array that is written.
        """
        return _element(self._statements, inputs, outputs)

    def measure(self, inputs: Sequence[str], outputs: Sequence[str | None]) -> list[str]:
        """Return the statements that store for one element what is reduced.

        Parameters
        ----------
        inputs : sequence of str
            How to load the element of each array.
        outputs : sequence of str or None
            Where to store what each reduction is of; None where that is not to be stored.
        """
        pairs = zip(self.tree.arguments, outputs, strict=True)
        stored = [(root, to) for root, to in pairs if to is not None]
        statements = c.statements(self.tree, [root for root, _ in stored])
        return _element(statements, inputs, [to for _, to in stored])

    def split(
        self, settings: Sequence[str], own: Sequence[str]
    ) -> tuple[Callable[..., Any], list[int]]:
        """Separate constants by what decides them; see `weightopt_core.rule.evaluation.split`."""
        return evaluation.split(self.tree, settings, own)

    @cached_property
    def evaluate_measured(self) -> Callable[..., tuple[Any, ...]]:
        """The function from numbers, those from outside, and reductions to `measured`."""
        return evaluation.measured(self.tree)

    @cached_property
    def _statements(self) -> tuple[list[str], list[str]]:
        return c.statements(self.tree, self.tree.results)


def _element(
    statements: tuple[list[str], list[str]], inputs: Sequence[str], outputs: Sequence[str]
) -> list[str]:
    lines, values = statements
    stores = [f"{to} = {value};" for to, value in zip(outputs, values, strict=True)]
    used = c.names_in([*lines, *values])
    names = enumerate(map(c.element, range(len(inputs))))
    loads = [f"const REAL {name} = {inputs[i]};" for i, name in names if name in used]
    return loads + lines + stores


def lower(reading: Reading) -> Lowered:
    """Check the statements of a rule and lower them."""
    checker = Checker(reading)
    *assignments, last = reading.statements or [ast.Pass()]
    for statement in assignments:
        _assign(checker, statement)
    _return(checker, last)
    return Lowered(checker.tree)


def _assign(checker: Checker, statement: ast.stmt) -> None:
    if isinstance(statement, ast.AugAssign):
        name = checker.reading.text(statement.target)
        what = f"an assignment that would write into {name!r} of the caller"
        raise checker.refuse(statement, what, f"write {name} = {name} ...")
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets: list[ast.expr] = [statement.target]
    elif isinstance(statement, ast.Assign):
        targets = statement.targets
    else:
        what = f"the statement {checker.reading.text(statement)!r}"
        allowed = (
            "a rule is assignments and one return at its end; for alternatives write two rules"
        )
        raise checker.refuse(statement, what, allowed)
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        raise checker.refuse(statement, "an assignment to several targets", "assign one name")
    name = targets[0].id
    if not name.isascii():
        raise checker.refuse(statement, f"the name {name!r}", "use ASCII letters")
    assert statement.value is not None
    checker.names[name] = checker.value(statement.value)
    checker.tree.assigned.append((name, checker.names[name]))


def _return(checker: Checker, last: ast.stmt) -> None:
    tree = checker.tree
    new = ", ".join(f"<new {tree.arrays[i]}>" for i in tree.written)
    if not isinstance(last, ast.Return) or last.value is None:
        raise checker.refuse(last, "no return at the end", f"end with: return {new}")
    results = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
    if len(results) != len(tree.written):
        what = f"{len(results)} returned values"
        raise checker.refuse(last, what, f"end with: return {new}")
    tree.results = [checker.element(result, checker.value(result)) for result in results]
