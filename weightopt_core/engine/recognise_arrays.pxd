from cpython.ref cimport PyObject
from libc.stddef cimport ptrdiff_t

from ..kernels.driver cimport Work

cdef extern from "recognise.h" nogil:
    ctypedef struct Known "weightopt_known":
        char *data
        const void *object
        const void *dims
        int type
    void weightopt_fetch(const Known *known, int arrays)
    PyObject **weightopt_items(PyObject *sequence)
    PyObject **weightopt_parts(PyObject **state, Py_ssize_t *count)
    bint weightopt_is_same_tensor(
        PyObject *weight, PyObject *grad, PyObject **state, const Known *known, int states,
        int mirror, Py_ssize_t count,
    )
    bint weightopt_fits(PyObject *object, PyObject *first)
    bint weightopt_is_same(PyObject *object, const Known *known, bint written, PyObject *first)

cdef enum:
    TENSORS = 64  # that one thread compares at a time


cdef struct Comparison:
    Work *work
    Known *known
    PyObject **weights
    PyObject **grads
    PyObject **states
    int state_arrays
    bint differs


cdef void compare_part(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil
