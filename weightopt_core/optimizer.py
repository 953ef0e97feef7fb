"""Optimizers: the base class, and every installed optimizer by its name.

>>> import weightopt_core as mx
>>> mx.optimizer.create("sgd", learning_rate=0.1)
SGD(learning_rate=0.1)
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import random
from .algorithm import Algorithm
from .backends import backend_of
from .clipping import clip_global_norm, global_norm
from .errors import wording
from .hyperparameters import Flag, Instance, Integer, LearningRate, Real
from .lr_scheduler import LRScheduler
from .many import as_lists
from .rates import Rates
from .registry import Registry
from .rule import Rule
from .updater import Updater, get_updater

__all__ = [
    "Optimizer",
    "Updater",
    "alias",
    "clip_global_norm",
    "create",
    "get_updater",
    "global_norm",
    "register",
]


class Optimizer(Rates, Algorithm):
    """Base class of all optimizers.

    A subclass names its `rule`, an update rule made with `weightopt_core.update_rule`, and
    declares the hyperparameters that the rule takes. Or it overrides `create_state` and `update`
    and does as it likes with NumPy.

    Parameters
    ----------
    rescale_grad : float, optional
        The gradient is multiplied by it first; often one over the batch size.
    param_idx2name : dict of int to str, optional
        Names of the parameters by index. Where they are known, the weight decay of every
        parameter whose name ends neither in ``_weight`` nor in ``_gamma`` is 0.
    wd : float, optional
        Weight decay, at least 0.
    clip_gradient : float, optional
        Every element of the gradient is limited to ``[-clip_gradient, clip_gradient]``; above 0.
    learning_rate : float, optional
        At least 0. With a scheduler it is the scheduler's initial rate.
    lr_scheduler : LRScheduler, optional
        Gives the learning rate of each update; the optimizer works with a copy of it.
    sym : object, optional
        Anything with ``list_arguments()`` and ``attr_dict()``, whose attributes ``__lr_mult__``
        and ``__wd_mult__`` are the default multipliers.
    begin_num_update : int, optional
        The number of updates that went before, at least 0.
    multi_precision : bool, optional
        Keep a float32 copy of each 16-bit weight in its state and update that. Weights of other
        types have the precision already.

    Attributes
    ----------
    num_update : int
        The largest number of updates that any one parameter has seen.
    lr_mult, wd_mult : dict
        Multipliers by index or name.
    """

    rescale_grad = Real(1.0)
    param_idx2name = Instance(None, dict, optional=True)
    wd = Real(0.0, "[0, inf)")
    clip_gradient = Real(None, "(0, inf)", optional=True)
    learning_rate = LearningRate(0.01, "[0, inf)")
    lr_scheduler = Instance(None, LRScheduler, optional=True)
    sym = Instance(None, ("list_arguments", "attr_dict"), optional=True)
    begin_num_update = Integer(0, "[0, inf)")
    multi_precision = Flag(False, kw_only=True)

    #: How the weight and the states change; None where `update` is overridden.
    rule: Rule | None = None

    def _prepare(self) -> None:
        self.idx2name = dict(self.param_idx2name or {})
        self.num_update = self.begin_num_update
        self._index_update_count: dict[Any, int] = {}
        self.noise_seed: int | None = getattr(self, "seed", None)
        if self.lr_scheduler is not None:
            self.lr_scheduler = copy.copy(self.lr_scheduler)
            given = "learning_rate" in vars(self)
            if given or "base_lr" not in vars(self.lr_scheduler):
                self.lr_scheduler.base_lr = self.learning_rate
        self.set_lr_mult({})
        self.set_wd_mult({})

    def create_state(self, index: Any, weight: Any) -> Any:
        """Return the initial state of one weight.

        Parameters
        ----------
        index : int or str
            What identifies the weight.
        weight : array
            The weight.

        Returns
        -------
        None, array or tuple of array
            For a rule with no state, one, or several; each of the weight's shape and dtype. With
            ``multi_precision`` and a 16-bit weight a tuple of float32 arrays: the states, and
            last a copy of the weight.
        """
        if self.rule is None:
            return None
        if self._keeps_master(weight):
            master = backend_of(weight).to_float32(weight)
            return (*self.initial_states(master), master)
        states = tuple(self.initial_states(weight))
        return states if len(states) > 1 else states[0] if states else None

    def initial_states(self, weight: Any) -> Sequence[Any]:
        """Return the initial array of each state of the rule, by default zeros."""
        return [backend_of(weight).zeros_like(weight) for _ in self.rule.states]  # type: ignore

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update a weight and its state in place, or those of several weights at once.

        Parameters
        ----------
        index : int or str, or list of them
            What identifies the weight; multipliers and update counts belong to it.
        weight : array, or list of array
            Any shape, C-contiguous, writable.
        grad : array, or list of array
            The gradient, of the weight's shape and dtype; it is only read.
        state : None, array, tuple of array, or list of these
            What `create_state` returned.

        Raises
        ------
        TypeError, ValueError
            An argument is not as described; then nothing has changed.
        """
        if self.rule is None:
            raise NotImplementedError(f"{type(self).__name__} must set rule or implement update()")
        if isinstance(index, (list, tuple)):
            self._step(index, as_lists(index, weight=weight, grad=grad, state=state))
        else:
            self._step([index], [(weight, grad, state)])

    def _step(self, indices: Sequence[Any], items: Sequence[tuple[Any, Any, Any]]) -> None:
        rule = self.rule
        assert rule is not None
        if not items:
            return
        backend = backend_of(items[0][0])
        bound = backend.bind(rule, [self._parts(rule, *item) for item in items])
        before = self.num_update, [self._index_update_count.get(index) for index in indices]
        for index in indices:
            self._update_count(index)
        try:
            numbers, constants = self._read(rule, indices)
            keys = [self._noise_key(index) for index in indices] if rule.draws else []
        except Exception:
            self._restore_counts(indices, *before)
            raise
        bound.run(numbers, constants, keys)

    def _parts(self, rule: Rule, weight: Any, grad: Any, state: Any) -> tuple[Any, ...]:
        """Return weight, gradient, states and master copy or None."""
        states = () if state is None else state if isinstance(state, (tuple, list)) else (state,)
        names = [*rule.states, "master copy"] if self._keeps_master(weight) else rule.states
        if len(states) != len(names):
            expected = f"{len(names)} arrays ({', '.join(names) or 'None'})"
            remedy = "pass what create_state returned"
            raise ValueError(wording("state", expected, str(len(states)), remedy))
        count = len(rule.states)
        return weight, grad, states[:count], states[count] if len(states) > count else None

    def _keeps_master(self, weight: Any) -> bool:
        return self.multi_precision and backend_of(weight).is_half(weight)

    def numbers(self, index: Any, t: int) -> dict[str, Any]:
        """Return numbers that the rule takes and that are no hyperparameters; for subclasses.

        A number that changes with the updates belongs here, as a function of `t`: then a resumed
        run goes on as if it had not stopped.

        Parameters
        ----------
        index : int or str
            What identifies the weight.
        t : int
            The number of updates of this weight, the present one included.

        Returns
        -------
        dict of str to number
            By the name that the rule gives them. They go before a hyperparameter of that name,
            and before `lr`, `wd` and `t`. What the rule does not take is left out.
        """
        return {}

    @staticmethod
    def register(klass: type) -> type:
        """Register an optimizer class under its own name; a decorator.

        Examples
        --------
        >>> import weightopt_core as mx
        >>> @mx.optimizer.Optimizer.register
        ... class MyOptimizer(mx.optimizer.Optimizer):
        ...     pass
        >>> mx.optimizer.Optimizer.create_optimizer("MyOptimizer")
        MyOptimizer()
        """
        return registry.register(klass)

    @staticmethod
    def create_optimizer(name: str, **kwargs: Any) -> Optimizer:
        """Return a new optimizer by its name.

        Parameters
        ----------
        name : str
            Case, hyphens, underscores and dots do not count.
        **kwargs
            Its hyperparameters.

        Raises
        ------
        ValueError
            No optimizer is called so; the message has the nearest names and how to install it.

        Examples
        --------
        >>> import weightopt_core as mx
        >>> mx.optimizer.Optimizer.create_optimizer("adam", learning_rate=0.1)
        Adam(learning_rate=0.1)
        """
        return registry.create(name, **kwargs)

    def _read(self, rule: Rule, indices: Sequence[Any]) -> tuple[list[dict[str, Any]], np.ndarray]:
        """Return the rule's numbers and its constants for each index, equal ones evaluated once."""
        settings = self._settings(rule)
        known: dict[Any, tuple[dict[str, Any], np.ndarray]] = {}
        keys = []
        for index in indices:
            own = self._own_numbers(rule, index)
            key = tuple(own.values())
            keys.append(key)
            if key not in known:
                numbers = self._complete(rule, settings | own)
                known[key] = numbers, rule.constants(numbers)
        return [known[key][0] for key in keys], np.array([known[key][1] for key in keys])

    def _noise_key(self, index: Any) -> tuple[int, int]:
        """Return the stream of the noise of `index` at its present count."""
        if self.noise_seed is None:
            self.noise_seed = random.stream("noise")[0]
        name = self.idx2name.get(index, index)
        return random.stream(f"noise/{name}/{self._index_update_count[index]}", self.noise_seed)

    def _numbers(self, rule: Rule, index: Any) -> dict[str, Any]:
        """Return the numbers that `rule` takes for the present update of `index`."""
        return self._complete(rule, self._settings(rule) | self._own_numbers(rule, index))

    def _settings(self, rule: Rule) -> dict[str, Any]:
        """Return those numbers of `rule` that are the same for every index."""
        return {
            name: _plain(getattr(self, name))
            for name in rule.numbers
            if name not in OWN_NUMBERS and hasattr(self, name)
        }

    def _own_numbers(self, rule: Rule, index: Any) -> dict[str, Any]:
        """Return those numbers of `rule` that belong to the present update of `index`."""
        t = self._index_update_count[index]
        own: dict[str, Any] = {}
        if "lr" in rule.numbers:
            own["lr"] = self._get_lr(index)
        if "wd" in rule.numbers:
            own["wd"] = self._get_wd(index)
        if "t" in rule.numbers:
            own["t"] = t
        for name, value in self.numbers(index, t).items():
            if name in rule.numbers:
                own[name] = _plain(value)
        return own

    def _complete(self, rule: Rule, numbers: dict[str, Any]) -> dict[str, Any]:
        for name in rule.numbers:
            if name not in numbers:
                raise TypeError(
                    f"{type(self).__name__} must define {name!r}: its rule {rule.name!r} takes it"
                )
        return numbers


#: Numbers of a rule that depend on the index that is updated.
OWN_NUMBERS = ("lr", "wd", "t")


def _plain(value: Any) -> Any:
    """Return a number of NumPy as Python's: it would widen a float32 array that it meets."""
    return value.item() if isinstance(value, np.generic) else value


registry = Registry("optimizer", "weightopt.optimizers", Optimizer)
register = registry.register
alias = registry.alias
create = Optimizer.create_optimizer


def __getattr__(name: str) -> Any:
    return registry.attribute(__name__, name)
