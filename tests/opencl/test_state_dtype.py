"""States in bfloat16 and in 8 bits on OpenCL devices: the bits of the host."""

import ml_dtypes
import numpy as np
import pytest
from devices import computes, every_device, is_slow, on_device, on_host

import weightopt_core as mx
from weightopt_core.testing.arrays import same_bits

CASES = {
    "sgd": {"momentum": 0.9},
    "adam": {"wd": 0.01},
    "rmsprop": {"centered": True},
    "lamb": {},
    "dcasgd": {"momentum": 0.9},
}
DTYPES = [np.float32, np.float16, ml_dtypes.bfloat16]
FEW = [("adam", True, np.float32), ("lamb", False, np.float32)]
#: In bfloat16 Adam with every type, one by one and together, and each other with two of them. In 8
#: bits programs take seconds to compile: Adam and LAMB, which is measured, in float32.
PRODUCT = [
    pytest.param(kind, name, together, dtype, marks=[] if tried else pytest.mark.soak)
    for kind in ("bfloat16", "int8")
    for number, name in enumerate(CASES)
    for together in (True, False)
    for at, dtype in enumerate(DTYPES)
    for tried in [
        (name, together, dtype) in FEW
        if kind == "int8"
        else name == "adam" or at == (number + together) % len(DTYPES)
    ]
]
SIZES = [1, 0, 40_007, 5, 16_385, 2001]


#: What `state_dtype` may be, and the dtype of the arrays.
KINDS = {"bfloat16": "bfloat16", "int8": "uint8"}
every_kind = pytest.mark.parametrize("kind", KINDS)


def create(name, master, kind="bfloat16"):
    return mx.optimizer.create(name, **CASES[name], state_dtype=kind, multi_precision=master)


def parts_of(state):
    return state if isinstance(state, tuple) else (state,)


def host_array(array):
    return array if isinstance(array, np.ndarray) else on_host(array)


@every_device
@pytest.mark.parametrize(("kind", "name", "together", "dtype"), PRODUCT)
def test_same_bits_as_on_the_host(kind, name, together, dtype, queue, wild):
    sizes = [1, 0, 301, 5] if is_slow(queue) else SIZES
    weights = [wild(size, dtype) for size in sizes]
    steps = [[wild(size, dtype) for size in sizes] for _ in range(3)]
    if kind == "int8":  # what is not finite takes its block along: here one of two
        for array in (*weights, *(grad for grads in steps for grad in grads)):
            array[(np.arange(array.size) // 256 % 2 == 0) & ~np.isfinite(array)] = 1
    if name == "lamb":  # a norm hands on to all elements what one of them is
        for array in (*weights, *(grad for grads in steps for grad in grads)):
            array[~np.isfinite(array)] = 1
    runs = []
    for place in (np.copy, lambda values: on_device(queue, values, 3)):
        mx.random.seed(1)
        updater = mx.optimizer.get_updater(create(name, dtype is np.float16, kind))
        placed = [place(weight) for weight in weights]
        for grads in steps:
            given = [place(grad) for grad in grads]
            if together:
                updater(list(range(len(sizes))), given, placed)
            else:
                for i, arguments in enumerate(zip(given, placed, strict=True)):
                    updater(i, *arguments)
        parts = [part for i in range(len(sizes)) for part in parts_of(updater.states[i])]
        assert {part.dtype.name for part in parts} <= {KINDS[kind], "float32"}
        runs.append([host_array(array) for array in (*placed, *parts)])
    for one, other in zip(*runs, strict=True):
        assert one.dtype == other.dtype
        assert same_bits(one, other)


@every_device
@every_kind
def test_a_run_goes_on_where_another_device_left_it(kind, queue):
    rng = np.random.default_rng(5)
    grads = rng.normal(size=(4, 3000)).astype(np.float32)
    host, device = (mx.optimizer.get_updater(create("adam", False, kind)) for _ in range(2))
    weight = np.ones(3000, np.float32)
    for grad in grads[:2]:
        host("w", grad, weight)
    device.set_states(host.get_states())
    moved = on_device(queue, weight)
    for grad in grads[2:]:
        host("w", grad, weight)
        device("w", on_device(queue, grad), moved)
    assert same_bits(on_host(moved), weight)
    assert device.get_states() == host.get_states()


@every_device
def test_states_of_another_dtype_are_refused(queue):
    weight, grad = (on_device(queue, np.ones(3, np.float32)) for _ in range(2))
    plain, halved = mx.optimizer.create("adam"), create("adam", False)
    for optimizer, other, match in [
        (plain, halved, "'mean': expected float32, got bfloat16; .* without state_dtype"),
        (halved, plain, "'mean': expected bfloat16, got float32; .* with state_dtype"),
    ]:
        with pytest.raises(TypeError, match=match):
            optimizer.update(0, weight, grad, other.create_state(0, weight))
    assert (on_host(weight) == 1).all()


@every_device
def test_float64_weights_are_refused(queue):
    if not computes(queue, np.float64):
        pytest.skip("the device has no float64")
    with pytest.raises(ValueError, match="with state_dtype='bfloat16', got float64"):
        create("adam", False).create_state(0, on_device(queue, np.ones(3)))
