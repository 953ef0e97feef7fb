"""Optimizers and every installed initializer give on every OpenCL device the bits of the host.

That every optimizer does is checked by the conformance kit, where all arrays begin at one place of
their buffers, and those of a list are of one type. Here are others, for one rule of each kind; on
simulators too, for which the kit is too long.
"""

import inspect

import numpy as np
import pytest
from devices import computes, every_device, is_slow, on_device, on_host
from pairs import DTYPES, KEY, RULES, Pair, numbers_of, run

import weightopt_core as mx
from weightopt_core.backends import backend_of, cpu
from weightopt_core.backends.interface import STATE_FORMS
from weightopt_core.testing.arrays import same_bits
from weightopt_core.testing.exact import STEPS
from weightopt_core.testing.subject import Subject

#: More than a work-group's part on every device, and not a multiple of it.
LENGTH = 16_400
SHAPES = [(3,), (), (0,), (50, 30), (7, 5), (20_001,)]
FEW = [(3,), (), (0,), (8, 8), (7, 5), (101,)]
INITIALIZERS = {
    "uniform": {},
    "normal": {},
    "zero": {},
    "one": {},
    "constant": {"value": 0.1},
    "xavier": {"rnd_type": "gaussian"},
    "msraprelu": {},
    "orthogonal": {},
    "lstmbias": {},
    "bilinear": {},
    "fusedrnn": {"init": "xavier", "num_hidden": 3, "num_layers": 1, "mode": "gru"},
    "load": {"param": {"fc1_weight": np.arange(99.0).reshape(9, 11)}},
}
#: A rule of each element by itself, one with norms, and one with noise.
OPTIMIZERS = ("adam", "lamb", "sgld")
CHOSEN = [(name, given) for name, given in RULES if name in OPTIMIZERS]
#: And two that hold others, as far as they are installed.
LISTED = {*OPTIMIZERS, "accumulate", "lookahead"} & {*mx.optimizer.registry.names()}
#: What initializers take that does not fit a matrix.
FITTING = {"lstmbias": (44,), "bilinear": (2, 1, 4, 4), "fusedrnn": (3 * 3 * (2 + 3 + 2),)}
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: np.dtype(dtype).name)
#: Only 16-bit weights have a master copy.
STORED = [
    pytest.param(dtype, master, id=np.dtype(dtype).name + "-master" * master)
    for dtype in DTYPES
    for master in (False, True)
    if not master or np.dtype(dtype).itemsize == 2
]


@every_device
@pytest.mark.parametrize(("dtype", "master"), STORED)
@pytest.mark.parametrize(("name", "given"), CHOSEN)
def test_same_bits(name, given, dtype, master, queue, wild):
    if not computes(queue, dtype):
        pytest.skip("the device has no float64")
    optimizer = mx.optimizer.create(name, **given, multi_precision=master)
    weight = wild(300 if is_slow(queue) else LENGTH, dtype)
    weights = on_device(queue, weight, offset=3)
    pair, state = Pair(optimizer, weight), optimizer.create_state(0, weights)
    for t in range(1, (3 if is_slow(queue) else STEPS) + 1):
        grad = wild(weight.size, dtype)
        pair.step(grad, t)
        step(optimizer, weights, on_device(queue, grad, offset=5), state, t)
    arrays = [weights, *as_tuple(state)]
    for got, compiled, reference in zip(arrays, pair.arrays, pair.copies, strict=True):
        assert got.dtype == compiled.dtype
        assert same_bits(on_host(got), compiled)
        assert same_bits(on_host(got), reference)


def step(optimizer, weight, grad, state, t):
    """Run the step `t` of one weight."""
    rule = optimizer.rule
    numbers = numbers_of(optimizer, t)
    form = STATE_FORMS[optimizer.multi_precision, None]
    bound = backend_of(weight).bind(rule, (weight,), (grad,), (state,), form)
    run(bound, rule, numbers, [KEY] if rule.draws else [])


def as_tuple(state):
    return state if isinstance(state, tuple) else () if state is None else (state,)


@every_device
@pytest.mark.parametrize("name", sorted(LISTED))
def test_lists_are_as_on_the_host(name, queue):
    runs = []
    shapes = FEW if is_slow(queue) else SHAPES
    for place in (lambda values: values.copy(), lambda values: on_device(queue, values, 3)):
        mx.random.seed(1)
        optimizer = Subject(mx.optimizer.registry.find(name)).create(multi_precision=True)
        optimizer.set_lr_mult({0: 0.5, 4: 2.0})
        updater = mx.optimizer.get_updater(optimizer)
        rng = np.random.default_rng(3)
        weights = [place(values) for values in numbers(rng, shapes)]
        for _ in range(3):
            updater(
                list(range(len(weights))), [place(grad) for grad in numbers(rng, shapes)], weights
            )
        runs.append(([cpu_array(weight) for weight in weights], updater.get_states()))
    for one, other in zip(runs[0][0], runs[1][0], strict=True):
        assert same_bits(one, other)
    assert runs[0][1] == runs[1][1]


def numbers(rng, shapes):
    dtypes = ["f4", "f2", "f4", "f2", "f4", "f4"]
    return [rng.normal(size=shape).astype(dtype) for shape, dtype in zip(shapes, dtypes)]


def cpu_array(array):
    return backend_of(array).to_host(array)


@every_device
@pytest.mark.parametrize("count", [30, 70])
def test_more_tensors_than_one_launch_takes(count, queue, wild):
    weights = [wild(13 + i, np.float32) for i in range(count)]
    one = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    other = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    arrays = [on_device(queue, weight) for weight in weights]
    for _ in range(2):
        grads = [wild(13 + i, np.float32) for i in range(count)]
        one(list(range(count)), grads, weights)
        other(list(range(count)), [on_device(queue, grad) for grad in grads], arrays)
    assert all(same_bits(on_host(a), w) for a, w in zip(arrays, weights, strict=True))


@every_device
def test_one_plan_serves_the_same_arrays_again(queue):
    weight, grad = (on_device(queue, np.ones(5, np.float32)) for _ in range(2))
    optimizer = mx.optimizer.create("sgd", learning_rate=0.5, momentum=0.5)
    state = optimizer.create_state(0, weight)
    expected, velocity = np.ones(5, np.float32), 0.0
    for value in (1.0, -2.0, 3.0):
        backend_of(grad).fill(grad, value)
        optimizer.update(0, weight, grad, state)
        velocity = 0.5 * velocity - 0.5 * value
        expected += velocity
        np.testing.assert_array_equal(on_host(weight), expected)
    weight.base_data = on_device(queue, np.zeros(5, np.float32)).base_data
    optimizer.update(0, weight, grad, state)
    np.testing.assert_array_equal(on_host(weight), 0.5 * velocity - 1.5)


@every_device
@every_dtype
@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_are_as_on_the_host(name, dtype, queue):
    if not computes(queue, dtype):
        pytest.skip("the device has no float64")
    weight = np.zeros(FITTING.get(name, (9, 11)), dtype)
    array = on_device(queue, weight, offset=1)
    for target in (weight, array):
        mx.random.seed(5)
        mx.init.create(name, **INITIALIZERS[name])("fc1_weight", target)
    assert same_bits(on_host(array), weight)


@every_device
@pytest.mark.parametrize("kind", ["fill_uniform", "fill_normal"])
@every_dtype
def test_draws_of_any_length(dtype, kind, queue):
    if not computes(queue, dtype):
        pytest.skip("the device has no float64")
    for length in (0, 1, 7, 8, 9, 300 if is_slow(queue) else 100_003):
        weight = np.zeros(length, dtype)
        array = on_device(queue, weight)
        for target in (weight, array):
            getattr(backend_of(target), kind)(target, (2**64 - 1, 7), -0.3, 0.7)
        assert same_bits(on_host(array), weight)


def test_backends_have_equal_functions():
    opencl = pytest.importorskip("weightopt_core.backends.opencl")
    functions = {name: inspect.signature(getattr(cpu, name)) for name in cpu.__all__}
    assert set(opencl.__all__) == set(functions)
    for name, signature in functions.items():
        other = inspect.signature(getattr(opencl, name))
        assert list(other.parameters) == list(signature.parameters), name
        for parameter, expected in signature.parameters.items():
            found = other.parameters[parameter]
            assert (found.kind, found.annotation) == (expected.kind, expected.annotation), name
            assert (found.default is found.empty) == (expected.default is expected.empty), name
    device = pytest.importorskip("weightopt_core.backends.opencl.step").DeviceStep
    for bound in (device, cpu.step.compiled_step.CompiledStep, cpu.step.Interpreted):
        assert callable(bound.run)
        assert callable(bound.again)
