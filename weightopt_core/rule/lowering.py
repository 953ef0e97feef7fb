"""From a checked rule to text in the subset that C and OpenCL C share."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from .evaluation import evaluator, split
from .expressions import Expressions, Value
from .language import ARRAY
from .reading import NOISE, Reading

#: Changes whenever equal rules would be lowered to other text or called in another way.
ABI = 2


@dataclass(frozen=True)
class Lowered:
    """A rule as text for one element, and the numbers that the text needs.

    Attributes
    ----------
    arrays : tuple of str
        Parameters that are arrays. Element `i` of array ``a`` is the local ``a_0``.
    lines : list of str
        Declarations of locals, in order.
    results : list of str
        The expression that replaces the element of ``weight`` and of each state.
    constants : list of str
        The text of constant ``k0``, ``k1`` ...
    evaluate : callable
        Takes the rule's numbers and those from outside, in order; returns these constants.
    split : callable
        Takes the names of the numbers that are settings, and of those that change with the step;
        returns what `weightopt_core.rule.evaluation.split` does.
    outside : tuple of callable
        Getters of the numbers from outside the rule.
    norms : list of str
        What the rule takes norms of, an expression of an element for each.
    measuring : list of str
        Those of `lines` that do not depend on a norm.
    measured : list of str
        The text of constant ``m0``, ``m1`` ..., which depend on norms.
    evaluate_measured : callable
        Takes the norms after what `evaluate` takes; returns these constants.
    """

    arrays: tuple[str, ...]
    lines: list[str]
    results: list[str]
    constants: list[str]
    evaluate: Callable[..., tuple[Any, ...]]
    split: Callable[..., Any]
    outside: tuple[Callable[[], Any], ...]
    norms: list[str]
    measuring: list[str]
    measured: list[str]
    evaluate_measured: Callable[..., tuple[Any, ...]]

    @property
    def written(self) -> tuple[str, ...]:
        """The arrays that the rule replaces: the weight and the states."""
        return replaced(self.arrays)

    @property
    def scalars(self) -> list[str]:
        """The names of all constants, in the order in which a compiled form takes them."""
        known = [f"k{i}" for i in range(len(self.constants))]
        return known + [f"m{i}" for i in range(len(self.measured))]

    @cached_property
    def fingerprint(self) -> str:
        """A digest of everything that a compiled form of the rule depends on.

        That is not what its constants are: they are evaluated from the present source. The text
        of a syntax tree would differ between versions of Python.
        """
        parts = [str(ABI), *self.arrays, *self.lines, *self.results, str(len(self.constants))]
        if self.norms:
            parts += [*self.norms, str(len(self.measured))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    def element(self, inputs: dict[str, str], outputs: dict[str, str]) -> list[str]:
        """Return the statements for one element, given how to load and where to store it."""
        loads = [f"const REAL {name}_0 = {inputs[name]};" for name in self.arrays]
        pairs = zip(self.written, self.results, strict=True)
        stores = [f"{outputs[name]} = {result};" for name, result in pairs]
        return loads + self.lines + stores

    def measure(self, inputs: dict[str, str], outputs: list[str]) -> list[str]:
        """Return the statements that store for one element what the norms are of."""
        loads = [f"const REAL {name}_0 = {inputs[name]};" for name in self.arrays]
        stores = [f"{to} = {text};" for to, text in zip(outputs, self.norms, strict=True)]
        return loads + self.measuring + stores


def lower(reading: Reading) -> Lowered:
    """Check the statements of a rule and lower them."""
    expressions = Expressions(reading)
    norms = expressions.norms
    lines: list[str] = []
    *assignments, last = reading.statements or [ast.Pass()]
    for number, statement in enumerate(assignments, start=1):
        lines.extend(_assign(reading, expressions, statement, number))
    results = _results(reading, expressions, last)
    return Lowered(
        arrays=reading.arrays,
        lines=lines,
        results=results,
        constants=list(expressions.constants),
        evaluate=evaluator(expressions),
        split=partial(split, expressions),
        outside=tuple(expressions.outside.values()),
        norms=list(norms.arguments.values()),
        measuring=[line for line in lines if not norms.reach_text(line)],
        measured=list(expressions.measured),
        evaluate_measured=evaluator(expressions, measured=True),
    )


def _assign(
    reading: Reading, expressions: Expressions, statement: ast.stmt, number: int
) -> list[str]:
    if isinstance(statement, ast.AugAssign):
        name = ast.unparse(statement.target)
        raise reading.refuse(
            statement,
            f"an assignment that would write into {name!r} of the caller",
            f"write {name} = {name} ...",
        )
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets: list[ast.expr] = [statement.target]
    elif isinstance(statement, ast.Assign):
        targets = statement.targets
    else:
        raise reading.refuse(
            statement,
            f"the statement {ast.unparse(statement).splitlines()[0]!r}",
            "a rule is assignments and one return at its end; for alternatives write two rules",
        )
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        raise reading.refuse(statement, "an assignment to several targets", "assign one name")
    name = targets[0].id
    if not name.isascii():
        raise reading.refuse(statement, f"the name {name!r}", "use ASCII letters")
    value = expressions.visit(statement.value or ast.Constant(None))
    if value.kind != ARRAY:
        expressions.names[name] = value
        return []
    local = f"{name}_{number}"
    if expressions.norms.reach_text(value.text):
        expressions.norms.mark(local)
    expressions.names[name] = Value(ARRAY, local)
    return [f"const REAL {local} = {value.text};"]


def replaced(arrays: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of a rule's arrays that it replaces."""
    return tuple(name for name in arrays if name not in ("grad", NOISE))


def _results(reading: Reading, expressions: Expressions, last: ast.stmt) -> list[str]:
    wanted = replaced(reading.arrays)
    shape = f"end with: return {', '.join('<new ' + name + '>' for name in wanted)}"
    if not isinstance(last, ast.Return) or last.value is None:
        raise reading.refuse(last, "no return at the end", shape)
    results = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
    if len(results) != len(wanted):
        raise reading.refuse(last, f"{len(results)} returned values", shape)
    return [expressions.array(result) for result in results]
