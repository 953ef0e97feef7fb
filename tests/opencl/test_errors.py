"""What the OpenCL backend refuses: clearly, and before anything has changed."""

import numpy as np
import pytest
from devices import every_device, new_queue, on_device, on_host

import weightopt_core as mx
from weightopt_core.backends import backend_of

cl = pytest.importorskip("pyopencl")
Array = pytest.importorskip("pyopencl.array").Array

pytestmark = every_device


@pytest.fixture
def ones(queue):
    return on_device(queue, np.ones(6, np.float32))


@pytest.fixture
def refused(queue, ones):
    """Return a function that asserts the refusal of a step, and that it changed nothing."""

    def check(kind, message, weight=ones, grad=ones):
        optimizer = mx.optimizer.create("sgd", momentum=0.9)
        state = on_device(queue, np.ones(6, np.float32))
        with pytest.raises(kind, match=message):
            optimizer.update(0, weight, grad, state)
        assert optimizer._index_update_count == {}
        np.testing.assert_array_equal(on_host(ones), 1)
        np.testing.assert_array_equal(on_host(state), 1)

    return check


def test_a_gradient_on_the_host(refused):
    message = "grad: expected a pyopencl.array.Array, .* got an array in host memory; .*to_device"
    refused(TypeError, message, grad=np.ones(6, np.float32))


def test_a_weight_on_the_host(refused, ones):
    weight = np.ones(6, np.float32)
    refused(TypeError, "grad: expected an array in host memory, got Array", weight, ones)
    np.testing.assert_array_equal(weight, 1)


def test_another_queue(refused, ones):
    other = cl.CommandQueue(ones.context)
    grad = on_device(ones.queue, np.ones(6, np.float32)).with_queue(other)
    refused(
        ValueError, r"queue of grad: expected that of the first weight, .*with_queue", ones, grad
    )


def test_another_context(refused, ones):
    other = new_queue(ones.queue.device)
    grad = on_device(other, np.ones(6, np.float32))
    refused(ValueError, "context of grad: expected that of the first weight", ones, grad)


def test_no_queue(refused, ones):
    weight = ones.with_queue(None)
    refused(ValueError, r"queue of weight: expected a command queue, got None", weight)
    grad = on_device(ones.queue, np.ones(6, np.float32)).with_queue(None)
    refused(ValueError, r"queue of grad: .*array.with_queue", ones, grad)
    with pytest.raises(ValueError, match="queue of weight"):
        mx.optimizer.create("adam").create_state(0, weight)
    with pytest.raises(ValueError, match="queue of array of 'fc1_weight'"):
        mx.init.create("one")("fc1_weight", weight)


@pytest.mark.parametrize(
    ("kind", "message", "values"),
    [
        (ValueError, r"shape of grad: expected \(6,\), got \(2, 3\)", np.ones((2, 3), np.float32)),
        (ValueError, r"shape of grad: expected \(6,\), got \(5,\)", np.ones(5, np.float32)),
        (TypeError, "dtype of grad: expected float32, got float16", np.ones(6, np.float16)),
        (TypeError, "dtype of grad: expected float32, got int32", np.ones(6, np.int32)),
    ],
)
def test_shapes_and_dtypes(kind, message, values, refused, ones, queue):
    refused(kind, message, ones, on_device(queue, values))


def test_a_dtype_that_no_rule_takes(refused, queue):
    message = "dtype of weight: expected float16 or bfloat16 or float32 or float64, got int32"
    refused(TypeError, message, on_device(queue, np.ones(6, np.int32)))


def test_types_are_known_by_number_and_byte_order(refused, ones, queue):
    raw = np.dtype((type("float32", (np.void,), {}), 4))
    refused(TypeError, r"dtype of weight: expected float16 or .*, got", Array(queue, 6, raw))
    refused(TypeError, r"dtype of grad: expected float32, got", ones, Array(queue, 6, raw))
    swapped = np.dtype(np.float32).newbyteorder()
    made = Array(queue, 6, swapped)
    refused(TypeError, r"dtype of weight: expected native float16 or .*, got [<>]f4", made)
    refused(TypeError, r"dtype of grad: expected native float32, got [<>]f4", ones, made)


def test_a_strided_array(refused, ones, queue):
    grad = on_device(queue, np.ones(12, np.float32))[::2]
    refused(ValueError, "grad: expected a C-contiguous array, got a strided one", ones, grad)


def test_a_buffer_that_is_too_small(refused, ones, queue):
    grad = on_device(queue, np.ones(6, np.float32))
    grad.base_data = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, 20)
    refused(ValueError, "buffer of grad: expected at least 24 bytes, got 20", ones, grad)


def test_an_offset_between_elements(refused, ones, queue):
    grad = on_device(queue, np.ones(12, np.float32))[:6]
    grad.offset = 2
    refused(ValueError, "offset of grad: expected a multiple of 4 bytes, got 2", ones, grad)


def test_an_overlap(refused, ones, queue):
    refused(ValueError, "weight, grad and state: expected arrays apart", ones, ones)
    whole = on_device(queue, np.ones(9, np.float32))
    refused(ValueError, "expected arrays apart, got an overlap", whole[:6], whole[3:])


def test_float64_where_the_device_has_none(refused, monkeypatch, queue):
    from weightopt_core.backends.opencl import traits

    without = traits.traits_of(queue.device)._replace(float64=False)
    monkeypatch.setattr(traits, "traits_of", lambda device: without)
    weight = np.ones(6)
    made = Array(queue, weight.shape, weight.dtype)
    refused(TypeError, "dtype of weight: .* got float64; the device .* has no float64", made)
    with pytest.raises(TypeError, match="has no float64"):
        mx.init.create("uniform")("fc1_weight", made)


def test_a_program_that_does_not_compile(refused, monkeypatch, ones, queue):
    from weightopt_core.backends.opencl import launches, programs

    monkeypatch.setattr(launches, "rule_text", lambda *_: "no program")
    monkeypatch.setattr(programs, "_kernels", {})
    grad = on_device(queue, np.ones(6, np.float32))
    refused(RuntimeError, r"a program does not compile; .* log:\n", ones, grad)


def test_weights_of_one_call_that_overlap(queue):
    whole = on_device(queue, np.ones(9, np.float32))
    grads = [on_device(queue, np.ones(6, np.float32)) for _ in range(2)]
    with pytest.raises(ValueError, match="weights and states: expected arrays apart"):
        mx.optimizer.create("sgd").update([0, 1], [whole[:6], whole[3:]], grads, [None, None])
    np.testing.assert_array_equal(on_host(whole), 1)


@pytest.mark.parametrize("first", ["host", "device"])
def test_weights_of_one_call_on_host_and_device(first, queue):
    weights = [on_device(queue, np.ones(6, np.float32)), np.ones(6, np.float32)]
    grads = [weights[0].copy(), weights[1].copy()]
    if first == "host":
        weights.reverse()
        grads.reverse()
    optimizer = mx.optimizer.create("sgd")
    with pytest.raises(TypeError, match=r"weight: expected a"):
        optimizer.update([0, 1], weights, grads, [None, None])
    assert optimizer._index_update_count == {}
    for weight in weights:
        np.testing.assert_array_equal(backend_of(weight).to_host(weight), 1)


def test_memory_that_is_no_buffer(refused, ones):
    ones.base_data, kept = None, ones.base_data
    try:
        with pytest.raises(TypeError, match="memory of weight: expected a buffer, got NoneType"):
            mx.optimizer.create("sgd").update(0, ones, ones, None)
    finally:
        ones.base_data = kept
