"""NumPy arrays, and whatever shares memory with them without a copy."""

from .arrays import (
    copy,
    duplicate,
    fill,
    is_half,
    place,
    to_bfloat16,
    to_float32,
    to_host,
    zeros_like,
)
from .checks import accepts, check, view
from .finite import nonfinite
from .norm import extent_of, factors_in_step, scale, square_sum, square_sums
from .random_fill import fill_normal, fill_uniform
from .step import bind

__all__ = [
    "accepts",
    "bind",
    "check",
    "copy",
    "duplicate",
    "extent_of",
    "factors_in_step",
    "fill",
    "fill_normal",
    "fill_uniform",
    "is_half",
    "nonfinite",
    "place",
    "scale",
    "square_sum",
    "square_sums",
    "to_bfloat16",
    "to_float32",
    "to_host",
    "view",
    "zeros_like",
]
