"""A stranger's array library, and its backend: arrays in boxes that nobody else can open."""

import numpy as np

from weightopt_core.backends import cpu


class Box:
    """An array that shares its memory with nobody."""

    def __init__(self, values):
        self.values = np.array(values, order="C")

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: self.values.dtype)
    ndim = property(lambda self: self.values.ndim)
    size = property(lambda self: self.values.size)

    def __repr__(self):
        return f"Box({self.values!r})"


def accepts(array):
    return isinstance(array, Box)


def view(array, argument):
    if not isinstance(array, Box):
        raise TypeError(f"{argument}: expected a Box, got {type(array).__name__}; put it into one")
    return array


def check(array, argument, shape=None, dtypes=cpu.checks.STORAGE, written=True, remedy=""):
    cpu.check(view(array, argument).values, argument, shape, dtypes, written, remedy)
    return array


def is_half(array):
    return cpu.is_half(array.values)


def zeros_like(array):
    return Box(cpu.zeros_like(array.values))


def duplicate(array):
    return Box(cpu.duplicate(array.values))


def to_float32(array):
    return Box(cpu.to_float32(array.values))


def to_bfloat16(array):
    return Box(cpu.to_bfloat16(array.values))


def to_host(array):
    return array.values.copy()


def place(values, array):
    return Box(values)


def fill(array, value):
    cpu.fill(array.values, value)


def copy(array, values):
    cpu.copy(array.values, values)


def fill_uniform(array, key, low, high):
    cpu.fill_uniform(array.values, key, low, high)


def fill_normal(array, key, mean, sigma):
    cpu.fill_normal(array.values, key, mean, sigma)


def square_sum(array, scale=1.0):
    return cpu.square_sum(array.values, scale)


def nonfinite(arrays, argument):
    return cpu.nonfinite([view(array, argument).values for array in arrays], argument)


def scale(arrays, factors):
    cpu.scale([array.values for array in arrays], factors)


def extent_of(array):
    return cpu.extent_of(array.values)


class Bound:
    """A step over what is in the boxes; it knows no arrays again."""

    def __init__(self, inner):
        self.inner = inner

    def run(self, constants, keys, indices, numbers, turn):
        return self.inner.run(constants, keys, indices, numbers, turn)

    def again(self, rule, weights, grads, states, form, constants, keys, indices, numbers, turn):
        return False


def bind(rule, weights, grads, states, form, before=None):
    opened = []
    for values, argument in ((weights, "weight"), (grads, "grad"), (states, "state")):
        opened.append(tuple(_open(value, argument) for value in values))
    return Bound(cpu.bind(rule, *opened, form))


def _open(value, argument):
    if value is None:
        return None
    if isinstance(value, (tuple, list)):
        return tuple(view(part, argument).values for part in value)
    return view(value, argument).values
