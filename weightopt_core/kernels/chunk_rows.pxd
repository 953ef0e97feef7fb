from libc.stddef cimport ptrdiff_t


cdef struct Part:
    const char *values
    ptrdiff_t count
    int storage
    ptrdiff_t first  # chunk, in the numbering over all arrays


cdef class ChunkRow:
    cdef tuple held
    cdef Part *part  # of each array, and one more, which begins where the last one ends
    cdef readonly ptrdiff_t arrays
    cdef readonly ptrdiff_t total  # chunks of all arrays


# IN part: find the array that a chunk is of, for the first chunk of a task
cdef ptrdiff_t part_of(const Part *part, ptrdiff_t arrays, ptrdiff_t chunk) noexcept nogil
