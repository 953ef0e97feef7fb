"""The arrays of one step: where they are, and whether they fit each other and the rule."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.ref cimport Py_CLEAR, Py_XINCREF, PyObject
from libc.stddef cimport ptrdiff_t

cimport numpy as cnp

from .elementwise cimport (
    BFLOAT16, FLOAT32, FLOAT64, MAX_ARRAYS, MIXED, NOISE, NOTHING, Tensor, size_of,
)
from .fields cimport is_plain, overlap, storage_of
from .known cimport Known, weightopt_parts

cnp.import_array()


cdef class Bound:
    """Arrays in the order of a rule, checked, with what is known of them since an earlier step.

    They are owned while `held`; between steps none is kept alive.
    """

    def __cinit__(self, Py_ssize_t tensors, int parameters, bint noise, int kept):
        cdef Py_ssize_t pointers = tensors * (parameters + 1)
        if not 2 <= parameters < MAX_ARRAYS:
            raise ValueError(f"arrays: expected 2 to {MAX_ARRAYS - 1}, got {parameters}")
        self.work.parameters = parameters
        self.work.tensors = tensors
        self.states = parameters - 2 - noise
        self.noise = noise
        self.kept = kept
        self.work.rounded = kept & ROUNDED != 0
        self.work.tensor = <Tensor *>PyMem_Calloc(tensors + 1, sizeof(Tensor))
        self.work.data = <char **>PyMem_Calloc(pointers + 1, sizeof(char *))
        self.work.storage = <signed char *>PyMem_Calloc(pointers + 1, 1)
        self.arrays = <PyObject **>PyMem_Calloc(pointers + 1, sizeof(PyObject *))
        self.known = <Known *>PyMem_Calloc(pointers + 1, sizeof(Known))
        if not (self.work.tensor and self.work.data and self.work.storage and self.arrays):
            raise MemoryError
        if not self.known:
            raise MemoryError

    def __dealloc__(self):
        self.release()
        PyMem_Free(self.work.tensor)
        PyMem_Free(self.work.data)
        PyMem_Free(self.work.storage)
        PyMem_Free(self.arrays)
        PyMem_Free(self.known)

    cdef bint serves(self, Py_ssize_t tensors, int parameters, bint noise, int kept):
        """Whether it can be bound to so many tensors of such a rule now."""
        return (
            not self.held
            and self.work.tensors == tensors
            and self.work.parameters == parameters
            and self.noise == noise
            and self.kept == kept
        )

    cdef bint arrange(self, Py_ssize_t number, object weight, object grad, object state):
        """Put the arrays of one tensor into the rule's order; return whether they are as many."""
        cdef Py_ssize_t begin = number * (self.work.parameters + 1)
        cdef PyObject **arrays = self.arrays + begin
        cdef PyObject *whole = <PyObject *>state
        cdef PyObject **parts
        cdef Py_ssize_t given = 0, i
        cdef bint master
        if not (cnp.PyArray_Check(weight) and cnp.PyArray_Check(grad)):
            return False
        master = self.kept & MASTERS and size_of(storage_of(weight)) == 2
        arrays[0] = <PyObject *>weight
        arrays[1] = <PyObject *>grad
        parts = weightopt_parts(&whole, &given)
        if given != self.states + master:
            return False
        for i in range(given):
            if not cnp.PyArray_Check(<object>parts[i]):
                return False
            if i == self.states:
                arrays[0] = parts[i]
            else:
                arrays[2 + i] = parts[i]
        arrays[self.work.parameters] = <PyObject *>weight if master else NULL
        if self.noise:
            arrays[self.work.parameters - 1] = NULL
        self.held = begin + self.work.parameters + 1
        for i in range(begin, self.held):
            Py_XINCREF(self.arrays[i])
        return True

    cdef bint describe(self, Py_ssize_t number):
        """Fill in one tensor; return whether its arrays fit each other and the rule."""
        cdef int last = self.work.parameters, i
        cdef Tensor *tensor = &self.work.tensor[number]
        cdef PyObject **arrays = self.arrays + number * (last + 1)
        cdef char **data = self.work.data + number * (last + 1)
        cdef signed char *storage = self.work.storage + number * (last + 1)
        cdef cnp.ndarray first = <cnp.ndarray>arrays[0]
        cdef ptrdiff_t count = cnp.PyArray_SIZE(first)
        cdef char *begin
        cdef Known *known = self.known + number * (last + 1)
        cdef signed char stored
        cdef bint same = self.apart and count == tensor.count
        for i in range(last + 1):
            begin, stored = NULL, NOTHING if i == last else NOISE
            if arrays[i] != NULL:
                if not is_plain(<cnp.ndarray>arrays[i], i != 1):
                    return False
                if i and not cnp.PyArray_SAMESHAPE(<cnp.ndarray>arrays[i], first):
                    return False
                begin = cnp.PyArray_BYTES(<cnp.ndarray>arrays[i])
                stored = storage_of(<cnp.ndarray>arrays[i])
                known[i].descr = <void *>cnp.PyArray_DESCR(<cnp.ndarray>arrays[i])
                known[i].object = <void *>arrays[i]
                known[i].dims = cnp.PyArray_DIMS(<cnp.ndarray>arrays[i])
            if begin != data[i] or stored != storage[i]:
                same = False
                self.moved |= i != 1
            known[i].data = data[i] = begin
            storage[i] = stored
        if same:
            return True
        self.moved |= tensor.count != count
        tensor.count = count
        tensor.wide = storage[0] == FLOAT64
        tensor.storage = storage[0]
        for i in range(1, last + 1):
            if storage[i] != (storage[0] if i < last else NOTHING) or self.work.rounded:
                tensor.storage = MIXED
        return self.dtypes_fit(storage) and not overlap(data, storage, last + 1, count)

    cdef bint dtypes_fit(self, const signed char *storage):
        cdef int mirror = storage[self.work.parameters], i
        cdef int state = BFLOAT16 if self.work.rounded else storage[0]
        if storage[0] < 0 or mirror < 0:
            return False
        if mirror != NOTHING and (storage[0] != FLOAT32 or size_of(mirror) != 2):
            return False
        if self.work.rounded and storage[0] == FLOAT64:
            return False
        if storage[1] != storage[0] and storage[1] != mirror:
            return False
        for i in range(2, self.work.parameters):
            if storage[i] != NOISE and storage[i] != state:
                return False
        return True

    cdef int own(self, weights, grads, states) except -1:
        cdef Py_ssize_t i
        for i in range(self.work.tensors):
            self.arrange(i, weights[i], grads[i], states[i])
        return 0

    def tensors(self):
        """Return the arrays of each tensor, in the rule's order; after `bind`."""
        cdef Py_ssize_t i, j, stride = self.work.parameters + 1
        return [
            tuple(
                [
                    <object>self.arrays[i * stride + j]
                    for j in range(stride)
                    if self.arrays[i * stride + j] != NULL
                ]
            )
            for i in range(self.work.tensors if self.held else 0)
        ]

    cdef void release(self):
        """Let go of the arrays."""
        cdef Py_ssize_t i, held = self.held
        self.held = 0
        for i in range(held):
            Py_CLEAR(self.arrays[i])
