"""The arrays of one step: where they are, and whether they fit each other and the rule.

Design
------
a) `take` checks the arrays of a step and owns them; `own` only owns. `release` lets go of them, and
   between steps none is kept alive.
b) What is remembered of them between steps is plain data, which a later step compares by value with
   the arrays that it is given: the address of the elements, NumPy's number of the type, and how
   many elements there are. Byte order, contiguity, alignment and whether an array may be written
   are asked of the array at each step, as is whether all have one shape. The addresses of the
   objects and of their shapes are there to be fetched early, and are never followed.
c) So another array at the same address, which a type, size or flag makes another one, is seen; and
   one that differs in nothing may well be stepped.
d) `apart` is true of addresses and sizes alone. It is false from the moment one changes until all
   have been checked against each other.
e) What does not fit makes `take` return False, and no more: the backend then finds out what to say.

A tensor has `parameters + 1` places: weight or master copy, gradient, states, noise, and last the
16-bit weight that mirrors a master copy. NULL stands where there is none.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.ref cimport Py_CLEAR, Py_XINCREF, PyObject
from libc.stddef cimport ptrdiff_t

cimport numpy as cnp

from ..kernels.abi cimport MAX_ARRAYS
from ..kernels.driver cimport (
    BFLOAT16, FLOAT32, FLOAT64, MIXED, NOISE, NOTHING, QUANTIZED, Tensor, size_of,
)
from .numpy_fields cimport (
    Span, are_apart, is_plain, overlap, storage_of, touches, written_spans,
)
from .recognise_arrays cimport Known, weightopt_fits, weightopt_is_same, weightopt_parts

cnp.import_array()

#: How states are stored that are rounded, by what they are rounded to.
cdef dict STATES = {None: NOTHING, "bfloat16": BFLOAT16, "int8": QUANTIZED}

cdef enum:
    UNFIT
    KNOWN
    OTHER_GRAD
    OTHER


cdef class BoundArrays:
    """Arrays in the order of a rule, checked, with what is known of them since an earlier step.

    They are owned while `held`; between steps none is kept alive.
    """

    def __cinit__(self, Py_ssize_t tensors, int parameters, bint noise, form):
        # One place more than there are arrays, so that nothing is allocated with no size.
        cdef Py_ssize_t pointers = tensors * (parameters + 1)
        if not 2 <= parameters <= MAX_ARRAYS:
            raise ValueError(f"arrays: expected 2 to {MAX_ARRAYS}, got {parameters}")
        self.work.parameters = parameters
        self.work.tensors = tensors
        self.states = parameters - 2 - noise
        self.noise = noise
        self.form = form
        self.master = form.master
        self.work.states = STATES[form.states]
        self.work.tensor = <Tensor *>PyMem_Calloc(tensors + 1, sizeof(Tensor))
        self.work.data = <char **>PyMem_Calloc(pointers + 1, sizeof(char *))
        self.work.storage = <signed char *>PyMem_Calloc(pointers + 1, 1)
        self.arrays = <PyObject **>PyMem_Calloc(pointers + 1, sizeof(PyObject *))
        self.known = <Known *>PyMem_Calloc(pointers + 1, sizeof(Known))
        self.written = <Span *>PyMem_Calloc(pointers + 1, sizeof(Span))
        if not (self.work.tensor and self.work.data and self.work.storage and self.arrays):
            raise MemoryError
        if not (self.known and self.written):
            raise MemoryError

    def __dealloc__(self):
        self.release()
        PyMem_Free(self.work.tensor)
        PyMem_Free(self.work.data)
        PyMem_Free(self.work.storage)
        PyMem_Free(self.arrays)
        PyMem_Free(self.known)
        PyMem_Free(self.written)

    cdef bint serves(self, Py_ssize_t tensors, int parameters, bint noise, form):
        """Whether it can take so many tensors of such a rule."""
        return (
            self.work.tensors == tensors
            and self.work.parameters == parameters
            and self.noise == noise
            and self.form == form
        )

    cdef bint take(self, tuple weights, tuple grads, tuple states):
        """Own the arrays of a step and check them; return whether they are as they have to be."""
        cdef bint was_apart = self.apart, written = not self.apart, grads_moved = False
        cdef Py_ssize_t i
        cdef int found
        self.release()
        self.taken += 1
        # Whatever raises or returns below leaves arrays that are to be checked against each other.
        self.apart = False
        # All are owned before the first is described: describing one may run Python.
        for i in range(self.work.tensors):
            if not self.arrange(i, weights[i], grads[i], states[i]):
                return False
        for i in range(self.work.tensors):
            found = self.describe(i, was_apart)
            if found == UNFIT:
                return False
            written |= found == OTHER
            grads_moved |= found == OTHER_GRAD
        self.apart = self.check_apart(written, grads_moved)
        return self.apart

    cdef bint arrange(self, Py_ssize_t at, object weight, object grad, object state):
        """Own the arrays of one tensor, in the rule's order; return whether they are as many."""
        cdef Py_ssize_t begin = at * (self.work.parameters + 1)
        cdef PyObject **arrays = self.arrays + begin
        cdef PyObject *whole = <PyObject *>state
        cdef PyObject **parts
        cdef Py_ssize_t given = 0, i
        cdef bint master
        if not (cnp.PyArray_CheckExact(weight) and cnp.PyArray_CheckExact(grad)):
            return False
        # The master copy is told by the size alone: nothing may run while `parts` is borrowed.
        master = self.master and cnp.PyArray_ITEMSIZE(<cnp.ndarray>weight) == 2
        arrays[0] = <PyObject *>weight
        arrays[1] = <PyObject *>grad
        parts = weightopt_parts(&whole, &given)
        if given != self.states + master:
            return False
        # Plain arrays alone: the backend views those of subclasses as plain ones, and tries again.
        for i in range(given):
            if not cnp.PyArray_CheckExact(<object>parts[i]):
                return False
            if i == self.states:
                arrays[0] = parts[i]
            else:
                arrays[2 + i] = parts[i]
        arrays[self.work.parameters] = <PyObject *>weight if master else NULL
        if self.noise:
            arrays[self.work.parameters - 1] = NULL
        # From here on `release` lets go of them, also where a later tensor does not fit.
        self.held = begin + self.work.parameters + 1
        for i in range(begin, self.held):
            Py_XINCREF(self.arrays[i])
        return True

    cdef int describe(self, Py_ssize_t at, bint were_apart) except -1:
        """Fill in one tensor; return whether its arrays fit each other, and what is new."""
        cdef int last = self.work.parameters, i
        cdef Tensor *tensor = &self.work.tensor[at]
        cdef PyObject **arrays = self.arrays + at * (last + 1)
        cdef char **data = self.work.data + at * (last + 1)
        cdef signed char *storage = self.work.storage + at * (last + 1)
        cdef cnp.ndarray first = <cnp.ndarray>arrays[0]
        cdef ptrdiff_t count = cnp.PyArray_SIZE(first)
        cdef char *begin
        cdef Known *known = self.known + at * (last + 1)
        cdef signed char stored
        cdef int found = KNOWN if were_apart and count == tensor.count else OTHER
        for i in range(last + 1):
            begin, stored = NULL, NOTHING if i == last else NOISE
            if arrays[i] != NULL:
                stored = storage_of(<cnp.ndarray>arrays[i])
                if not is_plain(<cnp.ndarray>arrays[i], i != 1):
                    return UNFIT
                if i and not weightopt_fits(arrays[i], arrays[0]):
                    return UNFIT
                begin = cnp.PyArray_BYTES(<cnp.ndarray>arrays[i])
                known[i].type = cnp.PyArray_TYPE(<cnp.ndarray>arrays[i])
                known[i].object = <void *>arrays[i]
                known[i].dims = cnp.PyArray_DIMS(<cnp.ndarray>arrays[i])
            if begin != data[i] or stored != storage[i]:
                found = max(found, <int>OTHER_GRAD if i == 1 else <int>OTHER)
            known[i].data = data[i] = begin
            storage[i] = stored
        # The same addresses, types and size: they fitted each other, and still do.
        if found == KNOWN:
            return KNOWN
        # A rule's function takes arrays that are stored alike; else the driver copies by stages.
        tensor.count = count
        tensor.wide = storage[0] == FLOAT64
        tensor.storage = storage[0]
        for i in range(1, last + 1):
            if storage[i] != (storage[0] if i < last else NOTHING):
                tensor.storage = MIXED
        if self.work.states != NOTHING:
            tensor.storage = MIXED
        if not self.dtypes_fit(storage) or overlap(data, storage, last + 1, count):
            return UNFIT
        return found

    cdef bint dtypes_fit(self, const signed char *storage):
        cdef int mirror = storage[self.work.parameters], i
        cdef int state = storage[0] if self.work.states == NOTHING else self.work.states
        if not 0 <= storage[0] < NOISE or mirror < 0:
            return False  # no kernel knows this type
        if mirror != NOTHING and (storage[0] != FLOAT32 or size_of(mirror) != 2):
            return False
        if self.work.states != NOTHING and storage[0] == FLOAT64:
            return False
        if storage[1] != storage[0] and storage[1] != mirror:
            return False
        for i in range(2, self.work.parameters):
            if storage[i] != NOISE and storage[i] != state:
                return False
        return True

    cdef bint check_apart(self, bint written, bint grads):
        """Whether no two tensors share memory; two threads would use it at once.

        Only gradients may be in common: they are read alone.
        """
        # Sorting what is written takes longest; a new gradient alone leaves that as it is.
        if written:
            self.spans = written_spans(&self.work, self.written, 0, self.work.parameters + 1)
        if self.work.tensors < 2:
            return True
        if written and not are_apart(self.written, self.spans):
            return False
        return not ((written or grads) and touches(self.written, self.spans, &self.work, False))

    cdef bint is_unchanged(self):
        """Whether the owned arrays are still as they were described; runs no Python."""
        cdef Py_ssize_t i, stride = self.work.parameters + 1
        cdef PyObject *first = NULL
        for i in range(self.held):
            # All of a tensor are compared with its first array, whatever shape that has by now.
            if i % stride == 0:
                first = self.arrays[i]
                if cnp.PyArray_SIZE(<cnp.ndarray>first) != self.work.tensor[i // stride].count:
                    return False
            if self.arrays[i] != NULL:
                if not weightopt_is_same(self.arrays[i], &self.known[i], i % stride != 1, first):
                    return False
        return True

    cdef int own(self, weights, grads, states) except -1:
        """Own the arrays of a step that are known; no Python has run since they were compared."""
        cdef Py_ssize_t i
        for i in range(self.work.tensors):
            self.arrange(i, weights[i], grads[i], states[i])
        return 0

    def tensors(self):
        """Return the arrays of each tensor, in the rule's order; while they are owned."""
        cdef Py_ssize_t i, j, stride = self.work.parameters + 1
        cdef list found = []
        for i in range(self.work.tensors if self.held else 0):
            arrays = [
                <object>self.arrays[j]
                for j in range(i * stride, (i + 1) * stride)
                if self.arrays[j] != NULL
            ]
            found.append(tuple(arrays))
        return found

    cdef void release(self):
        """Let go of the arrays."""
        cdef Py_ssize_t i, held = self.held
        # First, for letting go of an array may run a finalizer, and that another step.
        self.held = 0
        for i in range(held):
            Py_CLEAR(self.arrays[i])
