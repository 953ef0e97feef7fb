"""The sums of squares of the chunks of many arrays, in one pass over all of them.

Design
------
A chunk has the number that `reduction` makes of it, whichever thread computes it. What the sum of
an array is made of its chunks is decided elsewhere.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from libc.stddef cimport ptrdiff_t

import numpy as np

from .chunk_rows cimport ChunkRow, Part, part_of
from .chunks cimport CHUNK
from .parallel cimport parallel_for
from .reduction cimport SQUARES, Work, reduce_part

cdef enum:
    CHUNKS = 4  # in one task of the pool; below twice as many the calling thread works alone


# IN but for what `sums` points to, which is OUT
cdef struct Squares:
    const Part *part
    ptrdiff_t arrays
    double scale
    double *sums  # for each chunk


cdef void add_part(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    """Compute the sums of the chunks `begin` to `end` of the numbering over all arrays."""
    cdef Squares *squares = <Squares *>context
    cdef ptrdiff_t at = part_of(squares.part, squares.arrays, begin), last
    cdef const Part *part
    cdef Work work
    work.step = SQUARES
    work.scale = squares.scale
    while begin < end:
        part = &squares.part[at]
        last = min(end, squares.part[at + 1].first)
        # Arrays without elements have no chunk, and are passed over.
        if begin < last:
            work.values, work.count, work.storage = part.values, part.count, part.storage
            work.chunks = squares.sums + part.first
            reduce_part(&work, begin - part.first, last - part.first)
            begin = last
        at += 1


def sum_squares(list arrays, list storages, double scale, int threads):
    """Return for each array the sum of the squares of each of its chunks, in double.

    Parameters
    ----------
    arrays, storages : list
        As for `weightopt_core.kernels.chunk_rows.ChunkRow`.
    scale : float
        By what values are multiplied before, in double.
    threads : int
        How many threads may share the work; the sums do not depend on it.

    Returns
    -------
    list of list of float
    """
    cdef ChunkRow row = ChunkRow(arrays, storages, CHUNK)
    cdef Squares squares
    cdef double[::1] view
    cdef ptrdiff_t i
    cdef list flat, sums = []
    made = np.empty(row.total + 1)
    view = made
    squares.part = row.part
    squares.arrays = row.arrays
    squares.scale = scale
    squares.sums = &view[0]
    with nogil:
        parallel_for(
            add_part, &squares, row.total, CHUNKS, threads if row.total >= 2 * CHUNKS else 1
        )
    flat = made.tolist()
    for i in range(row.arrays):
        sums.append(flat[row.part[i].first:row.part[i + 1].first])
    return sums
