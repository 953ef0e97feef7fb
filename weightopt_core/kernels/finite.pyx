"""Which of many arrays hold an infinity or NaN, in one pass over their bits.

Design
------
a) Only bits are compared. So there is nothing to round or to overflow, 16-bit numbers need no
   conversion, and the floating-point environment plays no part.
b) Chunks of all arrays are numbered in one row, which the pool cuts into tasks. What is found in a
   chunk is written by one thread, to a byte of its own.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint16_t, uint32_t, uint64_t

cimport numpy as cnp

from .driver cimport BFLOAT16, FLOAT16, FLOAT32, FLOAT64, GRAIN, size_of
from .parallel cimport parallel_for

cnp.import_array()

# The words are IN.
cdef extern from "finite.h" nogil:
    bint nonfinite_float16(const uint16_t *words, ptrdiff_t count)
    bint nonfinite_bfloat16(const uint16_t *words, ptrdiff_t count)
    bint nonfinite_float32(const uint32_t *words, ptrdiff_t count)
    bint nonfinite_float64(const uint64_t *words, ptrdiff_t count)

cdef dict STORAGES = {
    "float16": FLOAT16, "bfloat16": BFLOAT16, "float32": FLOAT32, "float64": FLOAT64,
}


# IN
cdef struct Part:
    const char *values
    ptrdiff_t count
    int storage
    ptrdiff_t first  # chunk, in the numbering over all arrays


# IN but for what `found` points to, which is OUT
cdef struct Search:
    Part *part
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
    cdef ptrdiff_t low = 0, high = search.arrays - 1, middle, chunk
    while low < high:
        middle = (low + high + 1) // 2
        if search.part[middle].first <= begin:
            low = middle
        else:
            high = middle - 1
    for chunk in range(begin, end):
        # Arrays without elements have no chunk, and are passed over.
        while low + 1 < search.arrays and chunk >= search.part[low + 1].first:
            low += 1
        search.found[chunk] = is_found(&search.part[low], chunk - search.part[low].first)


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
    cdef tuple held = tuple(arrays)  # nobody else changes it while the lock is released
    cdef Py_ssize_t i, count = len(held)
    cdef ptrdiff_t total = 0, chunk
    cdef cnp.ndarray array
    cdef Search search
    cdef list places = []
    search.arrays = count
    search.found = NULL
    search.part = <Part *>PyMem_Calloc(count + 1, sizeof(Part))
    if not search.part:
        raise MemoryError
    try:
        for i in range(count):
            array = held[i]
            search.part[i].storage = STORAGES[storages[i]]
            if (
                not cnp.PyArray_CHKFLAGS(array, cnp.NPY_ARRAY_CARRAY_RO)
                or cnp.PyArray_ITEMSIZE(array) != size_of(search.part[i].storage)
            ):
                raise ValueError(f"arrays: expected contiguous {storages[i]}, got another layout")
            search.part[i].values = <const char *>cnp.PyArray_DATA(array)
            search.part[i].count = cnp.PyArray_SIZE(array)
            search.part[i].first = total
            total += (search.part[i].count + GRAIN - 1) // GRAIN
        search.found = <char *>PyMem_Calloc(total + 1, 1)
        if not search.found:
            raise MemoryError
        with nogil:
            parallel_for(search_part, &search, total, 1, threads if total > 1 else 1)
        for i in range(count):
            for chunk in range(
                search.part[i].first, search.part[i + 1].first if i + 1 < count else total
            ):
                if search.found[chunk]:
                    places.append(i)
                    break
        return places
    finally:
        PyMem_Free(search.found)
        PyMem_Free(search.part)
