"""Products of all elements of many arrays with a number, as a whole or not at all.

Design
------
a) All that can fail comes first. Then the lock is released once, and no Python runs until all is
   scaled: neither a signal's handler nor a lack of memory can come between two arrays.
b) Several factors are for a product that one number of the compute type cannot hold. Each product
   is rounded to what the array stores, as if the arrays were scaled so many times.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stddef cimport ptrdiff_t

cimport numpy as cnp

from .driver cimport (
    BFLOAT16, FLOAT16, FLOAT32, FLOAT64, GRAIN, STAGE, load_scaled, size_of, store,
)
from .parallel cimport parallel_for

cnp.import_array()

cdef dict STORAGES = {
    "float16": FLOAT16, "bfloat16": BFLOAT16, "float32": FLOAT32, "float64": FLOAT64,
}


# IN, but for what `values` points to, which is INOUT
cdef struct Work:
    char *values
    ptrdiff_t count
    int storage
    const double *factors
    int factor_count


cdef void scale_part(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    """Scale the elements `begin` to `end`."""
    cdef Work *work = <Work *>context
    cdef double staged[STAGE]
    cdef ptrdiff_t count
    cdef char *values
    while begin < end:
        count = min(<ptrdiff_t>STAGE, end - begin)
        values = work.values + begin * size_of(work.storage)
        load_scaled(staged, values, work.storage, count, work.factors, work.factor_count)
        store(values, staged, work.storage, count)
        begin += count


def scale(list arrays, list storages, list factors, int threads):
    """Multiply every element of all arrays by each factor in turn, in the compute type.

    Parameters
    ----------
    arrays : list of numpy.ndarray
        C-contiguous, aligned and writable; apart in memory.
    storages : list of str
        How the elements of each are stored, as `weightopt_core.dtypes.STORAGE` names it.
    factors : list of float
        Rounded to the compute type before they are used.
    threads : int
        How many threads may share the work.

    Raises
    ------
    ValueError
        An array is not as described; nothing has changed.
    """
    cdef tuple held = tuple(arrays)  # nobody else changes it while the lock is released
    cdef Py_ssize_t i, count = len(held), factor_count = len(factors)
    cdef cnp.ndarray array
    cdef Work *works = <Work *>PyMem_Calloc(count + 1, sizeof(Work))
    cdef double *values = <double *>PyMem_Calloc(factor_count + 1, sizeof(double))
    try:
        if not works or not values:
            raise MemoryError
        for i in range(factor_count):
            values[i] = factors[i]
        for i in range(count):
            array = held[i]
            works[i].storage = STORAGES.get(storages[i], -1)
            if (
                works[i].storage < 0
                or not cnp.PyArray_CHKFLAGS(array, cnp.NPY_ARRAY_CARRAY)
                or cnp.PyArray_ITEMSIZE(array) != size_of(works[i].storage)
            ):
                raise ValueError(f"arrays: expected contiguous ones, got {array.dtype} otherwise")
            works[i].values = <char *>cnp.PyArray_DATA(array)
            works[i].count = cnp.PyArray_SIZE(array)
            works[i].factors = values
            works[i].factor_count = factor_count
        with nogil:
            for i in range(count):
                parallel_for(
                    scale_part, &works[i], works[i].count, GRAIN,
                    threads if works[i].count >= 2 * GRAIN else 1,
                )
    finally:
        PyMem_Free(works)
        PyMem_Free(values)
