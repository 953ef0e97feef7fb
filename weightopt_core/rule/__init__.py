"""Update rules, and the functions that they may call.

A rule is one pure Python function. The same source runs on NumPy, as compiled C and as OpenCL,
with the same bits.
"""

from .definition import Rule, update_rule
from .functions import clip, largest, maximum, mean, minimum, norm, sign, sqrt, total, where

__all__ = [
    "Rule",
    "clip",
    "largest",
    "maximum",
    "mean",
    "minimum",
    "norm",
    "sign",
    "sqrt",
    "total",
    "update_rule",
    "where",
]
