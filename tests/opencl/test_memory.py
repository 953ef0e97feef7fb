"""Which memory a step on an OpenCL device takes: sub-buffers, memory of the host, and flags."""

from collections import namedtuple

import numpy as np
import pytest
from devices import every_device, on_device, on_host

import weightopt_core as mx
from weightopt_core.backends import backend_of

cl = pytest.importorskip("pyopencl")
Array = pytest.importorskip("pyopencl.array").Array

pytestmark = every_device
#: A multiple of what any device aligns sub-buffers to, in bytes.
ALIGNED = 4096


def over(queue, buffer, size=8, offset=0):
    """Return an array over a buffer."""
    return Array(queue, (size,), np.float32, data=buffer, offset=offset)


def ones(queue, size=8):
    return on_device(queue, np.ones(size, np.float32))


def refuse(message, weights, grads, states=None, kind=ValueError, name="sgd"):
    """Assert that a call is refused, and that it changed nothing."""
    optimizer = mx.optimizer.create(name)
    before = [on_host(weight) for weight in weights]
    states = states or [None] * len(weights)
    with pytest.raises(kind, match=message):
        optimizer.update(list(range(len(weights))), weights, grads, states)
    assert optimizer._index_update_count == {}
    for weight, values in zip(weights, before, strict=True):
        np.testing.assert_array_equal(on_host(weight), values)


@pytest.fixture
def buffer(queue):
    made = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, 4 * ALIGNED)
    cl.enqueue_fill_buffer(queue, made, np.ones(1, np.float32), 0, 4 * ALIGNED).wait()
    return made


@pytest.fixture
def parts(queue, buffer):
    """Return what makes a pair of arrays that share memory in one of the ways that buffers can."""

    def make(kind):
        return SHARED[kind](queue, buffer)

    return make


def over_host(queue, ranges, offsets=(0, 0)):
    """Return arrays over ranges of one array of the host, which is all ones.

    What commands do to such buffers in turn is not defined, so none are given.
    """
    host = np.ones(2 * SIZE, np.float32)
    flags = cl.mem_flags.READ_WRITE | cl.mem_flags.USE_HOST_PTR
    buffers = [cl.Buffer(queue.context, flags, hostbuf=host[begin:]) for begin in ranges]
    return [
        Array(queue, (8,), np.float32, data=buffer, offset=offset)
        for buffer, offset in zip(buffers, offsets, strict=True)
    ]


#: Numbers in `ALIGNED` bytes.
SIZE = ALIGNED // 4
SHARED = {
    "equal sub-buffers": lambda queue, buffer: [over(queue, buffer[0:ALIGNED]) for _ in range(2)],
    "a buffer and a part of it": lambda queue, buffer: [
        over(queue, buffer, SIZE + 1),
        over(queue, buffer[ALIGNED : 3 * ALIGNED]),
    ],
    "sub-buffers that overlap in part": lambda queue, buffer: [
        over(queue, buffer[0 : 2 * ALIGNED], SIZE + 4),
        over(queue, buffer[ALIGNED : 3 * ALIGNED]),
    ],
    "offsets in sub-buffers": lambda queue, buffer: [
        over(queue, buffer[0 : 2 * ALIGNED], 8, ALIGNED),
        over(queue, buffer[ALIGNED : 3 * ALIGNED], 8, 28),
    ],
    "buffers over one array of the host": lambda queue, _: over_host(queue, (0, 0)),
    "buffers over parts of an array of the host": lambda queue, _: over_host(
        queue, (0, SIZE), (ALIGNED, 0)
    ),
}
KINDS = list(SHARED)


@pytest.mark.parametrize("kind", KINDS)
def test_an_overlap_of_one_weight_with_its_gradient(kind, parts):
    one, other = parts(kind)
    other = Array(one.queue, one.shape, np.float32, data=other.base_data, offset=other.offset)
    message = "weight, grad and state: expected arrays apart, got an overlap in memory of weight "
    refuse(message + "and grad; pass a copy of the gradient", [one], [other])


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_one_call_that_overlap(kind, parts, queue):
    weights = parts(kind)
    grads = [ones(queue, weight.size) for weight in weights]
    message = "weights and states: expected arrays apart, got an overlap in memory of weight at "
    message += "position 0 of the lists and weight at position 1; give each memory of its own"
    refuse(message, weights, grads)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("turned", [False, True])
def test_a_gradient_that_is_memory_of_another_weight(kind, turned, parts, queue):
    weight, grad = reversed(parts(kind)) if turned else parts(kind)
    weights = [weight, ones(queue, grad.size)]
    grads = [ones(queue, weight.size), grad]
    message = "grads and weights: expected arrays apart, got an overlap in memory of weight at "
    message += "position 0 of the lists and grad at position 1; pass a copy of the gradient"
    refuse(message, weights, grads)
    if turned:  # the other way round in the lists
        refuse("of grad at position 0 of the lists and weight at", weights[::-1], grads[::-1])


def test_a_gradient_that_is_memory_of_another_state(queue, buffer):
    weights = [ones(queue) for _ in range(3)]
    states = [(ones(queue), ones(queue)) for _ in range(3)]
    states[0] = (ones(queue), over(queue, buffer[ALIGNED : 2 * ALIGNED]))
    grads = [ones(queue), ones(queue), over(queue, buffer, offset=ALIGNED + 16)]
    message = "state 'var' at position 0 of the lists and grad at position 2"
    refuse(message, weights, grads, states, name="adam")


def test_gradients_may_share_memory(queue, buffer):
    weights = [ones(queue) for _ in range(3)]
    grad = over(queue, buffer[0:ALIGNED])
    grads = [grad, grad, over(queue, buffer, offset=16)]
    optimizer = mx.optimizer.create("sgd", learning_rate=0.5)
    for _ in range(2):
        optimizer.update([0, 1, 2], weights, grads, [None] * 3)
    for weight in weights:
        np.testing.assert_array_equal(on_host(weight), 0)


def test_sub_buffers_side_by_side(queue, buffer):
    arrays = [over(queue, buffer[i * ALIGNED : (i + 1) * ALIGNED], 1024) for i in range(4)]
    optimizer = mx.optimizer.create("sgd", learning_rate=0.5)
    for _ in range(2):
        optimizer.update([0, 1], arrays[:2], arrays[2:], [None] * 2)
    for array, value in zip(arrays, (0, 0, 1, 1), strict=True):
        np.testing.assert_array_equal(on_host(array), value)


def flagged(queue, flags, part=False):
    """Return ones in a buffer with these flags, or in a part of such a buffer."""
    flags |= cl.mem_flags.COPY_HOST_PTR
    buffer = cl.Buffer(queue.context, flags, hostbuf=np.ones(ALIGNED // 2, np.float32))
    return Array(queue, (8,), np.float32, data=buffer[0:ALIGNED] if part else buffer)


@pytest.mark.parametrize("part", [False, True])
def test_buffers_that_kernels_only_read(part, queue):
    closed = flagged(queue, cl.mem_flags.READ_ONLY, part)
    message = "buffer of {}: expected one that a kernel writes to, got one with READ_ONLY; make it"
    refuse(message.format("weight"), [closed], [ones(queue)])
    states = [(ones(queue), closed)]
    message = message.format("state 'var'")
    refuse(message, [ones(queue)], [ones(queue)], states, name="adam")
    weight = ones(queue)
    mx.optimizer.create("sgd", learning_rate=0.5).update(0, weight, closed, None)
    np.testing.assert_array_equal(on_host(weight), 0.5)
    with pytest.raises(ValueError, match=r"buffer of array: expected one that a kernel writes to"):
        mx.init.create("uniform")("fc1_weight", closed)


@pytest.mark.parametrize("part", [False, True])
def test_buffers_that_kernels_only_write(part, queue):
    closed = flagged(queue, cl.mem_flags.WRITE_ONLY, part)
    message = "buffer of {}: expected one that a kernel reads, got one with WRITE_ONLY"
    refuse(message.format("weight"), [closed], [ones(queue)])
    refuse(message.format("grad"), [ones(queue)], [closed])
    states = [(closed, ones(queue))]
    refuse(message.format("state 'mean'"), [ones(queue)], [ones(queue)], states, name="adam")
    with pytest.raises(ValueError, match=message.format("array")):
        backend_of(closed).scale([closed], [2.0])
    mx.init.create("uniform")("fc1_weight", closed)


def test_buffers_that_the_host_leaves_alone(queue):
    """Kernels do as they like; what the host has to do is refused."""
    closed = flagged(queue, cl.mem_flags.READ_WRITE | cl.mem_flags.HOST_NO_ACCESS)
    backend = backend_of(closed)
    mx.optimizer.create("sgd", learning_rate=0.5).update(0, closed, ones(queue), None)
    np.testing.assert_array_equal(on_host(backend.duplicate(closed)), 0.5)
    with pytest.raises(ValueError, match="one that the host reads, got one with HOST_NO_ACCESS"):
        backend.to_host(closed)
    with pytest.raises(ValueError, match="one that the host writes to, got one with HOST_NO"):
        backend.copy(closed, np.ones(8, np.float32))
    for flag, function, given in (
        (cl.mem_flags.HOST_WRITE_ONLY, backend.to_host, ()),
        (cl.mem_flags.HOST_READ_ONLY, backend.copy, (np.ones(8, np.float32),)),
    ):
        with pytest.raises(ValueError, match=f"got one with {cl.mem_flags.to_string(flag)}"):
            function(flagged(queue, cl.mem_flags.READ_WRITE | flag), *given)


def test_strides_along_single_elements_do_not_matter(queue):
    whole = on_device(queue, np.ones((1, 3, 4), np.float32))
    weight = whole[:, 1:2, :]
    assert weight.strides != (16, 16, 4)
    assert weight.flags.c_contiguous
    grad = on_device(queue, np.ones((1, 1, 4), np.float32))
    mx.optimizer.create("sgd", learning_rate=0.5).update(0, weight, grad, None)
    np.testing.assert_array_equal(on_host(whole)[0, :, 0], [1, 0.5, 1])


def test_strides_of_empty_arrays_do_not_matter(queue):
    weight = on_device(queue, np.ones((3, 0, 4), np.float32))
    weight.strides = (7, -8, 100)
    grad = on_device(queue, np.ones((3, 0, 4), np.float32))
    optimizer = mx.optimizer.create("adam")
    state = optimizer.create_state(0, weight)
    for _ in range(2):
        optimizer.update(0, weight, grad, state)
    assert optimizer._index_update_count == {0: 2}


@pytest.mark.parametrize(
    "strided",
    [
        lambda queue: ones(queue, 16)[::2],
        lambda queue: ones(queue)[::-1],
        lambda queue: on_device(queue, np.ones((8, 2), np.float32)).T,
    ],
)
def test_a_strided_array_is_refused_with_a_remedy_that_keeps_the_update(strided, queue):
    array = strided(queue)
    plain = on_device(queue, np.ones(array.shape, np.float32))
    optimizer = mx.optimizer.create("sgd")
    with pytest.raises(ValueError, match=r"^weight: .* a strided one; make it contiguous where it"):
        optimizer.update(0, array, plain, None)
    with pytest.raises(ValueError, match=r"^grad: .* a strided one; pass a contiguous copy$"):
        optimizer.update(0, plain, array, None)


def test_shared_virtual_memory(queue):
    class Allocation:
        """Stands for pyopencl.SVMAllocation, which not every device has."""

    weight = Array(queue, (8,), np.float32, data=Allocation(), allocator=lambda size: Allocation())
    message = "memory of weight: expected a buffer, got Allocation; use an allocator of buffers"
    for name in ("sgd", "adam"):  # without states, and with
        updater = mx.optimizer.get_updater(mx.optimizer.create(name))
        with pytest.raises(TypeError, match=message):
            updater(0, ones(queue), weight)
    with pytest.raises(TypeError, match="memory of array of 'fc1_weight': expected a buffer"):
        mx.init.create("zero")("fc1_weight", weight)


def test_an_image_is_no_memory_of_an_array(queue):
    if not queue.device.image_support:
        pytest.skip("the device has no images")
    kind = cl.ImageFormat(cl.channel_order.RGBA, cl.channel_type.FLOAT)
    image = cl.create_image(queue.context, cl.mem_flags.READ_WRITE, kind, (8, 8))
    grad = Array(queue, (8,), np.float32, data=image)
    refuse("memory of grad: expected a buffer, got Image", [ones(queue)], [grad], kind=TypeError)


def test_states_in_tuples_and_lists_of_any_kind(queue):
    class Lazy(list):
        """Makes its items when asked."""

        def __init__(self, parts):
            super().__init__()
            self.parts = parts

        def __len__(self):
            return len(self.parts)

        def __iter__(self):
            return iter(self.parts)

        def __getitem__(self, i):
            return self.parts[i]

    Pair = namedtuple("Pair", "mean var")
    got = []
    for make in (tuple, lambda parts: Pair(*parts), list, Lazy):
        weight, grad = ones(queue), ones(queue)
        optimizer = mx.optimizer.create("adam")
        state = make(list(optimizer.create_state(0, weight)))
        for _ in range(3):
            optimizer.update(0, weight, grad, state)
        got.append(on_host(weight))
    for values in got[1:]:
        np.testing.assert_array_equal(values, got[0])
