cimport numpy as cnp
from libc.stddef cimport ptrdiff_t

from .elementwise cimport Work

cdef bint is_plain(cnp.ndarray array, bint written)
cdef int storage_of(cnp.ndarray array) except -2
cdef bint overlap(
    char **data, const signed char *storage, int arrays, ptrdiff_t count
) noexcept nogil
cdef bint written_apart(const Work *work) except -1
