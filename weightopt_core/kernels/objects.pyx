"""Recognise the arrays of a step by the objects that they are, for arrays of any kind."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.ref cimport PyObject

cdef extern from "same.h":
    ctypedef struct Known "weightopt_known_object":
        PyObject *object
        PyObject *attributes
        PyObject *memory
        PyObject *last
    void weightopt_fetch_head(const PyObject *object)
    PyObject **weightopt_items(PyObject *sequence)
    PyObject **weightopt_parts(PyObject **state, Py_ssize_t *count)
    int weightopt_is_same_object(
        PyObject *object, Known *known, PyObject *memory_name, PyObject *events_name
    )

cdef enum:
    AHEAD = 24  # as far beyond an array as it is read
    TENSORS_AHEAD = 8


cdef class Objects:
    """The objects of one step: weight, gradient and states of each tensor in turn.

    They are compared by address alone, so whoever keeps this must drop it when one of them goes.

    Parameters
    ----------
    weights, grads, states : list or tuple
        As in a call of `update`, of equal length.
    memory : str
        The attribute of an array that holds its memory; must be the same object again.
    events : str
        The attribute that lists what has to end before the array is used. A list gets new ones at
        its end alone; those that it has now are known.
    """

    cdef Known *known
    cdef list attributes, held, last
    cdef str memory, events
    cdef Py_ssize_t tensors

    def __init__(self, weights, grads, states, str memory, str events):
        cdef list arrays = flat(weights, grads, states)
        cdef Py_ssize_t i
        PyMem_Free(self.known)
        self.tensors = len(weights)
        self.memory, self.events = memory, events
        self.attributes = [vars(array) for array in arrays]
        self.held = [values[memory] for values in self.attributes]
        self.last = [last_of(values[events]) for values in self.attributes]
        self.known = <Known *>PyMem_Calloc(len(arrays) + AHEAD, sizeof(Known))
        if not self.known:
            raise MemoryError
        for i in range(len(arrays)):
            self.known[i].object = <PyObject *>arrays[i]
            self.known[i].attributes = <PyObject *>self.attributes[i]
            self.known[i].memory = <PyObject *>self.held[i]
            self.known[i].last = <PyObject *>self.last[i]

    def __dealloc__(self):
        PyMem_Free(self.known)

    def again(self, weights, grads, states):
        """Return the events that arrays have got since the last time, None if arrays are new."""
        cdef Py_ssize_t i, j, count, at = 0, known = len(self.held)
        cdef list changed = []
        cdef PyObject **parts
        cdef PyObject **state
        cdef PyObject *array
        cdef int same
        if not len(weights) == len(grads) == len(states) == self.tensors:
            return None
        state = weightopt_items(<PyObject *>states)
        for i in range(self.tensors):
            weightopt_fetch_head(state[min(i + TENSORS_AHEAD, self.tensors - 1)])
            parts = weightopt_parts(&state[i], &count)
            if at + 2 + count > known:
                return None
            for j in range(-2, count):
                array = (
                    parts[j] if j >= 0
                    else weightopt_items(<PyObject *>(weights if j == -2 else grads))[i]
                )
                same = weightopt_is_same_object(
                    array, &self.known[at], <PyObject *>self.memory, <PyObject *>self.events
                )
                if not same:
                    return None
                if same == 2:
                    changed.append(at)
                at += 1
        return self.new_events(changed) if at == known else None

    cdef list new_events(self, list changed):
        """Return the events of the arrays of these numbers, and know them from now on."""
        cdef list found = []
        cdef Py_ssize_t i
        for i in changed:
            events = self.attributes[i][self.events]
            found += events
            self.last[i] = last_of(events)
            self.known[i].last = <PyObject *>self.last[i]
        return found


cdef object last_of(list events):
    return events[len(events) - 1] if events else None


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
