import inspect

import numpy as np
import pytest
from weightopt_lars import LARS

import weightopt_core as wo

#: The formula here rounds in another order; what that adds up to in 20 steps.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-13)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(LARS)) == "(momentum=0.0, eta=0.001, eps=0.0, **kwargs)"


@each_dtype
@pytest.mark.parametrize("mu", [0.0, 0.7])
def test_equals_the_papers_algorithm_1(mu, dtype, rtol):
    gamma, eta, eps, beta, scale, bound = 2.0, 0.1, 0.01, 0.03, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(20, 4, 5))
    lars = LARS(mu, eta, eps, learning_rate=gamma, wd=beta, rescale_grad=scale, clip_gradient=bound)
    w = np.linspace(-1, 1, 20).reshape(4, 5)
    weight = w.astype(dtype)
    state = lars.create_state(0, weight)
    v = 0.0
    for grad in grads.astype(dtype):
        lars.update(0, weight, grad, state)
        g = scale * grad.astype(float)
        rate = eta * np.linalg.norm(w) / (np.linalg.norm(g) + beta * np.linalg.norm(w) + eps)
        # With one rate for all updates it does not matter that the paper has it in the state.
        v = mu * v + gamma * rate * (np.clip(g, -bound, bound) + beta * w)
        w = w - v
        np.testing.assert_allclose(weight, w, rtol=rtol, atol=rtol)


def test_a_change_of_the_rate_acts_on_the_whole_step():
    lars, weight = LARS(0.5, learning_rate=1.0, eta=0.5), np.array([4.0])
    state = lars.create_state(0, weight)
    lars.update(0, weight, np.array([1.0]), state)
    np.testing.assert_array_equal([weight, state], [[2.0], [2.0]])
    lars.learning_rate = 0.25
    lars.update(0, weight, np.array([1.0]), state)
    np.testing.assert_array_equal(weight, 2.0 - 0.25 * (0.5 * 2 + 0.5 * 2))


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("name", ["bn_gamma", "bn.beta", "fc_bias"])
def test_some_names_keep_their_rate(name, momentum):
    for index, given in ((name, {}), (3, {"param_idx2name": {3: name}})):
        lars, weight = LARS(momentum, learning_rate=0.25, **given), np.ones(2)
        lars.update(index, weight, np.ones(2), lars.create_state(index, weight))
        np.testing.assert_array_equal(weight, 0.75)


@pytest.mark.parametrize(("start", "grad"), [(0.0, 2.0), (3.0, 0.0), (0.0, 0.0)])
def test_without_a_norm_the_rate_is_as_given(start, grad):
    lars, weight = LARS(learning_rate=0.25), np.full(4, start)
    lars.update(0, weight, np.full(4, grad), None)
    np.testing.assert_array_equal(weight, start - 0.25 * grad)


def test_each_array_of_a_list_has_its_own_rate():
    lars = LARS(eta=0.5, learning_rate=1.0)
    weights = {"a_weight": np.full(4, 1.0), "b_weight": np.full(4, 100.0), "c_bias": np.ones(4)}
    updater = wo.optimizer.get_updater(lars)
    updater(list(weights), [np.full(4, 0.5)] * 3, list(weights.values()))
    np.testing.assert_array_equal([w[0] for w in weights.values()], [0.5, 50.0, 0.5])
