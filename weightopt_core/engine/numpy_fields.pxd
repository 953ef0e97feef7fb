cimport numpy as cnp
from libc.stddef cimport ptrdiff_t

from ..kernels.driver cimport Work


cdef struct Span:
    char *begin
    char *end


cdef bint is_plain(cnp.ndarray array, bint written)
cdef int storage_of(cnp.ndarray array) except -2
cdef bint overlap(
    char **data, const signed char *storage, int arrays, ptrdiff_t count
) noexcept nogil
cdef Py_ssize_t written_spans(const Work *work, Span *spans, int first, int end) noexcept nogil
cdef bint are_apart(const Span *spans, Py_ssize_t count) noexcept nogil
cdef bint touches(
    const Span *spans, Py_ssize_t count, const Work *work, bint written
) noexcept nogil
