"""The base class of all optimizers."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Any, ClassVar

from .. import written
from ..algorithm import Algorithm
from ..backends import backend_of
from ..backends.interface import STATE_DTYPES
from ..errors import wording
from ..hyperparameters import Choice, Flag, Instance, Integer, LearningRate, Names, Real
from ..kinds import OPTIMIZER
from ..lr_scheduler import Schedule, rate_of, start_from
from ..registry import Registry
from ..rule import Rule
from ..written import plain
from .by_name import NamedSettings
from .guard import CHOICES, PROPAGATE, Guarded, admits
from .lists import check_lists, one_by_one
from .rates import Counts, Rates, View
from .states import created, keeps_master
from .stepper import Stepper

#: What a subclass overrides to say itself what the counts and rates of each index are.
_BY_INDEX = ("_update_count", "_get_lr", "_get_wd")


class Optimizer(Algorithm, NamedSettings):
    """Base class of all optimizers.

    A subclass names its `rule`, an update rule made with `weightopt_core.update_rule`, and declares
    the hyperparameters that the rule takes. Or it overrides `create_state` and `update`, and
    computes as it likes with NumPy.

    Parameters
    ----------
    rescale_grad : float, optional
        The gradient is multiplied by it first; often one over the batch size.
    param_idx2name : dict of int to str, optional
        Names of the parameters by index; an index that is a str is its own name. A parameter with a
        name decays only if the name ends in ``_weight`` or ``_gamma``, in these with ``.`` or ``/``
        for ``_``, or in ``kernel``.
    wd : float, optional
        Weight decay, at least 0.
    clip_gradient : float, optional
        Every element of the gradient is limited to ``[-clip_gradient, clip_gradient]``; above 0.
    learning_rate : float, optional
        At least 0. With a scheduler it is the scheduler's initial rate.
    lr_scheduler : LRScheduler or callable, optional
        Gives the learning rate of each update from `num_update`; the optimizer works with a copy of
        it. A plain function has no initial rate; `learning_rate` is not used as long as there is
        one.
    sym : object, optional
        Anything with ``list_arguments()`` and ``attr_dict()``, whose attributes ``__lr_mult__``
        and ``__wd_mult__`` are the default multipliers.
    begin_num_update : int, optional
        The number of updates that went before, at least 0.
    multi_precision : bool, optional
        Keep a float32 copy of each 16-bit weight in its state and update that. Weights of other
        types have the precision already.
    state_dtype : {"bfloat16", "int8"}, optional
        Keep the rule's states in bfloat16, or in 8 bits by blocks of 256 elements with a scale of
        their own, beside weights of float32 or 16 bits. Each new state is computed in float32 and
        rounded stochastically, up or down by chance, so that in the mean nothing is lost; a master
        copy stays float32. bfloat16 needs ml_dtypes. By default the states have the dtype that the
        weight is computed from.
    on_nonfinite : {"propagate", "raise", "skip"}, optional
        What a call of `update` does where a gradient that it is given holds an infinity or NaN.
        ``"propagate"`` computes with it, and looks at nothing. Otherwise all gradients of the call
        are looked through first: ``"raise"`` raises FloatingPointError, and ``"skip"`` leaves the
        whole call out, with a warning the first time. In both cases nothing changes or is counted.

    Attributes
    ----------
    num_update : int
        The largest number of updates that any one parameter has seen.
    skipped : int
        How many calls ``on_nonfinite="skip"`` has left out; a copy goes on from it.
    lr_mult, wd_mult : dict
        Multipliers by index or name.
    inner : tuple of Optimizer
        The optimizers that it steps, where it is made of others; their counts are saved with its.
    """

    rescale_grad = Real(1.0)
    param_idx2name = Names(None, optional=True)
    wd = Real(0.0, "[0, inf)")
    clip_gradient = Real(None, "(0, inf)", optional=True)
    learning_rate = LearningRate(0.01, "[0, inf)")
    lr_scheduler = Schedule(None, optional=True)
    sym = Instance(None, ("list_arguments", "attr_dict"), optional=True)
    begin_num_update = Integer(0, "[0, 4e18]")
    multi_precision = Flag(False, kw_only=True)
    state_dtype = Choice(None, STATE_DTYPES, optional=True, kw_only=True)
    on_nonfinite = Choice(PROPAGATE, CHOICES, kw_only=True)

    #: How the weight and the states change; None where `update` is overridden.
    rule: Rule | None = None
    inner: tuple[Optimizer, ...] = ()
    #: The state of the rule that stands for the weight at which a gradient was computed, if there
    #: is one: where gradients come late, a key-value store can know that weight.
    pulled_state: ClassVar[str | None] = None

    #: Whether `numbers` takes from an index nothing but its rates and its count: then it is asked
    #: once for all indices of a call that have these in common.
    numbers_by_group: ClassVar[bool] = False

    _rates: Rates
    _stepper: Stepper
    noise_seed: int | None = None
    _has_momentum: bool = False
    _rate: Any = 0.01
    _has_numbers: ClassVar[bool] = False
    _by_index: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._has_numbers = cls.numbers is not Optimizer.numbers
        cls._by_index = any(
            getattr(cls, name) is not getattr(Optimizer, name) for name in _BY_INDEX
        )

        declared = inspect.getattr_static(cls, "learning_rate")
        is_own = isinstance(declared, LearningRate)
        cls._rate = declared.default if is_own else property(attrgetter("learning_rate"))
        owner = next(base for base in cls.__mro__ if "update" in vars(base))
        is_own = owner is cls or not issubclass(owner, Optimizer)
        if is_own and not hasattr(cls.update, "takes_lists"):
            cls.update = one_by_one(cls.update)  # type: ignore[method-assign]

    def _prepare(self) -> None:
        self._join(Rates(self.begin_num_update, self.param_idx2name or {}, self.sym))
        self.noise_seed = getattr(self, "seed", None)
        self._start(self.lr_scheduler)

    def _start(self, scheduler: Any) -> None:
        """Let a scheduler begin at the learning rate, if one was given."""
        if scheduler is not None:
            start_from(scheduler, self._rate, "learning_rate" in self.given())

    def _take(self, name: str, value: Any) -> None:
        """Let a hyperparameter that is set later take effect as if it had been given."""
        if not self._is_prepared:
            return
        if name == "lr_scheduler":
            self._start(value)
        elif name == "param_idx2name":
            self._rates.change(names=dict(value or {}))
        elif name == "sym":
            self._rates.change(sym=value)
        elif name == "wd" and value and not self.wd:
            self._rates.is_looked_through = False
        elif name == "seed":
            self.noise_seed = value

    def __copy__(self) -> Optimizer:
        """Return an optimizer that counts for itself, with a scheduler of its own."""
        twin = object.__new__(type(self))
        scheduler = copy.copy(self.lr_scheduler)
        vars(twin).update(vars(self))
        twin._join(copy.copy(self._rates))
        if scheduler is not None:
            vars(twin)["lr_scheduler"] = scheduler
        return twin

    def _join(self, rates: Rates) -> None:
        """Go by counts and multipliers that other optimizers may go by too."""
        self._rates = rates
        self._stepper = Stepper(rates, self._has_numbers, self._by_index)

    def _counted(self) -> list[Rates]:
        """Return where this and what it holds counts, each once."""
        return [self._rates]

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
            None for a rule without states, an array for one state, a tuple for several; each array
            has the weight's shape and dtype. With ``multi_precision`` and a 16-bit weight it is a
            tuple of float32 arrays: the states, and last a copy of the weight. With ``state_dtype``
            the states are bfloat16, or each is a row of bytes.

        Raises
        ------
        ValueError
            ``state_dtype`` is set, and the weight is float64, or the rule draws noise.
        ImportError
            `state_dtype` is ``"bfloat16"``, and ml_dtypes is not installed.
        """
        return created(self, weight)

    def initial_states(self, weight: Any) -> Sequence[Any]:
        """Return the initial array of each state of the rule, by default zeros."""
        return [backend_of(weight).zeros_like(weight) for _ in self.rule.states]  # type: ignore

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update a weight and its state in place, or several weights and their states at once.

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
        FloatingPointError
            A gradient holds an infinity or NaN, and `on_nonfinite` is ``"raise"``; then nothing has
            changed.
        """
        rule = self.rule
        if rule is None:
            raise NotImplementedError(f"{type(self).__name__} must set rule or implement update()")
        guarded = self.on_nonfinite != PROPAGATE
        if not isinstance(index, (list, tuple)):
            if not guarded or admits(self, (index,), (grad,)):
                self._stepper.step(self, rule, (index,), (weight,), (grad,), (state,))
            return
        if type(index) is not list:
            index = tuple(index)
        check_lists(len(index), weight=weight, grad=grad, state=state)
        if index and (not guarded or admits(self, index, grad)):
            self._stepper.step(self, rule, index, weight, grad, state)

    def _check(
        self,
        indices: Sequence[Any],
        weights: Sequence[Any],
        grads: Sequence[Any],
        states: Sequence[Any],
    ) -> None:
        """Raise what `update` would raise of these lists; nothing is counted or changed.

        Of an `update` that a subclass has written nothing is known.
        """
        if (rule := self._stepped_rule) is not None:
            self._stepper.check(self, rule, indices, weights, grads, states)

    @property
    def _stepped_rule(self) -> Rule | None:
        """The rule, where a step is that and nothing else; None where `update` is overridden."""
        return self.rule if type(self).update is Optimizer.update else None

    def _guarded(self, indices: Sequence[Any], grads: Sequence[Any]) -> list[Guarded]:
        """Return those that look through gradients of a call, each with the part it steps."""
        return [] if self.on_nonfinite == PROPAGATE else [Guarded(self, indices, grads)]

    def _master(self, index: Any, weight: Any, state: Any) -> Any:
        """Return the master copy of a weight that its state has, or None."""
        if self.rule is None or not keeps_master(self, weight):
            return None
        return state[-1] if isinstance(state, (tuple, list)) else state

    def _check_saved(self) -> None:
        """Raise ValueError where the states must not be saved as they are at present."""
        for one in self.inner:
            one._check_saved()

    def numbers(self, index: Any, t: int) -> dict[str, Any]:
        """Return numbers that the rule takes and that are no hyperparameters; for subclasses.

        A number that changes with the updates belongs here, as a function of `t`: then a resumed
        run goes on as if it had not stopped. It is called before the update is made, more than
        once where other threads step the same weight, and sees the counts with this update. Where
        it takes from the index nothing but rates and count, say ``numbers_by_group = True`` in the
        class: a call of many weights then asks once for those that have both in common.

        Parameters
        ----------
        index : int or str
            What identifies the weight.
        t : int
            The number of updates of this weight, the present one included.

        Returns
        -------
        dict of str to number
            By the name that the rule gives them. They override a hyperparameter of that name, and
            `lr`, `wd` and `t`. What the rule does not take is left out.
        """
        return {}

    def numbers_at(
        self, index: Any, t: int, *, lr: float | None = None, wd: float | None = None
    ) -> dict[str, Any]:
        """Return what the rule takes by keyword at update `t` of a weight; nothing is counted.

        It is for whoever keeps weights, states and counts elsewhere and steps with ``rule.on``.

        Parameters
        ----------
        index : int or str
            What identifies the weight.
        t : int
            The number of its updates, the present one included; `num_update` equals it meanwhile.
        lr, wd : float, optional
            They stand in for the rate and the decay with schedule and multipliers applied.

        Examples
        --------
        >>> import weightopt_core as wo
        >>> sgd = wo.optimizer.create("sgd", momentum=0.9)
        >>> sorted(sgd.numbers_at(0, 1, lr=0.5))
        ['clip_gradient', 'lr', 'momentum', 'rescale_grad', 'wd']
        """
        rates = _given(lr=lr, wd=wd)
        return self._stepper.all_numbers_at(self, self._own_formula(), index, t, rates)

    def constants(
        self,
        index: Any,
        t: int,
        *,
        lr: float | None = None,
        wd: float | None = None,
        reduced: Sequence[float] = (),
    ) -> tuple[float, ...]:
        """Return the numbers that arrays meet at update `t` of a weight, as a step evaluates them.

        They are in the order of ``rule.on(namespace).constants``, in double; each rounds once to
        the type of the arrays. Nothing is counted.

        Parameters
        ----------
        index, t, lr, wd
            As for `numbers_at`.
        reduced : sequence of float
            The rule's reductions. Without them the constants that depend on one are left out.

        Examples
        --------
        >>> import weightopt_core as wo
        >>> sgd = wo.optimizer.create("sgd", learning_rate=0.5)
        >>> dict(zip(sgd.rule.lowered.constants, sgd.constants(0, 1)))
        {'1 - lr * wd': 1.0, 'rescale_grad': 1.0, 'clip.bound(clip_gradient)': inf, 'lr': 0.5}
        """
        rule = self._own_rule()
        if reduced:
            return rule.evaluate(self.numbers_at(index, t, lr=lr, wd=wd), reduced)
        return self._stepper.constants_at(self, rule, index, t, _given(lr=lr, wd=wd))

    @property
    def _formula(self) -> Any:
        """What a step hands numbers to: the rule, or None where `update` is overridden."""
        return self.rule

    def _own_formula(self) -> Any:
        if self._formula is None:
            got = f"{type(self).__name__}, which overrides update()"
            raise TypeError(wording("optimizer", "one with a rule", got))
        return self._formula

    def _own_rule(self) -> Rule:
        formula = self._own_formula()
        if self.rule is None or formula is not self.rule:
            got = f"{type(self).__name__}, which computes with NumPy"
            raise TypeError(wording("optimizer", "one with a rule", got))
        return self.rule

    def _numbers_at(self, rule: Rule, index: Any, turn: Any) -> dict[str, Any]:
        """Return the numbers that `rule` takes for an update that is not counted yet."""
        return self._stepper.numbers_at(self, rule, index, turn)

    #: Equal for indices of equal multipliers and counts.
    _numbers_at.by_group = True  # type: ignore[attr-defined]

    def _numbers_of_each(self, rule: Rule, index: Any, turn: Any) -> dict[str, Any]:
        """Return the same, where they may depend on more than that."""
        return self._numbers_at(rule, index, turn)

    def _numbers(self, rule: Rule, index: Any) -> dict[str, Any]:
        """Return the numbers that `rule` takes for the present update of `index`."""
        return self._stepper.numbers(self, rule, index)

    @property
    def num_update(self) -> int:
        """The largest number of updates that any one parameter has seen."""
        return self._rates.counts.num_update

    @num_update.setter
    def num_update(self, value: int) -> None:
        self._rates.counts.num_update = value

    @property
    def skipped(self) -> int:
        """How many calls ``on_nonfinite="skip"`` has left out."""
        return self._shared().calls.skipped

    @property
    def _index_update_count(self) -> Counts | View:
        return self._rates.counts

    @_index_update_count.setter
    def _index_update_count(self, values: Mapping[Any, int]) -> None:
        self._rates.true.replace(values, self._rates.true.num_update)

    @property
    def idx2name(self) -> Mapping[Any, str]:
        """Names of the parameters by index; to change them, set it."""
        return MappingProxyType(self._rates.multipliers.names)

    @idx2name.setter
    def idx2name(self, names: Mapping[Any, str]) -> None:
        self.param_idx2name = dict(names)

    @property
    def lr_mult(self) -> Mapping[Any, float]:
        """Multipliers of the learning rate by index or name; see `set_lr_mult`."""
        return MappingProxyType(self._rates.multipliers.lr)

    @property
    def wd_mult(self) -> Mapping[Any, float]:
        """Multipliers of the weight decay by index or name; see `set_wd_mult`."""
        return MappingProxyType(self._rates.multipliers.wd)

    @property
    def lr(self) -> float:
        """The learning rate in use, before any multiplier; the same as `learning_rate`."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: float) -> None:
        self.learning_rate = value

    def set_learning_rate(self, lr: float) -> None:
        """Set the learning rate, as ``learning_rate = lr`` does.

        Raises
        ------
        TypeError, ValueError
            It is no number of at least 0, or a scheduler gives the rate.
        """
        self.learning_rate = lr

    def reset(self, index: Any = None) -> None:
        """Forget how often a weight was updated, or all weights: they begin anew.

        States belong to whoever keeps them: take them out of `Updater.states` too.

        Parameters
        ----------
        index : int or str, optional
            What identifies the weight; by default all are forgotten, and `num_update` is
            `begin_num_update` again. With an index `num_update` stays, since the schedule goes on.

        Raises
        ------
        KeyError
            The weight was never updated.
        """
        counted = [rates.true for rates in self._counted()]
        if index is None:
            for counts in counted:
                counts.replace({}, self.begin_num_update)
            return
        counted = [counts for counts in counted if index in counts]
        if not counted:
            raise KeyError(index)
        for counts in counted:
            del counts[index]

    def set_lr_mult(self, args_lr_mult: dict[Any, float]) -> None:
        """Set the learning-rate multipliers of single parameters, and forget earlier ones.

        Parameters
        ----------
        args_lr_mult : dict of str or int to float
            Multipliers, at least 0, by name or index; an index overrides a name. They override the
            attributes ``__lr_mult__`` of `sym`.

        Raises
        ------
        ValueError
            Names are known and a key is none of them.
        """
        self._rates.change(lr=args_lr_mult)

    def set_wd_mult(self, args_wd_mult: dict[Any, float]) -> None:
        """Set the weight-decay multipliers of single parameters, and forget earlier ones.

        Parameters
        ----------
        args_wd_mult : dict of str or int to float
            Multipliers, at least 0, by name or index; an index overrides a name. They override the
            attributes ``__wd_mult__`` of `sym`, and these override the default of 0 for names that
            do not decay.

        Raises
        ------
        ValueError
            Names are known and a key is none of them.
        """
        self._rates.change(wd=args_wd_mult)

    def set_lr_scale(self, args_lrscale: dict[Any, float]) -> None:
        """Raise DeprecationWarning: use `set_lr_mult`."""
        raise DeprecationWarning("set_lr_scale is gone; use set_lr_mult")

    def _update_count(self, index: Any) -> None:
        """Count one more update of `index`; for subclasses that count in another way.

        It is called before the update is made, on counts that nobody else sees yet.
        """
        counts = self._index_update_count
        counts[index] = count = counts.get(index, self.begin_num_update) + 1
        self.num_update = max(count, self.num_update)

    def _get_lr(self, index: Any) -> float:
        """Return the learning rate of `index` at the present count."""
        return self._base_lr(self.num_update) * self._rates.multipliers.of_lr(index)

    def require_lr(self, index: Any) -> None:
        """Raise ValueError unless the learning rate of `index` is above 0.

        A subclass whose rule divides by the rate calls it in `numbers`: a multiplier or a scheduler
        may give 0, whatever the range of `learning_rate`.
        """
        lr = self._get_lr(index)
        if not lr > 0:
            remedy = "to keep a weight as it is, do not update it"
            raise ValueError(wording(f"lr of {index!r}", "a number above 0", repr(lr), remedy))

    def _base_lr(self, num_update: int) -> float:
        """Return the learning rate before multipliers."""
        scheduler = self.lr_scheduler
        return self._rate if scheduler is None else rate_of(scheduler, num_update)

    def _rate_at_present(self) -> float:
        """Return the learning rate in use; a scheduler is asked about the present count."""
        return self._rate if self.lr_scheduler is None else self._base_lr(self.num_update)

    def _get_wd(self, index: Any) -> float:
        """Return the weight decay of `index`."""
        return self.wd * self._rates.multipliers.of_wd(index)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that make an equal one, and the multipliers where they are set."""
        if self.sym is not None:
            remedy = "give param_idx2name, and its multipliers to set_lr_mult and set_wd_mult"
            raise TypeError(wording("sym", "None, since it cannot be written down", "one", remedy))
        given = self._rates.given
        multipliers = {"lr_mult": given.lr, "wd_mult": given.wd}
        written = {name: plain(name, values) for name, values in multipliers.items() if values}
        return super().arguments() | written | given.by_name.written()

    @classmethod
    def from_arguments(cls, arguments: dict[str, Any]) -> Any:
        """Return what `arguments` came from."""
        rest = dict(arguments)
        multipliers = {name: rest.pop(name, ()) for name in ("lr_mult", "wd_mult")}
        by_name = [rest.pop(name, ()) for name in ("settings", "frozen")]
        optimizer = super().from_arguments(rest)
        if any(by_name):
            optimizer._take_written(*by_name)
        for name, values in multipliers.items():
            if values:
                getattr(optimizer, f"set_{name}")(dict(values))
        return optimizer

    def dumps(self) -> str:
        """Return the optimizer as JSON text, which `create` turns into an equal one.

        It has the class by name, what was set of its hyperparameters, the scheduler and the
        multipliers; counts and states are what `Updater.save` keeps.

        Raises
        ------
        TypeError
            The class is neither registered nor installed, or a value has no such form: `sym`, or
            a scheduler that is a plain function.

        Examples
        --------
        >>> import weightopt_core as wo
        >>> text = wo.optimizer.create("adam", learning_rate=0.01).dumps()
        >>> text
        '["adam", {"learning_rate": 0.01}]'
        >>> wo.optimizer.create(text)
        Adam(learning_rate=0.01)
        """
        return written.dumps(registry.name_of(type(self)), self.arguments())

    @staticmethod
    def register(klass: type) -> type:
        """Register an optimizer class under its own name; a decorator.

        Examples
        --------
        >>> import weightopt_core as wo
        >>> @wo.optimizer.Optimizer.register
        ... class MyOptimizer(wo.optimizer.Optimizer):
        ...     pass
        >>> wo.optimizer.Optimizer.create_optimizer("MyOptimizer")
        MyOptimizer()
        """
        return registry.register(klass)

    @staticmethod
    def create_optimizer(name: str, **kwargs: Any) -> Optimizer:
        """Return a new optimizer by its name.

        Parameters
        ----------
        name : str
            Case, hyphens, underscores and dots do not count. Or what `dumps` returned.
        **kwargs
            Its hyperparameters.

        Raises
        ------
        ValueError
            No optimizer has that name; the message has the nearest names and how to install it.

        Examples
        --------
        >>> import weightopt_core as wo
        >>> wo.optimizer.Optimizer.create_optimizer("adam", learning_rate=0.1)
        Adam(learning_rate=0.1)
        """
        return registry.create(name, **kwargs)


def _given(**rates: float | None) -> dict[str, float]:
    return {name: rate for name, rate in rates.items() if rate is not None}


registry = Registry(OPTIMIZER.name, OPTIMIZER.group, Optimizer)
register = registry.register
alias = registry.alias
create = Optimizer.create_optimizer
