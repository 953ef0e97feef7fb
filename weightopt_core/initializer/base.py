"""The base class of all initializers, and how they are created."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..algorithm import Algorithm
from ..backends import backend_of
from ..errors import wording
from ..init_desc import SUFFIXES, InitDesc
from ..kinds import INITIALIZER
from ..registry import Registry
from .written import named, read


class Initializer(Algorithm):
    """Base class of all initializers.

    A subclass implements ``_init_weight(name, arr)`` and fills `arr` in place. The other hooks
    have defaults: ``_init_bias`` 0, ``_init_gamma`` 1, ``_init_beta`` 0.

    Parameters
    ----------
    **kwargs
        The arguments that `dumps` has to repeat, where a subclass writes its own ``__init__``.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> class Tenth(wo.init.Initializer):
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
            Real numbers, C-contiguous, writable; filled in place.

        Raises
        ------
        TypeError, ValueError
            The name has no hook, or the array cannot be filled; the message names the parameter.
        """
        if not isinstance(desc, str):
            raise TypeError(wording("desc", "an InitDesc or a str", repr(desc)))
        argument = f"array of {str(desc)!r}"
        target = backend_of(arr, argument).check(arr, argument, dtypes=None)
        if not isinstance(desc, InitDesc):
            desc = InitDesc(desc)
            desc.plain = True
        if desc.global_init is None:
            desc = desc.under(self)  # the caller's may be for another initializer next time
        how = self._initialize(desc, target)
        if self._verbose:
            import logging  # of those who switch it on

            log = logging.getLogger(__package__)
            log.info("Initialized %s as %s: %s", desc, how, self._print_func(target))

    def _initialize(self, desc: InitDesc, arr: Any) -> str:
        """Fill `arr` by the hook for `desc`; return how, in a word, for the log."""
        own = desc.attrs.get("__init__")
        if own:
            filling = create(own)
            getattr(filling, "_init_weight", filling)(desc, arr)
            return str(own)
        hook = self._hook(desc)
        getattr(self, hook)(desc, arr)
        return hook.removeprefix("_init_")

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
        >>> import weightopt_core as wo
        >>> wo.init.Xavier(factor_type="in", magnitude=2.34).dumps()
        '["xavier", {"rnd_type": "uniform", "factor_type": "in", "magnitude": 2.34}]'
        """
        declared = {name: getattr(self, name) for name in self.hyperparameters}
        if declared.get("seed", 0) is None:
            del declared["seed"]
        arguments = self._kwargs or declared
        return json.dumps([type(self).__name__.lower(), arguments], default=_as_json)

    def _hook(self, desc: InitDesc) -> str:
        """Return the name of the method that fills a parameter; by default `desc` knows it."""
        return desc.hook

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
            raise self._misfit(name, arr, "shape (6,)")
        backend_of(arr).copy(arr, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0])

    def _misfit(self, name: str, arr: Any, expected: str) -> ValueError:
        """Return the error that `arr` has a shape which cannot be filled."""
        remedy = "name another initializer in the attribute __init__ of its InitDesc"
        got = f"shape {tuple(arr.shape)}"
        return ValueError(wording(f"parameter {str(name)!r}", expected, got, remedy))

    def _init_default(self, name: InitDesc, arr: Any) -> None:
        raise ValueError(
            f"parameter {str(name)!r}: its name ends in none of {', '.join(SUFFIXES)}; rename it "
            "or give InitDesc(name, {'__init__': <an initializer's name or dumps()>})"
        )


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
    initializer = read(initializer)
    if isinstance(initializer, str):
        return registry.create(initializer, *args, **kwargs)
    if args or kwargs:
        raise TypeError(
            wording("initializer", "a name beside further arguments", repr(initializer))
        )
    if (form := named(initializer)) is not None:
        name, arguments = form
        return registry.create(name, **arguments)
    is_class = isinstance(initializer, type)
    if callable(initializer) and not is_class:
        return initializer
    expected = "an Initializer, a name, or what dumps() returned"
    remedy = f"call it: {initializer.__name__}()" if is_class else ""
    raise TypeError(wording("initializer", expected, repr(initializer), remedy))


def _as_json(value: Any) -> Any:
    if isinstance(value, Initializer):
        return value.dumps()
    if hasattr(value, "tolist"):  # arrays and numbers of NumPy
        return value.tolist()
    raise TypeError(wording("argument", "numbers, text, lists or initializers", repr(value)))


def _root_mean_square(arr: Any) -> str:
    values = backend_of(arr).to_host(arr).astype(float)
    return str(float((values**2).mean() ** 0.5)) if values.size else "empty"


registry = Registry(INITIALIZER.name, INITIALIZER.group, Initializer)
register = registry.register
alias = registry.alias
