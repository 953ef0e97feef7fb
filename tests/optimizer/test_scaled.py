"""Gradients that are multiplied in the pass that steps: the bits of doing one after the other."""

import ml_dtypes
import numpy as np
import pytest

import weightopt_core as wo
from weightopt_core.optimizer import HostOptimizer, update_scaled
from weightopt_core.rule import mean, norm
from weightopt_core.testing.arrays import same_bits

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
#: One factor, and as many as a norm of float64 beside a tiny limit takes.
LIMITS = [1e-3, 1e-44]
#: A part, several, one that is not whole, and none.
SIZES = [(3,), (20_000,), (70, 1001), (0,)]


@wo.update_rule
def measured(weight, grad, mom, *, lr, wd):
    mom = mom + grad * mean(grad * grad)
    return weight - lr * (mom + wd * weight) / (1 + norm(grad)), mom


class Measured(wo.Optimizer):
    rule = measured


class Whole(HostOptimizer):
    def compute(self, weight, grad, *, lr):
        return (weight - lr * grad,)


def flat(state):
    if isinstance(state, (tuple, list)):
        return [array for part in state for array in flat(part)]
    return [] if state is None else [state]


def draw(seed, dtype, scale=1.0):
    rng = np.random.default_rng(seed)
    return [(scale * rng.normal(size=size)).astype(dtype) for size in SIZES]


def run(optimizer, dtype, scale, clip=None):
    """Return all weights and states after three steps; `clip` clips gradients before."""
    optimizer.noise_seed = 5
    weights = draw(1, dtype)
    indices = list(range(len(weights)))
    states = [optimizer.create_state(*pair) for pair in zip(indices, weights)]
    for seed in range(2, 5):
        grads = draw(seed, dtype, scale)
        if clip is not None:
            wo.optimizer.clip_global_norm(grads, clip)
        before = [grad.copy() for grad in grads]
        optimizer.update(indices, weights, grads, states)
        assert all(map(same_bits, grads, before))
    return weights + flat(states)


def check(create, dtype, scale=1.0):
    for limit in LIMITS:
        expected = run(create(), dtype, scale, limit)
        clipped = wo.optimizer.create("clipglobalnorm", optimizer=create(), max_norm=limit)
        assert all(map(same_bits, run(clipped, dtype, scale), expected))


@every_dtype
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", ["sgd", "adam", "lamb", "sgld"])
def test_as_clipped_before(name, threads, dtype):
    wo.set_num_threads(threads)
    check(lambda: wo.optimizer.create(name, wd=0.01, rescale_grad=0.3), dtype)
    wo.set_num_threads(None)


@pytest.mark.parametrize("dtype", DTYPES[:3], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("form", [{"multi_precision": True}, {"state_dtype": "bfloat16"},
                                  {"state_dtype": "int8", "multi_precision": True}])  # fmt: skip
@pytest.mark.parametrize("name", ["adam", "lamb"])
def test_as_clipped_before_with_states_of_every_form(name, form, dtype):
    check(lambda: wo.optimizer.create(name, **form), dtype)


def test_a_gradient_of_float32_beside_a_master_copy():
    runs = []
    for clipped in (False, True):
        optimizer = wo.optimizer.create("adam", multi_precision=True)
        if clipped:
            optimizer = wo.optimizer.create("clipglobalnorm", optimizer=optimizer, max_norm=0.5)
        weight, grad = np.ones(1000, np.float16), draw(0, np.float32)[1][:1000]
        state = optimizer.create_state(0, weight)
        if not clipped:
            wo.optimizer.clip_global_norm([grad], 0.5)
        optimizer.update(0, weight, grad, state)
        runs.append([weight, *state])
    assert all(map(same_bits, *runs))


@every_dtype
def test_a_rule_that_is_not_compiled(dtype):
    assert measured.compiled.kernel is None
    check(Measured, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_computes_with_numpy_is_given_copies(dtype):
    check(Whole, dtype)


@pytest.mark.parametrize(
    "held",
    [
        ["ema", {"optimizer": "adam"}],
        ["accumulate", {"optimizer": "sgd", "steps": 2}],
        ["mixed", {"patterns": ["0", ".*"], "optimizers": ["sgd", "adam"]}],
    ],
)
def test_what_holds_others_is_given_copies(held):
    check(lambda: wo.optimizer.create(held), np.float32)


def test_norms_far_beyond_the_range_of_float32():
    check(lambda: wo.optimizer.create("adam"), np.float64, 1e300)


def test_some_weights_frozen_or_with_rates_of_their_own():
    def create():
        optimizer = wo.optimizer.create("adam", param_idx2name={0: "a", 1: "b", 2: "c", 3: "d"})
        optimizer.set_for("a", lr_mult=0.5)
        optimizer.set_for("c", beta1=0.5)
        return optimizer

    check(create, np.float32)
    optimizer = wo.optimizer.create("clipglobalnorm", optimizer=create(), max_norm=1.0)
    optimizer.freeze("b")
    weights = [np.zeros(1), np.zeros(1)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    optimizer.update([0, 1], weights, [np.array([0.5]), np.array([1e9])], states)
    assert (optimizer.norm, weights[1][0]) == (0.5, 0)


@pytest.mark.parametrize("factors", [(), (0.5,), (0.5, 0.25)])
def test_factors_may_be_none_or_several(factors):
    weight = np.zeros(3)
    update_scaled(wo.optimizer.create("sgd", learning_rate=1), [0], [weight], [np.ones(3)], [None],
                  factors)  # fmt: skip
    assert (weight == -np.prod(factors)).all()


def test_a_step_after_it_takes_gradients_as_they_are():
    optimizer = wo.optimizer.create("sgd", learning_rate=1)
    weight, grad = np.zeros(3), np.ones(3)
    for factors in ((0.5,), ()):
        update_scaled(optimizer, [0], [weight], [grad], [None], factors)
    optimizer.update(0, weight, grad, None)
    assert (weight == -2.5).all()
