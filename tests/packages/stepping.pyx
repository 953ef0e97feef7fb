# A module of somebody who has the wheels and knows `weightopt_core.kernels.loops` alone. It trains
# in loops of its own, without the interpreter.
from libc.stdint cimport uint16_t, uint64_t

from weightopt_core.kernels.loops cimport (
    Loop, fill_normal, fill_uniform, load_halves, loop_of, square_sums, step, step_halves,
    store_halves,
)

ctypedef fused real:
    float
    double

ctypedef fused element:
    float
    double
    uint16_t


def train(
    kernel, real[::1] weight, real[::1] grad, real[:, ::1] states, const real[:, ::1] constants,
    int threads,
):
    """Take a step for each row of constants; the gradient is what is left of the weight."""
    cdef Loop loop = loop_of(kernel)
    cdef Py_ssize_t t, i
    with nogil:
        for t in range(constants.shape[0]):
            for i in range(weight.shape[0]):
                grad[i] = weight[i] - 3
            step(loop, weight, grad, states, constants[t], threads)


def step_once(
    kernel, real[::1] weight, const real[::1] grad, real[:, ::1] states, const real[::1] constants
):
    cdef Loop loop = loop_of(kernel)
    with nogil:
        step(loop, weight, grad, states, constants, 1)


def step_halves_once(
    kernel, bint brain, uint16_t[::1] weight, const uint16_t[::1] grad, uint16_t[:, ::1] states,
    const float[::1] constants,
):
    cdef Loop loop = loop_of(kernel)
    with nogil:
        step_halves(loop, brain, weight, grad, states, constants, 2)


def noisy_step(
    kernel, float[::1] weight, const float[::1] grad, float[:, ::1] noise,
    const float[::1] constants, uint64_t key0, uint64_t key1,
):
    """Draw the noise of a rule, and take its step."""
    cdef Loop loop = loop_of(kernel)
    with nogil:
        fill_normal(noise[noise.shape[0] - 1], key0, key1, 0, 0.0, 1.0, 1)
        step(loop, weight, grad, noise, constants, 1)


def cast(uint16_t[::1] out, float[::1] between, const uint16_t[::1] values, bint brain):
    with nogil:
        load_halves(between, values, brain)
        store_halves(out, between, brain)


def sums(const element[::1] values, bint brain, double scale, double[::1] out):
    with nogil:
        square_sums(values, brain, scale, out, 2)


def uniform(real[::1] out, uint64_t key0, uint64_t key1, uint64_t start, double low, double high):
    with nogil:
        fill_uniform(out, key0, key1, start, low, high, low, high, 2)
