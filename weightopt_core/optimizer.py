"""Optimizers: the base class, and every installed optimizer by its name.

>>> import weightopt_core as mx
>>> mx.optimizer.create("sgd", learning_rate=0.1)
SGD(learning_rate=0.1)
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from .algorithm import Algorithm
from .backends import backend_of
from .backends.states import ROUNDED, check_state_dtype
from .clipping import clip_global_norm, global_norm
from .errors import wording
from .hyperparameters import Choice, Flag, Instance, Integer, LearningRate, Real
from .kernels.calls import Calls  # type: ignore[import-not-found]
from .lr_scheduler import LRScheduler
from .many import check_lists
from .multipliers import Multipliers
from .numbers import Numbers
from .rates import Counts
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


class Optimizer(Numbers, Algorithm):
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
    state_dtype : {"bfloat16"}, optional
        Keep the rule's states in bfloat16 beside weights of float32 or 16 bits. Each new state is
        computed in float32 and rounded stochastically, up or down by chance, so that in the mean
        nothing is lost; a master copy stays float32. Needs ml_dtypes. By default the states have
        the dtype that the weight is computed from.

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
    state_dtype = Choice(None, ("bfloat16",), optional=True, kw_only=True)

    #: How the weight and the states change; None where `update` is overridden.
    rule: Rule | None = None

    def _prepare(self) -> None:
        self._calls = Calls()
        self._streams = {}
        self._counts = Counts({}, self.begin_num_update)
        self._multipliers = Multipliers({}, {}, dict(self.param_idx2name or {}))
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
            last a copy of the weight. With ``state_dtype`` the states are bfloat16.

        Raises
        ------
        ValueError
            ``state_dtype`` is set, and the weight is float64, or the rule draws noise.
        ImportError
            ``state_dtype`` is set, and ml_dtypes is not installed.
        """
        if self.rule is None:
            return None
        if self._keeps_master(weight):
            master = backend_of(weight).to_float32(weight)
            return (*self._stored(master), master)
        states = tuple(self._stored(weight))
        return states if len(states) > 1 else states[0] if states else None

    def _stored(self, weight: Any) -> Sequence[Any]:
        """Return the initial states in the dtype that they are kept in."""
        states = self.initial_states(weight)
        if not self._kept(self.rule) & ROUNDED:
            return states
        backend = backend_of(weight)
        check_state_dtype(backend.view(weight, "weight").dtype.name)
        return [backend.to_bfloat16(state) for state in states]

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
        if isinstance(index, (list, tuple)):
            check_lists(len(index), weight=weight, grad=grad, state=state)
            if index:
                self._step(index, weight, grad, state)
        else:
            self._step((index,), (weight,), (grad,), (state,))

    def _step(
        self,
        indices: Sequence[Any],
        weights: Sequence[Any],
        grads: Sequence[Any],
        states: Sequence[Any],
    ) -> None:
        rule = self.rule
        if rule is None:
            raise NotImplementedError(f"{type(self).__name__} must set rule or implement update()")
        call = self._calls.find(indices, self._counts)
        if self._by_index:
            self._step_by_index(rule, call, weights, grads, states)
            return
        constants = self._constants_ahead(rule, call)
        kept = self._kept(rule)
        keys = self._keys(rule, kept, indices, call.counts_ahead)
        given = rule, weights, grads, states, kept
        step = constants, keys, call.indices, self._numbers
        if call.bound is not None and call.bound.again(*given, call, *step):
            return
        bound = self._bind(call, *given)
        call.commit()
        try:
            bound.run(*step)
        except Exception:
            call.uncommit()
            raise

    def _step_by_index(
        self,
        rule: Rule,
        call: Any,
        weights: Sequence[Any],
        grads: Sequence[Any],
        states: Sequence[Any],
    ) -> None:
        """Step where a subclass says what the counts or rates of each index are."""
        before = self.num_update, [self._counts.get(index) for index in call.indices]
        try:
            for index in call.indices:
                self._update_count(index)
            constants = self._constants_by_index(rule, call.indices)
            kept = self._kept(rule)
            counts = lambda: [self._counts[index] for index in call.indices]  # noqa: E731
            keys = self._keys(rule, kept, call.indices, counts)
            given = rule, weights, grads, states, kept
            step = constants, keys, call.indices, self._numbers
            if call.bound is not None and call.bound.again(*given, None, *step):
                return
            self._bind(call, *given).run(*step)
        except Exception:
            self._restore_counts(call.indices, *before)
            raise

    def _bind(self, call: Any, rule: Rule, weights: Sequence[Any], *given: Any) -> Any:
        """Return the checked arrays of a step; what was kept of the last such call helps."""
        call.bound = backend_of(weights[0]).bind(rule, weights, *given, call.bound)
        return call.bound

    def _kept(self, rule: Rule | None) -> int:
        """Return how states are kept, as `bind` takes it."""
        if self.state_dtype is None or rule is None or not rule.states:
            return int(self.multi_precision)
        if rule.draws:
            expected = f"None for the rule {rule.name!r}, which draws noise"
            raise ValueError(wording("state_dtype", expected, repr(self.state_dtype)))
        return self.multi_precision | ROUNDED

    def _keys(
        self, rule: Rule, kept: int, indices: Sequence[Any], counts: Callable[[], Sequence[int]]
    ) -> list[tuple[int, int]]:
        """Return the keys of the noise or of the rounding of a step; none where it has neither."""
        if rule.draws:
            return self._noise_keys(indices, counts())
        return self._rounding_keys(indices, counts()) if kept & ROUNDED else []

    def _keeps_master(self, weight: Any) -> bool:
        return self.multi_precision and backend_of(weight).is_half(weight)

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


registry = Registry("optimizer", "weightopt.optimizers", Optimizer)
register = registry.register
alias = registry.alias
create = Optimizer.create_optimizer


def __getattr__(name: str) -> Any:
    return registry.attribute(__name__, name)
