"""Chunks of many arrays, numbered in one row that the pool can cut into tasks.

Design
------
a) All is checked when a row is made. After that nothing can fail, and no lock is needed.
b) An array without elements has no chunk: the one after it begins at the same number.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stddef cimport ptrdiff_t

cimport numpy as cnp

from .driver cimport BFLOAT16, FLOAT16, FLOAT32, FLOAT64, size_of

cnp.import_array()

cdef dict STORAGES = {
    "float16": FLOAT16, "bfloat16": BFLOAT16, "float32": FLOAT32, "float64": FLOAT64,
}


cdef class ChunkRow:
    """The chunks of some arrays, which it keeps alive.

    Parameters
    ----------
    arrays : list of numpy.ndarray
        C-contiguous and aligned.
    storages : list of str
        How the elements of each are stored, as `weightopt_core.dtypes.STORAGE` names it.
    length : int
        Elements of a chunk; the last one of an array may have fewer.

    Raises
    ------
    ValueError
        An array is not as described.
    """

    def __init__(self, list arrays, list storages, ptrdiff_t length):
        cdef Py_ssize_t i
        cdef Part *part
        cdef cnp.ndarray array
        self.held = tuple(arrays)  # nobody else changes it while the lock is released
        self.arrays = len(self.held)
        if length < 1 or len(storages) != self.arrays or self.part:
            raise ValueError(f"storages and length: expected {self.arrays} and 1 or more")
        self.part = <Part *>PyMem_Calloc(self.arrays + 1, sizeof(Part))
        if not self.part:
            raise MemoryError
        for i in range(self.arrays):
            array, part = self.held[i], &self.part[i]
            part.storage = STORAGES[storages[i]]
            if (
                not cnp.PyArray_CHKFLAGS(array, cnp.NPY_ARRAY_CARRAY_RO)
                or cnp.PyArray_ITEMSIZE(array) != size_of(part.storage)
            ):
                raise ValueError(f"arrays: expected contiguous {storages[i]}, got another layout")
            part.values = <const char *>cnp.PyArray_DATA(array)
            part.count = cnp.PyArray_SIZE(array)
            part.first = self.total
            self.total += (part.count + length - 1) // length
        self.part[self.arrays].first = self.total

    def __dealloc__(self):
        PyMem_Free(self.part)


cdef ptrdiff_t part_of(const Part *part, ptrdiff_t arrays, ptrdiff_t chunk) noexcept nogil:
    """Return the last array whose chunks begin at or before `chunk`."""
    cdef ptrdiff_t low = 0, high = arrays - 1, middle
    while low < high:
        middle = (low + high + 1) // 2
        if part[middle].first <= chunk:
            low = middle
        else:
            high = middle - 1
    return low
