"""A rule as a formula in plain text, in the names of its author.

A prime marks what takes the name of a parameter: ``grad'`` is what the rule makes of ``grad``.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..tree import Tree
from .readable import BINARY, CHOICE, UNARY, Printer, Text, names_of

#: Of a longer expression the name that the rule gives it says more.
_LONG = 80


def formula(tree: Tree) -> list[str]:
    """Return a line for each assignment of the rule, and one for the weight and each state."""
    printer = _Formula(tree)
    lines = [f"{name} = {text}" for name, text in printer.assignments()]
    return lines + [f"new {name} = {text}" for name, text in printer.results()]


def texts_of(tree: Tree, numbers: Sequence[int]) -> list[str]:
    """Return the text of some expressions: what they are made of, where that is not too long."""
    names, printer = names_of(tree), _Formula(tree)
    for number in tree.reached(numbers):
        (text,) = printer.made([number])
        if number in names and len(text) > _LONG:
            printer.texts[number] = Text(names[number])
    return printer.made(numbers)


class _Formula(Printer):
    def named(self, name: str) -> str:
        return name

    def literal(self, text: str) -> str:
        return text

    def called(self, name: str, parts: Sequence[Text]) -> Text:
        return Text(f"{name}({', '.join(part.text for part in parts)})")

    def operation(self, sign: str, parts: Sequence[Text]) -> Text:
        if len(parts) == 1:
            level = UNARY[sign]
            return Text(sign + self.within(parts[0], level), level)
        level = BINARY[sign]
        # Of equal ones the left is first; powers and comparisons have brackets on either side.
        left = self.within(parts[0], level + (level in (4, 10)))
        space = "" if sign == "**" else " "
        return Text(f"{left}{space}{sign}{space}{self.within(parts[1], level + 1)}", level)

    def choice(self, sign: str, parts: Sequence[Text]) -> Text:
        level = CHOICE[sign]
        if sign != "if":
            return Text(f" {sign} ".join(self.within(part, level + 1) for part in parts), level)
        test, first, second = parts
        words = f"{self.within(first, 1)} if {self.within(test, 1)}"
        return Text(f"{words} else {self.within(second, level)}", level)
