"""What NumPy's own fields say of arrays: how they are stored, and whether they share memory.

Design
------
a) Fields are read by NumPy's C functions, without a buffer being acquired: for four arrays of each
   of a thousand tensors that takes about a thirtieth of the time.
b) Memory is compared as ranges of addresses. Arrays are contiguous here, so a range is all of one.
c) Ranges that are written are sorted once. Two of them overlap only if two neighbours do, and a
   gradient is looked up among them by bisection.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from libc.stdlib cimport qsort

cdef extern from "numpy/arrayobject.h":
    enum:
        NPY_USERDEF

from ..kernels.driver cimport BFLOAT16, FLOAT16, FLOAT32, FLOAT64, QUANTIZED, bytes_of

cnp.import_array()


cdef bint is_plain(cnp.ndarray array, bint written):
    cdef int flags = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_ALIGNED
    if written:
        flags |= cnp.NPY_ARRAY_WRITEABLE
    return cnp.PyArray_CHKFLAGS(array, flags) and cnp.PyArray_ISNOTSWAPPED(array)


cdef int bfloat16_type = -1


cdef int storage_of(cnp.ndarray array) except -2:
    """Return how the elements are stored, or -1 where no kernel takes them."""
    global bfloat16_type
    cdef int type_number = cnp.PyArray_TYPE(array)
    if type_number == cnp.NPY_FLOAT32:
        return FLOAT32
    if type_number == cnp.NPY_FLOAT64:
        return FLOAT64
    if type_number == cnp.NPY_FLOAT16:
        return FLOAT16
    if type_number == cnp.NPY_UINT8:
        return QUANTIZED
    # Types that packages register have numbers of their own. A void type that a class gave the
    # same name has the number of all void types, of any size.
    if bfloat16_type < 0 and type_number >= NPY_USERDEF and cnp.PyArray_ITEMSIZE(array) == 2:
        if array.dtype.name == "bfloat16":
            bfloat16_type = type_number
    return BFLOAT16 if type_number == bfloat16_type else -1


# IN data, storage
cdef bint overlap(
    char **data, const signed char *storage, int arrays, ptrdiff_t count
) noexcept nogil:
    """Whether two of the arrays share memory."""
    cdef int i, j
    for i in range(arrays if count else 0):
        for j in range(i + 1 if data[i] else arrays, arrays):
            if data[j] and data[j] < data[i] + bytes_of(storage[i], count):
                if data[i] < data[j] + bytes_of(storage[j], count):
                    return True
    return False


# IN work
cdef Span span_of(const Work *work, ptrdiff_t tensor, int array) noexcept nogil:
    cdef ptrdiff_t i = tensor * (work.parameters + 1) + array
    cdef Span span
    span.begin = span.end = work.data[i]
    if work.data[i]:
        span.end += bytes_of(work.storage[i], work.tensor[tensor].count)
    return span


cdef int by_begin(const void *first, const void *second) noexcept nogil:
    cdef char *one = (<const Span *>first).begin
    cdef char *other = (<const Span *>second).begin
    return (one > other) - (one < other)


# IN work; OUT spans, with room for each array
cdef Py_ssize_t written_spans(const Work *work, Span *spans, int first, int end) noexcept nogil:
    """Fill in the memory that is written, in its order; return of how many arrays it is.

    Of each tensor it is of the arrays `first` to `end`.
    """
    cdef ptrdiff_t tensor
    cdef Py_ssize_t used = 0
    cdef int i
    cdef Span span
    for tensor in range(work.tensors):
        for i in range(first, end):
            span = span_of(work, tensor, i)
            # Arrays without elements share memory with nothing.
            if i != 1 and span.begin != span.end:
                spans[used] = span
                used += 1
    qsort(spans, used, sizeof(Span), by_begin)
    return used


# IN spans
cdef bint are_apart(const Span *spans, Py_ssize_t count) noexcept nogil:
    """Whether no two of them, in their order, share memory."""
    cdef Py_ssize_t i
    for i in range(count - 1):
        if spans[i].end > spans[i + 1].begin:
            return False
    return True


# IN spans, work
cdef bint touches(
    const Span *spans, Py_ssize_t count, const Work *work, bint written
) noexcept nogil:
    """Whether spans that are apart share memory with gradients, or with all arrays, of a step."""
    cdef ptrdiff_t tensor
    cdef Py_ssize_t low, high, middle
    cdef int i
    cdef Span span
    for tensor in range(work.tensors):
        for i in range(0 if written else 1, work.parameters + 1 if written else 2):
            span = span_of(work, tensor, i)
            low, high = 0, count
            while low < high:  # the last one that begins before this one ends
                middle = (low + high) // 2
                if spans[middle].begin < span.end:
                    low = middle + 1
                else:
                    high = middle
            if low and span.begin != span.end and spans[low - 1].end > span.begin:
                return True
    return False
