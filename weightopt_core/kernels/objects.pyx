"""Recognise the arrays of a step by the objects that they are, for arrays of any kind."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.ref cimport PyObject

cdef extern from "same.h":
    PyObject **weightopt_items(PyObject *sequence)
    PyObject **weightopt_parts(PyObject **state, Py_ssize_t *count)


cdef class Objects:
    """The objects of one step: weight, gradient and states of each tensor in turn.

    They are compared by address alone, so whoever keeps this must drop it when one of them goes.

    Parameters
    ----------
    weights, grads, states : list or tuple
        As in a call of `update`, of equal length.
    memory : str
        The attribute of an array that holds its memory; must be the same object again.
    """

    cdef PyObject **objects
    cdef list memories
    cdef str memory
    cdef Py_ssize_t tensors

    def __init__(self, weights, grads, states, memory):
        cdef list arrays = flat(weights, grads, states)
        cdef Py_ssize_t i
        PyMem_Free(self.objects)
        self.tensors = len(weights)
        self.memory = memory
        self.memories = [getattr(array, memory) for array in arrays]
        self.objects = <PyObject **>PyMem_Calloc(len(arrays) + 1, sizeof(PyObject *))
        if not self.objects:
            raise MemoryError
        for i in range(len(arrays)):
            self.objects[i] = <PyObject *>arrays[i]

    def __dealloc__(self):
        PyMem_Free(self.objects)

    def again(self, weights, grads, states, str list_name):
        """Return the items of the attribute `list_name` of all arrays, None if some are new."""
        cdef Py_ssize_t i, j, count, at = 0, known = len(self.memories)
        cdef list found = []
        cdef PyObject *state
        cdef PyObject **parts
        if not len(weights) == len(grads) == len(states) == self.tensors:
            return None
        for i in range(self.tensors):
            value = states[i]
            state = <PyObject *>value
            parts = weightopt_parts(&state, &count)
            if at + 2 + count > known:
                return None
            for j in range(-2, count):
                array = <object>parts[j] if j >= 0 else weights[i] if j == -2 else grads[i]
                if <PyObject *>array != self.objects[at]:
                    return None
                if getattr(array, self.memory) is not self.memories[at]:
                    return None
                items = getattr(array, list_name)
                if items:
                    found += items
                at += 1
        return found if at == known else None


def flat(weights, grads, states):
    """Return weight, gradient and states of each tensor in turn, in one list."""
    cdef list arrays = []
    cdef Py_ssize_t i, j, count
    cdef PyObject *state
    cdef PyObject **parts
    if not len(weights) == len(grads) == len(states):
        raise ValueError("weights, grads and states: expected equally many")
    for i in range(len(weights)):
        value = states[i]
        state = <PyObject *>value
        parts = weightopt_parts(&state, &count)
        arrays.append(weights[i])
        arrays.append(grads[i])
        for j in range(count):
            arrays.append(<object>parts[j])
    return arrays
