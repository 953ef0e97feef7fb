"""Which of many arrays hold an infinity or NaN, in one pass over their bits.

Design
------
a) Only bits are compared. So there is nothing to round or to overflow, 16-bit numbers need no
   conversion, and the floating-point environment plays no part.
b) What is found in a chunk is written by one thread, to a byte of its own.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint16_t, uint32_t, uint64_t

from .chunk_rows cimport ChunkRow, Part, part_of
from .driver cimport FLOAT16, FLOAT32, FLOAT64, GRAIN, size_of
from .parallel cimport parallel_for

# The words are IN.
cdef extern from "finite.h" nogil:
    bint nonfinite_float16(const uint16_t *words, ptrdiff_t count)
    bint nonfinite_bfloat16(const uint16_t *words, ptrdiff_t count)
    bint nonfinite_float32(const uint32_t *words, ptrdiff_t count)
    bint nonfinite_float64(const uint64_t *words, ptrdiff_t count)

# IN but for what `found` points to, which is OUT
cdef struct Search:
    const Part *part
    ptrdiff_t arrays
    char *found  # for each chunk


# IN part
cdef bint is_found(const Part *part, ptrdiff_t chunk) noexcept nogil:
    """Whether a chunk of an array holds an infinity or NaN."""
    cdef ptrdiff_t begin = chunk * GRAIN
    cdef ptrdiff_t count = min(part.count - begin, <ptrdiff_t>GRAIN)
    cdef const char *values = part.values + begin * size_of(part.storage)
    if part.storage == FLOAT32:
        return nonfinite_float32(<const uint32_t *>values, count)
    if part.storage == FLOAT64:
        return nonfinite_float64(<const uint64_t *>values, count)
    if part.storage == FLOAT16:
        return nonfinite_float16(<const uint16_t *>values, count)
    return nonfinite_bfloat16(<const uint16_t *>values, count)


cdef void search_part(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    """Look through the chunks `begin` to `end` of the numbering over all arrays."""
    cdef Search *search = <Search *>context
    cdef ptrdiff_t chunk, at = part_of(search.part, search.arrays, begin)
    for chunk in range(begin, end):
        # Arrays without elements have no chunk, and are passed over.
        while chunk >= search.part[at + 1].first:
            at += 1
        search.found[chunk] = is_found(&search.part[at], chunk - search.part[at].first)


def nonfinite(list arrays, list storages, int threads):
    """Return which of the arrays hold an infinity or NaN, by their places.

    Parameters
    ----------
    arrays : list of numpy.ndarray
        C-contiguous and aligned.
    storages : list of str
        How the elements of each are stored, as `weightopt_core.dtypes.STORAGE` names it.
    threads : int
        How many threads may share the work.

    Returns
    -------
    list of int
        In ascending order.

    Raises
    ------
    ValueError
        An array is not as described.
    """
    cdef ChunkRow row = ChunkRow(arrays, storages, GRAIN)
    cdef Search search
    cdef ptrdiff_t i, chunk
    cdef list places = []
    search.part = row.part
    search.arrays = row.arrays
    search.found = <char *>PyMem_Calloc(row.total + 1, 1)
    if not search.found:
        raise MemoryError
    try:
        with nogil:
            parallel_for(search_part, &search, row.total, 1, threads if row.total > 1 else 1)
        for i in range(row.arrays):
            for chunk in range(row.part[i].first, row.part[i + 1].first):
                if search.found[chunk]:
                    places.append(i)
                    break
        return places
    finally:
        PyMem_Free(search.found)
