"""The compiled form of a rule: found in its package, checked against its source."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from .lowering import Lowered
from .module import NOT_COMPILED, find


@dataclass(frozen=True)
class Compiled:
    """What there is of a compiled rule.

    Attributes
    ----------
    kernel : weightopt_core.kernels.driver.Kernel or None
        The compiled functions; None where the rule runs on NumPy.
    reason : str
        Why there is no kernel; empty where there is one.
    """

    kernel: Any
    reason: str = ""


def load(module: str, name: str, lowered: Lowered) -> Compiled:
    """Find the compiled form of the rule `name` of `module` that equals its present source."""
    from ..kernels.driver import Kernel

    found, reason = find(module)
    if found is None:
        return Compiled(None, reason)
    entry = getattr(found, "RULES", {}).get(f"{module}.{name}")
    if entry is None:
        reason = getattr(found, "REASON", NOT_COMPILED)
        if remedy := getattr(found, "REMEDY", ""):
            text = f"rule {module}.{name}: {reason}. It runs on NumPy. {remedy}"
            warnings.warn(text, RuntimeWarning, 2)
        return Compiled(None, reason)
    built, *functions = entry
    if built != lowered.fingerprint:
        reason = "compiled from another source; build the package again"
        warnings.warn(f"rule {module}.{name}: {reason}. It runs on NumPy now.", RuntimeWarning, 2)
        return Compiled(None, reason)
    steps = [one.step for one in lowered.reductions]
    sizes = len(lowered.arrays), len(lowered.scalars)
    return Compiled(Kernel(functions, *sizes, steps, lowered.sources))
