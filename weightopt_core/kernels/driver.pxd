from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint64_t

cdef enum:
    GRAIN = 16384  # elements in one task of the pool
    # Elements copied and computed at a time where arrays are not stored alike; a block of a state
    # in 8 bits is one.
    STAGE = 256

# How elements are stored, as dtypes.py says it to Python. Without a name, as Cython before 3.3
# takes no size from an enum with one.
cdef enum:
    FLOAT32
    FLOAT64
    FLOAT16
    BFLOAT16
    NOISE  # not stored: drawn where it is needed
    QUANTIZED  # of a state: in 8 bits, by blocks
    NOTHING
    MIXED  # of a tensor: not all arrays alike

ctypedef void (*rule_function)(
    ptrdiff_t count, void *const *arrays, const void *constants
) noexcept nogil


cdef struct Tensor:
    ptrdiff_t begin  # number of its first element among those of all tensors
    ptrdiff_t count
    int wide  # whether it is computed in float64
    int storage  # of all its arrays, or MIXED
    void *constants
    uint64_t key0  # of the noise, or of the rounding
    uint64_t key1


cdef struct Work

cdef struct Work:
    int parameters  # arrays that the rule takes; one more pointer a tensor is for its mirror
    ptrdiff_t tensors
    ptrdiff_t total  # elements of all tensors
    int states  # BFLOAT16 or QUANTIZED where they are rounded to that stochastically, or NOTHING
    Tensor *tensor
    char **data  # of each tensor one after the other
    signed char *storage
    rule_function *functions  # by storage
    const double *factors  # by which gradients are multiplied one after another, as they are read
    int factor_count
    Work *behind  # what runs over the same elements once these are computed, if anything


cdef inline ptrdiff_t size_of(int storage) noexcept nogil:
    return 8 if storage == FLOAT64 else 4 if storage == FLOAT32 else 2


# Bytes of so many elements; and where element `count` begins, if that begins a block.
cdef ptrdiff_t bytes_of(int storage, ptrdiff_t count) noexcept nogil


cdef inline bint is_computed(int storage) noexcept nogil:
    """Whether elements are stored as rules compute them."""
    return storage == FLOAT32 or storage == FLOAT64


cdef void load(void *staged, const char *data, int storage, ptrdiff_t count) noexcept nogil
cdef void load_scaled(
    void *staged, const char *data, int storage, ptrdiff_t count, const double *factors,
    int factor_count,
) noexcept nogil
cdef void store(char *data, const void *staged, int storage, ptrdiff_t count) noexcept nogil
cdef void number_elements(Work *work) noexcept nogil
cdef void run_part(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil


cdef class Kernel:
    cdef rule_function[NOISE] functions  # by storage
    cdef rule_function measure32
    cdef rule_function measure64
    cdef readonly int arrays
    cdef readonly int constants
    cdef readonly int reductions
    cdef bytes steps  # of each reduction
    cdef bytes sources  # of each reduction, a signed char
