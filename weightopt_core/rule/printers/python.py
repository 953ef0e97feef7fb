"""Functions of Python that evaluate a rule's numbers, as syntax trees.

All names in these functions are made here; they see nothing but their arguments and the functions
that the rule calls.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

from ..functions import power
from ..language import BINARY, COMPARE, UNARY
from ..tree import Call, Choice, Literal, Number, Operation, Outside, Reduced, Tree

#: How deeply an expression is nested before a part of it gets a name: compilers have limits.
_DEEPEST = 20
_UNARY = {sign: op for op, sign in UNARY.items()}
_BINARY = {sign: op for op, sign in BINARY.items()}
_COMPARE = {sign: op for op, sign in COMPARE.items()}
_LEAVES = Number, Outside, Literal, Reduced


def always(tree: Tree, roots: Iterable[int], known: Container[int] = ()) -> list[int]:
    """Return in order what is evaluated whenever `roots` are, without leaves and the known."""
    found: set[int] = set()
    todo = list(roots)
    while todo:
        number = todo.pop()
        node = tree.nodes[number]
        if number in found or number in known or isinstance(node, _LEAVES):
            continue
        found.add(number)
        todo.extend(node.operands[:1] if isinstance(node, Choice) else node.operands)
    return sorted(found)


class Text:
    """The text of functions, as syntax trees of Python, and the names that are known in it."""

    def __init__(self, tree: Tree):
        self.tree = tree
        self.names: dict[int, str] = {}
        self.inline: dict[int, tuple[ast.expr, int]] = {}
        self.given: dict[str, Any] = {}

    def argument(self, number: int | None, place: int = 0) -> str:
        """Return the name of an argument; one that the rule does not take has its place only."""
        if number is None:
            return f"unused{place}"
        return self.names.setdefault(number, f"number{number}")

    def values(self, numbers: Iterable[int]) -> ast.Tuple:
        return ast.Tuple([self.expression(number)[0] for number in numbers], ast.Load())

    def block(
        self, roots: Sequence[int], wanted: Iterable[int] = (), later: Iterable[int] = ()
    ) -> list[ast.stmt]:
        """Return statements that evaluate `roots`, once.

        An expression gets a name if it is used more than once, or `later` by other functions; then
        it is in `names`. One that is used once is in `inline`, `wanted` ones among them.
        """
        tree = self.tree
        body: list[ast.stmt] = []
        ordered = always(tree, roots, self.names)
        surely = set(ordered)
        uses = Counter(wanted)
        for number in tree.reached([*roots, *later], self.names):
            node = tree.nodes[number]
            for place, operand in enumerate(node.operands):
                sometimes = number not in surely or (isinstance(node, Choice) and place > 0)
                uses[operand] += 2 if sometimes else 1
        for number in ordered:
            node = tree.nodes[number]
            if isinstance(node, Choice):
                body += self._choice(number, node)
            else:
                expression, depth = self._built(node)
                if uses[number] == 1 and depth < _DEEPEST:
                    self.inline[number] = expression, depth
                else:
                    body.append(self._assign(number, expression))
        return body

    def expression(self, number: int) -> tuple[ast.expr, int]:
        """Return an expression, and how deeply it is nested."""
        node = self.tree.nodes[number]
        if isinstance(node, Literal):
            return ast.Constant(node.value), 0
        if number in self.names:
            return _load(self.names[number]), 0
        return self.inline[number]

    def _assign(self, number: int, expression: ast.expr) -> ast.stmt:
        name = self.names[number] = _name(number)
        return ast.Assign([ast.Name(name, ast.Store())], expression)

    def _choice(self, number: int, node: Choice) -> list[ast.stmt]:
        first, *others = node.operands
        if node.sign == "if":
            test = self.expression(first)[0]
            made: list[ast.stmt] = [ast.If(test, *[self._branch(number, part) for part in others])]
        else:
            made = [self._assign(number, self.expression(first)[0])]
            for part in others:
                so_far = _load(self.names[number])
                test = so_far if node.sign == "and" else ast.UnaryOp(ast.Not(), so_far)
                made.append(ast.If(test, self._branch(number, part), []))
        self.names[number] = _name(number)
        return made

    def _branch(self, number: int, part: int) -> list[ast.stmt]:
        """Return statements that give `part` the name of `number`, and keep no other name."""
        known = len(self.names)
        body = self.block([part], [part])
        body.append(self._assign(number, self.expression(part)[0]))
        while len(self.names) > known:
            self.names.popitem()
        return body

    def _built(self, node: Any) -> tuple[ast.expr, int]:
        made = [self.expression(operand) for operand in node.operands]
        parts = [expression for expression, _ in made]
        depth = 1 + max((depth for _, depth in made), default=0)
        if isinstance(node, Call):
            assert node.function is not None
            return ast.Call(self._given(node.function), parts, []), depth
        assert isinstance(node, Operation)
        if node.sign == "**":
            return ast.Call(self._given(power), parts, []), depth
        if len(parts) == 1:
            return ast.UnaryOp(_UNARY[node.sign](), *parts), depth
        if node.sign.startswith("is"):
            parts = [self._named(part) for part in parts]
        if node.sign in _COMPARE:
            return ast.Compare(parts[0], [_COMPARE[node.sign]()], parts[1:]), depth
        return ast.BinOp(parts[0], _BINARY[node.sign](), parts[1]), depth

    def _named(self, part: ast.expr) -> ast.expr:
        """Return an operand of ``is``: Python warns of a literal there."""
        return self._given(part.value) if isinstance(part, ast.Constant) else part

    def _given(self, value: Any) -> ast.Name:
        """Return the name of what the function is given beside its arguments."""
        name = f"given{len(self.given)}"
        self.given[name] = value
        return _load(name)

    def compiled(self, arguments: Sequence[str], body: list[ast.stmt]) -> Callable[..., Any]:
        """Return a function that sees nothing but its arguments and the functions it names."""
        function = function_of(arguments, body)
        tree = ast.fix_missing_locations(ast.Module([function], []))
        names: dict[str, Any] = {"__builtins__": {}, **self.given}
        exec(compile(tree, "<constants of a rule>", "exec"), names)
        return names[function.name]


def _name(number: int) -> str:
    return f"value{number}"


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def function_of(arguments: Sequence[str], body: list[ast.stmt]) -> ast.FunctionDef:
    """Return the statement that defines a function, called ``evaluate``."""
    # What a function has beside these differs between versions of Python.
    function = ast.parse("def evaluate(): pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    function.args.args = [ast.arg(name) for name in arguments]
    function.body = body
    return function
