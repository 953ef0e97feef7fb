"""Rules that tests read, and how others are read from a text."""

import importlib.util
import math
import textwrap
from pathlib import Path

from weightopt_core import update_rule
from weightopt_core.rule import clip, maximum, sign, sqrt, where

HEADER = """
import math
import numpy as np
from weightopt_core import update_rule
from weightopt_core.rule import clip, sqrt, where, maximum
LIMIT = "text"
"""

RATE = 0.25


@update_rule
def plain(weight, grad, *, lr):
    """A docstring does not count."""
    return weight - lr * grad


@update_rule
def everything(weight, grad, first, second, *, lr, bound, t):
    half = 1 / 2 if t > 1 and not bound else RATE
    power = 0.9**t
    mask = (grad > 0.0) & ~(first == second) | (second != 0)
    grad = clip(grad, bound) + math.pi * -first
    first = where(mask, maximum(first, grad), 0.5)
    second = sqrt(abs(second)) * sign(grad) + second**2
    return weight - lr * half * power * grad, first, second


def load(source, folder):
    """Return the module of a text with rules."""
    path = folder / "rules.py"
    path.write_text(textwrap.dedent(source))
    # That of an earlier text may be as old, to the second, and as long.
    Path(importlib.util.cache_from_source(path)).unlink(missing_ok=True)
    spec = importlib.util.spec_from_file_location("rules", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
