"""Hyperparameters declared once: their default, their range, and one wording for both.

>>> from weightopt_core import Optimizer, hyperparameters
>>> class Damped(Optimizer):
...     damping = hyperparameters.Real(0.5, "[0, 1)")
>>> Damped(damping=2)
Traceback (most recent call last):
    ...
ValueError: damping: expected a number in [0, 1), got 2
"""

from .declared import REQUIRED, Hyperparameter
from .guarded import LearningRate, Momentum
from .intervals import Integer, Real, RealOrArray, Steps
from .objects import Choice, Flag, Instance, ListOf, Names, Nested, Pattern

__all__ = [
    "REQUIRED",
    "Choice",
    "Flag",
    "Hyperparameter",
    "Instance",
    "Integer",
    "LearningRate",
    "ListOf",
    "Momentum",
    "Names",
    "Nested",
    "Pattern",
    "Real",
    "RealOrArray",
    "Steps",
]
