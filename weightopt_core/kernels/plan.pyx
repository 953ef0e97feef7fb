"""The arrays of one step, checked and ready to run on one partition of all their elements."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stddef cimport ptrdiff_t
from libc.stdlib cimport qsort

cimport numpy as cnp

from .elementwise cimport (
    BFLOAT16, FLOAT16, FLOAT32, FLOAT64, GRAIN, MAX_ARRAYS, NOISE, NOTHING, Kernel, Tensor, Work,
    run_part, size_of,
)
from .parallel cimport parallel_for

cnp.import_array()


cdef struct Span:
    char *begin
    char *end


cdef int by_begin(const void *first, const void *second) noexcept nogil:
    cdef char *one = (<const Span *>first).begin
    cdef char *other = (<const Span *>second).begin
    return (one > other) - (one < other)


cdef class Plan:
    """The arrays of one step: checked by `bind`, kept alive, and ready to run."""

    cdef Work work
    cdef list tensors

    def __dealloc__(self):
        PyMem_Free(self.work.tensor)
        PyMem_Free(self.work.data)
        PyMem_Free(self.work.storage)

    cdef int allocate(self, list tensors, int parameters) except -1:
        cdef Py_ssize_t count = len(tensors), pointers = count * (parameters + 1)
        if not 2 <= parameters < MAX_ARRAYS:
            raise ValueError(f"arrays: expected 2 to {MAX_ARRAYS - 1}, got {parameters}")
        self.tensors = tensors
        self.work.parameters = parameters
        self.work.tensors = count
        self.work.tensor = <Tensor *>PyMem_Calloc(count, sizeof(Tensor))
        self.work.data = <char **>PyMem_Calloc(pointers, sizeof(char *))
        self.work.storage = <signed char *>PyMem_Calloc(pointers, 1)
        if not (self.work.tensor and self.work.data and self.work.storage):
            raise MemoryError
        return 0

    cdef bint describe(self, ptrdiff_t number, tuple arrays, bint noise):
        """Fill in one tensor; return whether its arrays fit each other and the rule."""
        cdef int parameters = self.work.parameters, given = len(arrays), i
        cdef Tensor *tensor = &self.work.tensor[number]
        cdef char **data = self.work.data + number * (parameters + 1)
        cdef signed char *storage = self.work.storage + number * (parameters + 1)
        cdef cnp.ndarray first = arrays[0], array
        cdef ptrdiff_t count = cnp.PyArray_SIZE(first)
        if given + noise < parameters or given + noise > parameters + 1:
            return False
        for i in range(given):
            array = arrays[i]
            if not (is_plain(array, i != 1) and cnp.PyArray_SAMESHAPE(array, first)):
                return False
            storage[i] = storage_of(array)
            data[i] = cnp.PyArray_BYTES(array)
        if overlap(data, storage, given, count):
            return False
        if given + noise > parameters:
            storage[parameters] = storage[given - 1]
            data[parameters] = data[given - 1]
        else:
            storage[parameters] = NOTHING
        if noise:
            storage[parameters - 1] = NOISE
        tensor.count = count
        tensor.wide = storage[0] == FLOAT64
        tensor.staged = noise or storage[parameters] != NOTHING or size_of(storage[0]) == 2
        return self.dtypes_fit(storage)

    cdef bint weights_apart(self) except -1:
        """Whether no two weights share memory, which two threads would write to at once."""
        cdef ptrdiff_t i, count = self.work.tensors, stride = self.work.parameters + 1
        cdef Span *spans
        cdef bint apart = True
        if count < 2:
            return True
        spans = <Span *>PyMem_Calloc(count, sizeof(Span))
        if not spans:
            raise MemoryError
        for i in range(count):
            spans[i].begin = self.work.data[i * stride]
            spans[i].end = spans[i].begin
            spans[i].end += self.work.tensor[i].count * size_of(self.work.storage[i * stride])
        qsort(spans, count, sizeof(Span), by_begin)
        for i in range(count - 1):
            if spans[i].end > spans[i + 1].begin and spans[i + 1].end > spans[i + 1].begin:
                apart = False
        PyMem_Free(spans)
        return apart

    cdef bint dtypes_fit(self, const signed char *storage):
        cdef int mirror = storage[self.work.parameters], i
        if storage[0] < 0 or mirror < 0:
            return False
        if mirror != NOTHING and (storage[0] != FLOAT32 or size_of(mirror) != 2):
            return False
        for i in range(1, self.work.parameters):
            if storage[i] != storage[0] and storage[i] != NOISE:
                if not (i == 1 and storage[1] == mirror):
                    return False
        return True

    def run(self, Kernel kernel, const double[:, ::1] constants, int threads, list keys):
        """Compute the new weights and states.

        Parameters
        ----------
        kernel : Kernel
            The compiled rule.
        constants : numpy.ndarray
            The rule's numbers, float64, one row for each tensor.
        threads : int
            How many threads may share the work.
        keys : list of tuple of int
            The stream of each tensor's noise; empty for rules without.
        """
        cdef Py_ssize_t i, j, row = constants.shape[1]
        cdef ptrdiff_t total = 0
        cdef char *numbers
        cdef Tensor *tensor
        fits = kernel.arrays == self.work.parameters and kernel.constants == row
        if not fits or constants.shape[0] != self.work.tensors:
            raise ValueError("constants and kernel: expected those of the bound rule and tensors")
        numbers = <char *>PyMem_Calloc(self.work.tensors * row + 1, 8)
        if not numbers:
            raise MemoryError
        for i in range(self.work.tensors):
            tensor = &self.work.tensor[i]
            tensor.begin = total
            total += tensor.count
            tensor.constants = numbers + i * row * 8
            if keys:
                tensor.key0, tensor.key1 = keys[i]
            for j in range(row):
                if tensor.wide:
                    (<double *>tensor.constants)[j] = constants[i, j]
                else:
                    (<float *>tensor.constants)[j] = <float>constants[i, j]
        self.work.float32 = kernel.float32
        self.work.float64 = kernel.float64
        with nogil:
            parallel_for(
                run_part, &self.work, total, GRAIN, threads if total >= 2 * GRAIN else 1
            )
        PyMem_Free(numbers)


def bind(list tensors, int parameters, bint noise):
    """Check the arrays of one step.

    Parameters
    ----------
    tensors : list of tuple of numpy.ndarray
        For each weight what the rule takes, in its order, without noise. A 16-bit weight that
        follows a float32 master copy comes last, and the copy in its place.
    parameters : int
        How many arrays the rule takes, noise included.
    noise : bool
        Whether the last of them is noise.

    Returns
    -------
    Plan or None
        None where some array is not as it has to be.
    """
    cdef Plan plan = Plan()
    cdef ptrdiff_t i
    plan.allocate(tensors, parameters)
    for i in range(len(tensors)):
        if not plan.describe(i, tensors[i], noise):
            return None
    if not plan.weights_apart():
        return None
    return plan


cdef inline bint is_plain(cnp.ndarray array, bint written):
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
        for j in range(i + 1, arrays):
            if data[j] < data[i] + count * size_of(storage[i]):
                if data[i] < data[j] + count * size_of(storage[j]):
                    return True
    return False
