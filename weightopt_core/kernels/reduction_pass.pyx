"""The first pass of a rule with reductions: what they are of, reduced by chunks.

Design
------
a) A rule with reductions has a second compiled function, which computes for each element what they
   are of, and writes nothing else. It runs by stages, which are reduced while in the cache. A
   reduction of an array itself reads that where it lies.
b) Chunks of all tensors are numbered in one row, which the pool cuts into tasks. A number belongs
   to one chunk of one tensor, so that tasks and threads do not show.
c) `scales` are for a second run of the same pass, where sums were beyond the range of double.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stddef cimport ptrdiff_t
from libc.string cimport memset

import numpy as np

from .abi cimport MAX_ARRAYS, MAX_REDUCTIONS
from .chunks cimport CHUNK, LANES
from .driver cimport (
    STAGE, Kernel, Tensor, Work, bytes_of, is_computed, load, load_scaled, rule_function,
)
from .reduction cimport add_scaled, add_values, join_lanes
from .parallel cimport parallel_for

cdef enum:
    CHUNKS = 4  # in one task of the pool; below twice as many the calling thread works alone


# All IN but for `chunks`, which are OUT
cdef struct Measure:
    Work *work
    rule_function float32
    rule_function float64
    int reductions
    const unsigned char *steps  # of each reduction
    const signed char *sources  # the array that each is of; -1 where the function computes it
    const double *scales  # for each tensor one of each reduction; NULL where all are 1
    ptrdiff_t *first  # chunk of each tensor in the numbering over all tensors
    double *chunks  # for each chunk one number of each reduction


# IN work; OUT arrays, copies
cdef void place(
    Work *work, ptrdiff_t at, void **arrays, double[STAGE] *copies,
    ptrdiff_t begin, ptrdiff_t count,
) noexcept nogil:
    """Point to the elements of each array from `begin` on, in the compute type."""
    cdef char **data = work.data + at * (work.parameters + 1)
    cdef signed char *storage = work.storage + at * (work.parameters + 1)
    cdef int i
    for i in range(work.parameters):
        arrays[i] = data[i] + bytes_of(storage[i], begin)
        if i == 1 and work.factor_count:
            load_scaled(
                copies[i], <char *>arrays[i], storage[i], count, work.factors, work.factor_count
            )
            arrays[i] = copies[i]
        elif not is_computed(storage[i]):
            load(copies[i], <char *>arrays[i], storage[i], count)
            arrays[i] = copies[i]


# IN measure; OUT numbers
cdef void measure_chunk(
    Measure *measure, ptrdiff_t at, ptrdiff_t chunk, double *numbers
) noexcept nogil:
    """Compute the numbers of one chunk of one tensor."""
    cdef double copies[MAX_ARRAYS][STAGE]
    cdef double values[MAX_REDUCTIONS][STAGE]
    cdef double lanes[MAX_REDUCTIONS][LANES]
    cdef void *arrays[MAX_ARRAYS + MAX_REDUCTIONS]
    cdef Tensor *tensor = &measure.work.tensor[at]
    cdef rule_function function = measure.float64 if tensor.wide else measure.float32
    cdef ptrdiff_t begin = chunk * CHUNK, count
    cdef ptrdiff_t end = min(begin + <ptrdiff_t>CHUNK, tensor.count)
    cdef double scale
    cdef const void *reduced
    cdef int i
    memset(lanes, 0, sizeof(lanes))
    # The function stores what is reduced in arrays that come after those of the rule.
    for i in range(measure.reductions):
        arrays[measure.work.parameters + i] = values[i]
    while begin < end:
        count = min(<ptrdiff_t>STAGE, end - begin)
        place(measure.work, at, arrays, copies, begin, count)
        function(count, arrays, tensor.constants)
        for i in range(measure.reductions):
            scale = measure.scales[at * measure.reductions + i] if measure.scales else 1.0
            reduced = values[i] if measure.sources[i] < 0 else arrays[measure.sources[i]]
            # A product with 1 would change nothing, but take a pass over the stage.
            if scale == 1.0:
                add_values(measure.steps[i], lanes[i], reduced, tensor.wide, count)
            else:
                add_scaled(measure.steps[i], lanes[i], reduced, tensor.wide, count, scale)
        begin += count
    for i in range(measure.reductions):
        numbers[i] = join_lanes(measure.steps[i], lanes[i])


cdef void measure_part(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    """Compute the numbers of the chunks `begin` to `end` of the numbering over all tensors."""
    cdef Measure *measure = <Measure *>context
    cdef ptrdiff_t low = 0, high = measure.work.tensors - 1, middle, chunk
    while low < high:
        middle = (low + high + 1) // 2
        if measure.first[middle] <= begin:
            low = middle
        else:
            high = middle - 1
    for chunk in range(begin, end):
        # Tensors without elements have no chunk, and are passed over.
        while chunk >= measure.first[low + 1]:
            low += 1
        measure_chunk(
            measure, low, chunk - measure.first[low], measure.chunks + chunk * measure.reductions
        )


# IN work
cdef list measure_work(Work *work, Kernel kernel, int threads, const double[:, ::1] scales):
    """Return for each tensor an array: a row for each chunk, with a number for each reduction.

    What is reduced is multiplied by its scale before; None stands for 1.
    """
    cdef Measure measure
    cdef ptrdiff_t i, total = 0
    cdef double[:, ::1] chunks
    cdef list parts = []
    measure.work = work
    measure.float32 = kernel.measure32
    measure.float64 = kernel.measure64
    measure.reductions = kernel.reductions
    measure.steps = kernel.steps
    measure.sources = <const signed char *><const char *>kernel.sources
    measure.scales = NULL
    if scales is not None:
        if scales.shape[0] != work.tensors or scales.shape[1] != kernel.reductions:
            raise ValueError("scales: expected one for each reduction of each tensor")
        if work.tensors:
            measure.scales = &scales[0, 0]
    measure.first = <ptrdiff_t *>PyMem_Calloc(work.tensors + 1, sizeof(ptrdiff_t))
    if not measure.first:
        raise MemoryError
    try:
        for i in range(work.tensors):
            measure.first[i] = total
            total += (work.tensor[i].count + CHUNK - 1) // CHUNK
        measure.first[work.tensors] = total
        made = np.empty((total, kernel.reductions))
        if total:
            chunks = made
            measure.chunks = &chunks[0, 0]
            with nogil:
                parallel_for(
                    measure_part, &measure, total, CHUNKS, threads if total >= 2 * CHUNKS else 1
                )
        for i in range(work.tensors):
            parts.append(made[measure.first[i]:measure.first[i + 1]])
        return parts
    finally:
        PyMem_Free(measure.first)
