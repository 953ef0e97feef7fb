"""The decorator `update_rule` and the object that it makes of a function."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.constants import Constants
from ..errors import RuleError
from ..reductions import results_of, scales_of
from .compiled import Compiled, load
from .language import NOISE
from .lowering import lower
from .multiplied import with_powers
from .namespaces import OnNamespace, has_float64, namespace_of
from .operations import as_plain
from .reading import Reading

_PLAIN = {float, int, bool}


class Rule:
    """An update rule: a pure Python function, and all that follows from its source.

    Calling a rule runs the function as it stands, on NumPy arrays, with `power` in the place of the
    operator ``**``. That run is the specification that the compiled forms reproduce bit for bit.

    Attributes
    ----------
    function : callable
        The function as written.
    name : str
        Its name.
    source : str
        Its text as written, with its decorators.
    states : tuple of str
        Names of the state arrays, in order.
    numbers : tuple of str
        Names of the hyperparameters and counts that it takes by keyword.
    draws : bool
        Whether its last array is ``noise``, standard normal numbers that the core draws.
    parameters : int
        How many arrays it takes.
    lowered : weightopt_core.rule.lowering.Lowered
        The checked rule, and its text in the subset that C and OpenCL C share.
    """

    def __init__(self, function: Callable[..., Any]):
        functools.update_wrapper(self, function)
        reading = Reading(function)
        self.function = function
        self.name = reading.name
        self.source = reading.source
        self.module = function.__module__
        self.draws = NOISE in reading.arrays
        self.states = tuple(name for name in reading.arrays[2:] if name != NOISE)
        self.numbers = reading.numbers
        self.lowered = lower(reading)
        self._run = with_powers(reading)
        self.parameters = len(self.lowered.arrays)
        self._on: dict[Any, OnNamespace] = {}

    def __call__(self, /, *arrays: Any, **numbers: Any) -> Any:
        return self._run(*arrays, **numbers)

    def __repr__(self) -> str:
        parameters = ", ".join([*self.lowered.arrays, "*", *self.numbers])
        return f"<update rule {self.module}.{self.name}({parameters})>"

    def __reduce__(self) -> str:
        return self.function.__qualname__

    @functools.cached_property
    def compiled(self) -> Compiled:
        """The rule's compiled form, or the reason why there is none."""
        return load(self.module, self.name, self.lowered)

    def on(self, namespace: Any, *, sqrt: Callable[[Any], Any] | None = None) -> OnNamespace:
        """Return the rule as it runs on the arrays of another library.

        Parameters
        ----------
        namespace : module or array
            A module with the functions of the array API, such as `numpy` or `jax.numpy`, or an
            array of one. For others, torch among them, array-api-compat has to be installed.
        sqrt : callable, optional
            Takes the square root of an array. By default it is the namespace's, and goes through
            float64 for float32 arrays where there is float64, because not every library rounds it
            correctly.

        Returns
        -------
        weightopt_core.rule.namespaces.OnNamespace
            An object that is called like the rule. Equal arguments give the same object.

        Examples
        --------
        >>> import numpy as np
        >>> from weightopt_sgd import sgd
        >>> sgd.on(np) is sgd.on(np.ones(2))
        True
        """
        module = namespace_of(namespace)
        key = module, sqrt, has_float64(module)
        if key not in self._on:
            self._on[key] = OnNamespace(self, module, sqrt)
        return self._on[key]

    def evaluate(
        self, numbers: Mapping[str, Any], reduced: Sequence[float] = ()
    ) -> tuple[Any, ...]:
        """Return the numbers that arrays meet, evaluated in double; each rounds once to their type.

        Parameters
        ----------
        numbers : mapping
            The rule's keyword arguments.
        reduced : sequence of float
            The rule's reductions, in the order of ``lowered.reduced``. Without them the constants
            that depend on one are left out.

        Raises
        ------
        TypeError
            A number is missing, is none that the rule takes, or is no number.

        Examples
        --------
        >>> from weightopt_sgd import sgd
        >>> sgd.lowered.constants
        ['1 - lr * wd', 'rescale_grad', 'clip.bound(clip_gradient)', 'lr']
        >>> sgd.evaluate(dict(lr=0.5, wd=0.0, rescale_grad=1.0, clip_gradient=None))
        (1.0, 1.0, inf, 0.5)
        """
        if unknown := numbers.keys() - set(self.numbers):
            raise TypeError(f"rule {self.name!r}: takes no {min(unknown)!r}")
        lowered, given = self.lowered, self.given(numbers)
        values = self._checked(lowered.constants, self._settle(*given)[0]).tolist()
        if reduced:
            late = lowered.evaluate_measured(*given, *map(float, reduced))
            values += self._checked(lowered.measured, late).tolist()
        return tuple(values)

    @functools.cached_property
    def _settle(self) -> Callable[..., Any]:
        """The function from numbers, and those from outside, to constants without reductions."""
        return self.lowered.split(self.numbers, ())[0]

    def scales(self, parts: Sequence[np.ndarray], wide: Sequence[bool]) -> np.ndarray | None:
        """Return by what the values of tensors are to be multiplied and measured again.

        It is `weightopt_core.reductions.scales_of`, for an engine that knows the rule alone.
        """
        return scales_of(self.lowered.reductions, parts, wide)

    def with_results(
        self,
        constants: Constants,
        numbers: Sequence[Mapping[str, Any]],
        parts: Sequence[np.ndarray],
        scales: np.ndarray | None,
        counts: Sequence[int],
    ) -> Constants:
        """Put after the constants of some tensors the ones that depend on their reductions.

        Parameters
        ----------
        constants : weightopt_core.engine.constants.Constants
            The constants of each tensor that depend on no reduction.
        numbers : sequence of mapping
            The rule's keyword arguments for each tensor.
        parts : sequence of numpy.ndarray
            For each tensor a row for each of its chunks, with a number for each reduction.
        scales : numpy.ndarray or None
            By what the values were multiplied before, a row for each tensor; None for 1.
        counts : sequence of int
            How many elements each tensor has.

        Returns
        -------
        weightopt_core.engine.constants.Constants
            All constants of each tensor.
        """
        lowered = self.lowered
        results = results_of(lowered.reductions, parts, scales, counts)
        # Tensors of a group have the same numbers, in one object.
        own = {id(one): one for one in numbers}
        given = {key: self._given(one) for key, one in own.items()}
        rows = [
            lowered.evaluate_measured(*given[id(one)], *row)
            for one, row in zip(numbers, results, strict=True)
        ]
        if not _PLAIN.issuperset(map(type, itertools.chain.from_iterable(rows))):
            for row in rows:
                self._check_plain(lowered.measured, row)
        return constants.followed_by(rows)

    def given(self, numbers: Mapping[str, Any]) -> list[Any]:
        """Return the values of the rule's numbers, then of numbers from outside, as Python's own.

        Raises
        ------
        TypeError
            One of the rule's numbers is missing.
        """
        return [as_plain(value) for value in self._given(numbers)]

    def _given(self, numbers: Mapping[str, Any]) -> list[Any]:
        try:
            given = [numbers[name] for name in self.numbers]
        except KeyError as missing:
            raise TypeError(f"rule {self.name!r}: missing {missing.args[0]}") from None
        return given + [get() for get in self.lowered.tree.outside.values()]

    def _checked(self, texts: Sequence[str], values: tuple[Any, ...]) -> np.ndarray:
        self._check_plain(texts, values)
        return np.array(values, np.float64)

    def _check_plain(self, texts: Sequence[str], values: tuple[Any, ...]) -> None:
        if not _PLAIN.issuperset(map(type, values)):
            for text, value in zip(texts, values):
                if not isinstance(value, (int, float)):
                    what = f"{text}: expected a number, got {value!r}"
                    raise TypeError(f"rule {self.name!r}: {what}")


def update_rule(function: Callable[..., Any]) -> Rule:
    """Make an update rule of a pure function.

    The function takes ``weight`` and ``grad``, then the states, all arrays; its keyword-only
    parameters are numbers. It returns the new weight and then each new state, in their order.
    A last array called ``noise`` is no state but standard normal numbers, new at every update.

    Parameters
    ----------
    function : callable
        Assignments and one return at the end. On arrays: ``+ - * /``, ``**2``, comparisons,
        ``& | ~`` of masks, ``abs`` and the functions of `weightopt_core.rule`. On numbers alone
        also everything in `math`.

    Returns
    -------
    Rule

    Raises
    ------
    RuleError
        The source cannot be read, or holds something that a rule may not; the message names
        file, line, the construct, and what is allowed.

    Examples
    --------
    >>> import numpy as np
    >>> from weightopt_sgd import sgd
    >>> sgd.states, sgd.numbers
    ((), ('lr', 'wd', 'rescale_grad', 'clip_gradient'))
    >>> sgd(np.ones(2), np.ones(2), lr=0.5, wd=0.0, rescale_grad=1.0, clip_gradient=None)
    array([0.5, 0.5])
    """
    if isinstance(function, Rule):
        raise RuleError(f"{function.name!r} is an update rule already; decorate it once")
    return Rule(function)
