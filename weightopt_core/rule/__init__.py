"""Update rules, and the functions that they may call.

A rule is one pure Python function. The same source runs on NumPy, as compiled C and as OpenCL,
with the same bits.
"""

from .definition import Rule, update_rule
from .functions import (
    clip,
    largest,
    maximum,
    mean,
    minimum,
    norm,
    power,
    sign,
    sqrt,
    total,
    where,
)  # fmt: skip

__all__ = [
    "Rule",
    "clip",
    "largest",
    "maximum",
    "mean",
    "minimum",
    "norm",
    "power",
    "sign",
    "sqrt",
    "total",
    "update_rule",
    "where",
]
