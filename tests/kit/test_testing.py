"""The conformance kit: each fault is found by the check that is for it."""

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core import testing
from weightopt_core.algorithm import Conformance
from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Real
from weightopt_core.rule import clip


@mx.update_rule
def step(weight, grad, mom, *, lr, wd, rescale_grad, clip_gradient, momentum):
    grad = clip(rescale_grad * grad, clip_gradient) + wd * weight
    mom = momentum * mom + grad
    return weight - lr * mom, mom


class Sound(mx.Optimizer):
    """Gradient descent with momentum.

    Parameters
    ----------
    momentum : float, optional
        In [0, 1).

    Examples
    --------
    >>> 1 + 1
    2
    """

    momentum = Real(0.5, "[0, 1)")
    rule = step


class SoundInit(mx.Initializer):
    """Fill with a value.

    Parameters
    ----------
    value : float, optional
        The value.

    Examples
    --------
    >>> 1 + 1
    2
    """

    value = Real(0.5)

    def _init_weight(self, name, arr):
        backend_of(arr).fill(arr, self.value)


class SoundSchedule(mx.LRScheduler):
    """Fall with every update.

    Examples
    --------
    >>> 1 + 1
    2
    """

    def __call__(self, num_update):
        return self.base_lr / (1 + num_update)


class WritesGradient(Sound):
    def update(self, index, weight, grad, state):
        super().update(index, weight, grad, state)
        for array in grad if isinstance(grad, list) else [grad]:
            if isinstance(array, np.ndarray) and array.flags.writeable:
                array[...] = 0


class TakesAnything(Sound):
    """Steps with NumPy, unchecked."""

    rule = None

    def create_state(self, index, weight):
        return None

    def update(self, index, weight, grad, state):
        if isinstance(index, list):
            for arguments in zip(index, weight, grad, state):
                self.update(*arguments)
        else:
            self._update_count(index)
            weight -= (self._get_lr(index) * np.asarray(grad)).astype(weight.dtype)


class LooksAway(Sound):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def __setattr__(self, name, value):
        super().__setattr__(name, "propagate" if name == "on_nonfinite" else value)


class OffByABit(Sound):
    def update(self, index, weight, grad, state):
        super().update(index, weight, grad, state)
        if not isinstance(index, list):
            np.nextafter(weight, np.inf, out=weight, where=np.isfinite(weight))


class Forgets(Sound):
    """A number that a checkpoint does not hold."""

    def numbers(self, index, t):
        self.seen = getattr(self, "seen", 0) + 1
        return {"momentum": 0.5 / self.seen}


class Climbs(Sound):
    def numbers(self, index, t):
        return {"lr": -self._get_lr(index)}


class HalfFilled(SoundInit):
    def _init_weight(self, name, arr):
        backend_of(arr).fill(arr[:1], self.value)


class Unseeded(SoundInit):
    def _init_weight(self, name, arr):
        backend_of(arr).copy(arr, np.random.default_rng().normal(size=arr.shape))


class Remembers(SoundSchedule):
    def __call__(self, num_update):
        self.asked = getattr(self, "asked", 0) + 1
        return self.base_lr / self.asked


class Negative(SoundSchedule):
    def __call__(self, num_update):
        return 1.0 - num_update


class Undocumented(Sound):
    """Parameters and examples are of another class.

    Parameters
    ----------
    mementum : float
        Misspelt.
    """


class Unchecked(Sound):
    momentum = Real(0.5, "[0, 1)")

    def __init__(self, momentum=0.5, **kwargs):
        super().__init__(**kwargs)
        vars(self)["momentum"] = momentum


FAULTS = {
    WritesGradient: {"never_writes_the_gradient"},
    TakesAnything: {"refuses_other_shapes", "refuses_other_dtypes", "refuses_what_is_no_array"},
    LooksAway: {"looks_for_what_is_not_finite"},
    OffByABit: {
        "update_has_the_bits_of_the_rule",
        "half_precision_rounds_once",
        "small_states_are_rounded_once",
    },
    Forgets: {"resumes_bit_for_bit", "order_does_not_matter"},
    Climbs: {"minimises_a_quadratic"},
    HalfFilled: {"fills_in_place"},
    Unseeded: {"same_seed_same_numbers", "comes_back_from_dumps"},
    Remembers: {"is_a_pure_function"},
    Negative: {"is_finite_and_not_negative"},
    Undocumented: {"documents_its_arguments"},
    Unchecked: {"refuses_what_its_ranges_forbid"},
}


pytestmark = pytest.mark.usefixtures("isolated")


def failing(cls, names=None):
    """Return why checks fail: those of some names, or all."""
    testing.suite.registry_of(cls).register(cls)
    cases = [case for case in testing.cases(cls) if names is None or case.name in names]
    outcomes = [(case.name, *case.outcome()) for case in cases]
    return {name: why for name, outcome, why in outcomes if outcome == "failed"}


@pytest.mark.parametrize("cls", [Sound, SoundInit, SoundSchedule])
@pytest.mark.usefixtures("on_the_host")
def test_what_is_sound_passes(cls):
    assert failing(cls) == {}


@pytest.mark.parametrize("cls", FAULTS, ids=lambda cls: cls.__name__)
def test_faults_are_found(cls):
    assert failing(cls, FAULTS[cls]).keys() == FAULTS[cls]


def test_what_nobody_finds_by_name_fails():
    (case,) = [case for case in testing.cases(Sound) if case.name == "found_by_its_name"]
    outcome, why = case.outcome()
    assert outcome == "failed"
    assert "no entry point of group 'weightopt.optimizers' names it; install its package" in why


@pytest.mark.usefixtures("on_the_host")
def test_all_failures_are_named_at_once():
    mx.optimizer.register(TakesAnything)
    with pytest.raises(AssertionError, match="refuses_other_shapes-cpu: ") as caught:
        testing.check_optimizer(TakesAnything)
    assert "refuses_other_dtypes-cpu: " in str(caught.value)


@pytest.mark.usefixtures("on_the_host")
def test_an_expected_failure_has_to_fail():
    mx.optimizer.register(Climbs)
    testing.check_optimizer(Climbs, {"minimises_a_quadratic": "it climbs"})
    mx.optimizer.register(Sound)
    with pytest.raises(AssertionError, match="it passes, and was expected to fail: never"):
        testing.check_optimizer(Sound, {"minimises_a_quadratic": "never"})
    with pytest.raises(ValueError, match="no check 'minimizes_a_quadratic'; did you mean 'minimis"):
        testing.check_optimizer(Sound, {"minimizes_a_quadratic": "spelling"})


def test_expected_failures_may_be_declared():
    class Declared(Climbs):
        conformance = Conformance(expected_failures={"minimises_a_quadratic": "it climbs"})

    assert failing(Declared, {"minimises_a_quadratic"}) == {}


@pytest.mark.parametrize("cls", [Sound, object, 3])
def test_the_kind_has_to_fit(cls):
    with pytest.raises(TypeError, match="expected a"):
        testing.check_initializer(cls)


def test_further_devices(monkeypatch):
    source = testing.arrays.cpu
    monkeypatch.setattr(testing.arrays, "_SOURCES", [source])
    testing.add_makers(lambda: [testing.Maker("other", np.copy, np.copy, [np.dtype("float32")])])
    try:
        names = {case.maker.name for case in testing.cases(Sound) if case.maker}
        assert names == {"cpu", "other"}
    finally:
        testing.makers.cache_clear()


def test_what_was_drawn_and_registered_is_as_before():
    mx.random.seed(3)
    before = mx.random.get_state()
    mx.init.register(SoundInit)
    testing.check_initializer(SoundInit)
    assert mx.random.get_state() == before
    assert "sevenths" not in mx.init.registry.names()
