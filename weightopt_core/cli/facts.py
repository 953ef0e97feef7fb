"""What is known of an algorithm at a glance: the size of its state, its needs, its paper."""

from __future__ import annotations

import re
import sys
from typing import Any, NamedTuple

import numpy as np

from ..optimizer import Optimizer, Wrapper
from ..rule import Rule
from ..testing.subject import Subject

#: The shape of the weight whose state is measured, in float32.
SHAPE = (64, 64)
#: How the module of an algorithm begins: names and year in brackets, and a link.
_YEAR = re.compile(r"\(([^()]*)\b((?:19|20)\d\d)\b[^()]*\)")
_LINK = re.compile(r"https?://\S*[^\s.,)]")


class Facts(NamedTuple):
    """What is known of a class of algorithms; what is not is an empty text.

    Attributes
    ----------
    state : str
        Bytes of state for each weight, in float32 and with the defaults.
    needs : str
        What a backend must have for it.
    paper : str
        A link.
    year : str
        When that was published.
    """

    state: str
    needs: str
    paper: str
    year: str


def facts(cls: Any) -> Facts:
    """Return what is known of a class."""
    first = (getattr(sys.modules.get(cls.__module__), "__doc__", None) or "").partition("\n\n")[0]
    year, link = _YEAR.search(first), _LINK.search(first)
    state, needs = (state_bytes(cls), _needs(cls)) if issubclass(cls, Optimizer) else ("", "")
    return Facts(state, needs, link[0] if link else "", year[2] if year else "")


def rules(cls: type) -> list[Rule]:
    """Return the rules that the module of `cls` defines."""
    module = sys.modules.get(cls.__module__)
    return [value for value in vars(module).values() if isinstance(value, Rule)] if module else []


def state_bytes(cls: Any, dtype: str = "float32", **given: Any) -> str:
    """Return the bytes of state for each weight; an empty text where they are not known.

    Parameters
    ----------
    cls : type
        An optimizer.
    dtype : str
        Of the weight.
    **given
        Hyperparameters.
    """
    if issubclass(cls, Wrapper) or not given.keys() <= cls.hyperparameters.keys():
        return ""  # what it holds decides; or it takes no such thing
    weight = np.zeros(SHAPE, dtype)
    try:
        state = Subject(cls).create(**given).create_state("weight", weight)
    except Exception:  # of somebody's code, of which nothing is known then
        return ""
    size = sum(array.nbytes for array in arrays_of(state)) / weight.size
    return f"{size:.2g}"


def arrays_of(state: Any) -> list[Any]:
    """Return the arrays of a state, of whatever it is made."""
    if isinstance(state, (tuple, list)):
        return [array for part in state for array in arrays_of(part)]
    return [] if state is None else [state]


def _needs(cls: Any) -> str:
    if issubclass(cls, Wrapper):
        return "an optimizer"
    if cls.conformance.host_only:
        return "host"
    found = rules(cls)
    special = {reduction.name for rule in found for reduction in rule.lowered.reductions}
    special |= {"noise" for rule in found if rule.draws}
    return ", ".join(["rule", *sorted(special)]) if found else "Python"
