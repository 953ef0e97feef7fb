"""Initializers: the base class, and every installed initializer by its name.

>>> import numpy as np
>>> import weightopt_core as mx
>>> weight = np.empty((2, 3), np.float32)
>>> mx.init.create("xavier", seed=7)("fc1_weight", weight)
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from . import random
from .algorithm import Algorithm
from .backends import backend_of
from .errors import wording
from .hyperparameters import Integer
from .registry import Registry

#: Which hook fills a parameter, by the ending of its name; the first that fits.
SUFFIXES = {
    "weight": "_init_weight",
    "bias": "_init_bias",
    "gamma": "_init_gamma",
    "beta": "_init_beta",
    "moving_mean": "_init_zero",
    "running_mean": "_init_zero",
    "moving_var": "_init_one",
    "running_var": "_init_one",
    "moving_inv_var": "_init_zero",
    "moving_avg": "_init_zero",
}
#: The same by prefix and ending, for a plain str in place of an `InitDesc`; they go first.
PLAIN_NAMES = {("stn_loc", "weight"): "_init_zero", ("stn_loc", "bias"): "_init_loc_bias"}

_log = logging.getLogger(__name__)


class InitDesc(str):
    """The name of a parameter, with what is known about it.

    Parameters
    ----------
    name : str
        The parameter's name.
    attrs : dict of str to str, optional
        Its attributes. ``__init__`` holds the name or the `Initializer.dumps` of the initializer
        that fills it, whatever its name.
    global_init : Initializer, optional
        What fills parts that have no initializer of their own.
    """

    def __new__(cls, name: str, attrs: Any = None, global_init: Any = None) -> InitDesc:
        desc = super().__new__(cls, name)
        desc.attrs = attrs or {}
        desc.global_init = global_init
        return desc

    attrs: dict[str, str]
    global_init: Any

    def __reduce__(self) -> Any:
        return InitDesc, (str(self), self.attrs, self.global_init)


class Initializer(Algorithm):
    """Base class of all initializers.

    A subclass implements ``_init_weight(name, arr)`` and fills `arr` in place. The other hooks
    have defaults: ``_init_bias`` 0, ``_init_gamma`` 1, ``_init_beta`` 0.

    Parameters
    ----------
    **kwargs
        What `dumps` has to repeat, where a subclass writes its own ``__init__``.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as mx
    >>> class Tenth(mx.init.Initializer):
    ...     def _init_weight(self, name, arr):
    ...         arr[:] = 0.1
    >>> weight, bias = np.empty(2), np.empty(2)
    >>> Tenth()("fc1_weight", weight)
    >>> Tenth()("fc1_bias", bias)
    >>> weight, bias
    (array([0.1, 0.1]), array([0., 0.]))
    """

    def __init__(self, **kwargs: Any):
        explicit = type(self).__init__ is not Initializer.__init__ and not self.hyperparameters
        self._kwargs = kwargs if explicit else {}
        self._verbose = False
        self._print_func: Callable[[Any], str] = _root_mean_square
        super().__init__(**({} if explicit else kwargs))

    def __call__(self, desc: str, arr: Any) -> None:
        """Fill an array according to its name.

        Parameters
        ----------
        desc : InitDesc or str
            The parameter's name, which selects the hook: by the attribute ``__init__``, or by
            its ending. In a plain str, ``stn_loc`` at the start counts too.
        arr : array
            float, C-contiguous, writable; filled in place.

        Raises
        ------
        TypeError, ValueError
            The name has no hook, or the array cannot be filled; the message names the parameter.
        """
        if not isinstance(desc, str):
            raise TypeError(wording("desc", "an InitDesc or a str", repr(desc)))
        target = backend_of(arr, f"array of {str(desc)!r}").check(arr, f"array of {str(desc)!r}")
        if not isinstance(desc, InitDesc):
            hook = self._plain_hook(desc) or self._hook(desc)
            desc = InitDesc(desc)
        else:
            hook = self._hook(desc)
        if desc.global_init is None:
            desc.global_init = self
        own = desc.attrs.get("__init__")
        if own:
            create(own)._init_weight(desc, target)
            hook = str(own)
        else:
            getattr(self, hook)(desc, target)
        if self._verbose:
            kind = hook.removeprefix("_init_")
            _log.info("Initialized %s as %s: %s", desc, kind, self._print_func(target))

    def set_verbosity(self, verbose: bool = False, print_func: Any = None) -> Initializer:
        """Switch logging of each initialized array on or off.

        Parameters
        ----------
        verbose : bool
            Whether to log, at level INFO of the logger ``weightopt_core.initializer``.
        print_func : callable, optional
            Takes the array and returns a str; by default its root mean square.

        Returns
        -------
        Initializer
            Itself.
        """
        self._verbose = bool(verbose)
        self._print_func = print_func or _root_mean_square
        return self

    def dumps(self) -> str:
        """Return the initializer as JSON text, which `create` turns into an equal one.

        Examples
        --------
        >>> import weightopt_core as mx
        >>> mx.init.Xavier(factor_type="in", magnitude=2.34).dumps()
        '["xavier", {"rnd_type": "uniform", "factor_type": "in", "magnitude": 2.34}]'
        """
        declared = {name: getattr(self, name) for name in self.hyperparameters}
        if declared.get("seed", 0) is None:
            del declared["seed"]
        return json.dumps([type(self).__name__.lower(), declared | self._kwargs])

    def _hook(self, desc: str) -> str:
        for suffix, hook in SUFFIXES.items():
            if desc.endswith(suffix):
                return hook
        return "_init_default"

    def _plain_hook(self, name: str) -> str | None:
        for (prefix, suffix), hook in PLAIN_NAMES.items():
            if name.startswith(prefix) and name.endswith(suffix):
                return hook
        return None

    def _init_weight(self, name: InitDesc, arr: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} must implement _init_weight(name, arr)")

    def _init_bias(self, name: InitDesc, arr: Any) -> None:
        self._init_zero(name, arr)

    def _init_gamma(self, name: InitDesc, arr: Any) -> None:
        self._init_one(name, arr)

    def _init_beta(self, name: InitDesc, arr: Any) -> None:
        self._init_zero(name, arr)

    def _init_zero(self, name: InitDesc, arr: Any) -> None:
        backend_of(arr).fill(arr, 0.0)

    def _init_one(self, name: InitDesc, arr: Any) -> None:
        backend_of(arr).fill(arr, 1.0)

    def _init_loc_bias(self, name: InitDesc, arr: Any) -> None:
        if arr.shape != (6,):
            raise ValueError(wording(f"shape of {str(name)!r}", "(6,)", str(arr.shape)))
        backend_of(arr).copy(arr, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0])

    def _init_default(self, name: InitDesc, arr: Any) -> None:
        raise ValueError(
            f"parameter {str(name)!r}: its name ends in none of {', '.join(SUFFIXES)}; rename it "
            "or give InitDesc(name, {'__init__': <an initializer's name or dumps()>})"
        )


class RandomInitializer(Initializer):
    """Base class of initializers that draw random numbers.

    Parameters
    ----------
    seed : int, optional
        Makes the values of each name independent of everything drawn elsewhere; by default they
        depend on `weightopt_core.random.seed` and on how often the name was initialized.
    """

    seed = Integer(None, "[0, inf)", optional=True, kw_only=True)

    def _uniform(self, name: InitDesc, arr: Any, low: float, high: float) -> None:
        """Fill `arr` with uniform numbers of ``[low, high)``."""
        backend_of(arr).fill_uniform(arr, random.stream(str(name), self.seed), low, high)

    def _normal(self, name: InitDesc, arr: Any, mean: float, sigma: float) -> None:
        """Fill `arr` with normal numbers."""
        backend_of(arr).fill_normal(arr, random.stream(str(name), self.seed), mean, sigma)


def create(initializer: Any, *args: Any, **kwargs: Any) -> Any:
    """Return an initializer.

    Parameters
    ----------
    initializer : Initializer, str or dict
        An initializer, which is returned; a name; what `Initializer.dumps` returned; or a dict
        of arguments with the name under ``"initializer"``.
    *args, **kwargs
        Its arguments, where `initializer` is a name.
    """
    if isinstance(initializer, str) and initializer.lstrip()[:1] in ("[", "{"):
        text = initializer
        try:
            initializer = json.loads(text)
        except ValueError as error:
            raise ValueError(
                wording("initializer", "a name or JSON", repr(text), str(error))
            ) from None
    if isinstance(initializer, str):
        return registry.create(initializer, *args, **kwargs)
    if args or kwargs:
        raise TypeError(
            wording("initializer", "a name beside further arguments", repr(initializer))
        )
    if isinstance(initializer, dict) and isinstance(initializer.get("initializer"), str):
        rest = {key: value for key, value in initializer.items() if key != "initializer"}
        return registry.create(initializer["initializer"], **rest)
    if isinstance(initializer, list) and len(initializer) == 2 and isinstance(initializer[1], dict):
        return registry.create(initializer[0], **initializer[1])
    if callable(initializer):
        return initializer
    raise TypeError(
        wording(
            "initializer", "an Initializer, a name, or what dumps() returned", repr(initializer)
        )
    )


def _root_mean_square(arr: Any) -> str:
    values = backend_of(arr).to_host(arr).astype(float)
    return str(float((values**2).mean() ** 0.5)) if values.size else "empty"


registry = Registry("initializer", "weightopt.initializers", Initializer)
register = registry.register
alias = registry.alias


def __getattr__(name: str) -> Any:
    return registry.attribute(__name__, name)
