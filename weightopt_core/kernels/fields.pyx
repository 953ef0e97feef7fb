"""What NumPy's own fields say of arrays: how they are stored, and whether they share memory."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdlib cimport qsort

from .elementwise cimport BFLOAT16, FLOAT16, FLOAT32, FLOAT64, size_of

cnp.import_array()


cdef bint is_plain(cnp.ndarray array, bint written):
    cdef int flags = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_ALIGNED
    if written:
        flags |= cnp.NPY_ARRAY_WRITEABLE
    return cnp.PyArray_CHKFLAGS(array, flags) and cnp.PyArray_ISNOTSWAPPED(array)


cdef int bfloat16_number = -1


cdef int storage_of(cnp.ndarray array) except -2:
    """Return how the elements are stored, or -1 where no kernel takes them."""
    global bfloat16_number
    cdef int number = cnp.PyArray_TYPE(array)
    if number == cnp.NPY_FLOAT32:
        return FLOAT32
    if number == cnp.NPY_FLOAT64:
        return FLOAT64
    if number == cnp.NPY_FLOAT16:
        return FLOAT16
    if bfloat16_number < 0 and array.dtype.name == "bfloat16":
        bfloat16_number = number
    return BFLOAT16 if number == bfloat16_number else -1


cdef bint overlap(
    char **data, const signed char *storage, int arrays, ptrdiff_t count
) noexcept nogil:
    """Whether two of the arrays share memory."""
    cdef int i, j
    for i in range(arrays if count else 0):
        for j in range(i + 1 if data[i] else arrays, arrays):
            if data[j] and data[j] < data[i] + count * size_of(storage[i]):
                if data[i] < data[j] + count * size_of(storage[j]):
                    return True
    return False


cdef struct Span:
    char *begin
    char *end


cdef int by_begin(const void *first, const void *second) noexcept nogil:
    cdef char *one = (<const Span *>first).begin
    cdef char *other = (<const Span *>second).begin
    return (one > other) - (one < other)


cdef bint written_apart(const Work *work) except -1:
    """Whether no two tensors write to the same memory, which two threads would do at once."""
    cdef ptrdiff_t i, used = 0, stride = work.parameters + 1
    cdef Span *spans
    cdef bint apart = True
    if work.tensors < 2:
        return True
    spans = <Span *>PyMem_Calloc(work.tensors * stride, sizeof(Span))
    if not spans:
        raise MemoryError
    for i in range(work.tensors * stride):
        if i % stride != 1 and work.data[i] and work.tensor[i // stride].count:
            spans[used].begin = work.data[i]
            spans[used].end = spans[used].begin
            spans[used].end += (
                work.tensor[i // stride].count * size_of(work.storage[i])
            )
            used += 1
    qsort(spans, used, sizeof(Span), by_begin)
    for i in range(used - 1):
        if spans[i].end > spans[i + 1].begin:
            apart = False
    PyMem_Free(spans)
    return apart
