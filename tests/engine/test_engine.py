"""The engine knows nothing above it: it steps arrays for stubs in place of rules and optimizers."""

from types import SimpleNamespace

import numpy as np
from weightopt_sgd import sgd

from weightopt_core.backends import cpu
from weightopt_core.backends.interface import PLAIN
from weightopt_core.engine import compiled_step, stepping
from weightopt_core.engine.constants import Constants, Evaluator
from weightopt_core.engine.index_groups import Call
from weightopt_core.engine.update_counts import Counts


class Only:
    """Has these attributes; any other is an error."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


def bind(rule, weights, grads, states, form, before):
    kernel = sgd.compiled.kernel
    return compiled_step.bind(rule, kernel, weights, grads, states, form, before, lambda: 1)


def test_a_step_of_stubs():
    counts = Counts()
    call = Call(("a", "b"), counts)
    multipliers = Only(of_lr=lambda index: 2.0, of_wd=lambda index: 1.0)
    weights = [np.zeros(3, np.float32), np.zeros(5, np.float32)]
    grads = [np.ones(3, np.float32), np.ones(5, np.float32)]
    rule = Only(parameters=2, draws=False)
    numbers = Only()  # asked for by rules with norms alone
    known = {
        "1 - lr * wd": 1.0,
        "rescale_grad": 1.0,
        "clip.bound(clip_gradient)": np.inf,
        "lr": 0.5,
    }
    values = np.array([[known[text] for text in sgd.lowered.constants]])
    for step in range(3):
        turn = call.ahead(multipliers, 0)
        constants = Constants(values, np.zeros(2, np.int32))
        stepping.step(
            call, bind, rule, weights, grads, [None, None], PLAIN, constants, [], numbers, turn
        )
        assert turn.num_update == step + 1
    assert {index: counts[index] for index in counts} == {"a": 3, "b": 3}
    for weight in weights:
        assert set(weight) == {-1.5}


def test_constants_of_stubs():
    """An evaluator takes a function that reads settings from whatever it is given."""
    lowered = Only(
        outside=(),
        constants=["lr", "scale"],
        split=lambda settings, own: (lambda scale: ((scale,), lambda lr, wd, t: (lr,)), [0]),
    )
    rule = SimpleNamespace(lowered=lowered, name="stub")
    evaluator = Evaluator(rule, ("scale",), lambda source: (source["scale"],), ("lr", "wd", "t"))
    turn = Call((0, 1), Counts()).ahead(Only(of_lr=lambda i: 1.0 + i, of_wd=lambda i: 1.0), 0)
    found = evaluator.of_groups({"scale": 7.0}, turn, 0.5, 0.0).array()
    np.testing.assert_array_equal(found, [[0.5, 7.0], [1.0, 7.0]])


def test_the_host_binds_a_stub():
    rule = Only(parameters=2, draws=False, states=(), compiled=Only(kernel=sgd.compiled.kernel))
    weight, grad = np.zeros(4), np.ones(4)
    bound = cpu.bind(rule, (weight,), (grad,), (None,), PLAIN)
    ((first, second),) = bound.tensors()
    assert first is weight
    assert second is grad
