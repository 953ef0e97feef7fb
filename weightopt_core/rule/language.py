"""What a rule may contain: operators and functions, on numbers and on arrays."""

from __future__ import annotations

import ast
import math
from typing import Any

from ..reductions import LARGEST, MEAN, NORM, TOTAL, Reduction
from . import functions

NUMBER, ARRAY, MASK = "a number", "an array", "a mask"

#: A last array of this name is no state: the core fills it with standard normal numbers.
NOISE = "noise"
#: Numbers that the arrays of one rule meet, at most. As doubles they fit, beside the arrays, into
#: the 1024 bytes of arguments that every OpenCL device takes.
MAX_CONSTANTS = 90
#: How deeply ``if``, ``and`` and ``or`` may be nested in one expression.
MAX_CHOICES = 50

BINARY: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
}
COMPARE: dict[type, str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
}
UNARY: dict[type, str] = {ast.UAdd: "+", ast.USub: "-", ast.Not: "not ", ast.Invert: "~"}
#: Functions on arrays, by the object that the rule's name refers to.
ARRAY_FUNCTIONS: dict[Any, tuple[str, int]] = {
    functions.clip: ("clip", 2),
    functions.sqrt: ("sqrt", 1),
    functions.sign: ("sign", 1),
    functions.maximum: ("maximum", 2),
    functions.minimum: ("minimum", 2),
    functions.where: ("where", 3),
    abs: ("abs", 1),
}
#: Functions that make a number of a whole array.
REDUCTIONS: dict[Any, Reduction] = {
    functions.norm: NORM,
    functions.total: TOTAL,
    functions.mean: MEAN,
    functions.largest: LARGEST,
}
_MATH = {function for function in vars(math).values() if callable(function)}
NUMBER_FUNCTIONS = _MATH | {
    *ARRAY_FUNCTIONS, *REDUCTIONS, functions.power, min, max, float, int, round,
}  # fmt: skip
ON_ARRAYS = "on arrays: + - * /, **2, comparisons, & | ~ of masks, and " + ", ".join(
    sorted(
        [*(name for name, _ in ARRAY_FUNCTIONS.values()), *(r.name for r in REDUCTIONS.values())]
    )
)
CALLS = f"{ON_ARRAYS}; on numbers also the functions of math"
