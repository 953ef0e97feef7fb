"""Run a compiled rule over the elements of many tensors.

Design
------
a) A `Work` numbers the elements of all its tensors in one row, and the pool runs parts of that row.
   So a thousand small tensors are shared out among threads as one large tensor is.
b) Arrays that are all stored alike go to the rule's function where they lie. Others are copied by
   stages, which stay in the cache, are computed in float32 or float64, and are stored again.
c) An element depends on no other element. So neither parts nor stages nor threads show in the bits,
   and neither does it whether another rule runs behind a part or behind the whole.
d) What runs over memory takes no lock and makes no object. A `Kernel` alone is Python's: it opens
   the capsules of a plugin once, and refuses those of another version by their name.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from .abi cimport ABI, CAPSULE, MAX_ARRAYS, MAX_REDUCTIONS
from .random_fill cimport draw_normal

# Of all of these `out` and `words` are OUT, but the `words` of storing; the rest is IN.
cdef extern from "casts.h" nogil:
    void load_float16(float *out, const uint16_t *values, ptrdiff_t count)
    void load_bfloat16(float *out, const uint16_t *values, ptrdiff_t count)
    void store_float16(uint16_t *out, const float *values, ptrdiff_t count)
    void store_bfloat16(uint16_t *out, const float *values, ptrdiff_t count)
    void draw_words(
        uint32_t *words, uint64_t key0, uint64_t key1, uint32_t pair, uint64_t begin,
        ptrdiff_t count,
    )
    void store_rounded_low(
        uint16_t *out, const float *values, const uint32_t *words, ptrdiff_t count
    )
    void store_rounded_high(
        uint16_t *out, const float *values, const uint32_t *words, ptrdiff_t count
    )

cdef extern from "quantize.h" nogil:
    ptrdiff_t QUANTIZED_BYTES(ptrdiff_t count)
    void load_quantized(float *out, const uint8_t *block, ptrdiff_t count)
    void store_quantized(
        uint8_t *block, const float *values, const uint32_t *words, int shift, ptrdiff_t count
    )

# OUT out; IN values, which may be `out`
cdef extern from "scaling.h" nogil:
    void multiply_float32(float *out, const float *values, ptrdiff_t count, float factor)
    void multiply_float64(double *out, const double *values, ptrdiff_t count, double factor)

cdef extern from "probe.h" nogil:
    int weightopt_is_exact()
    const char *weightopt_inexact

# Compilers can be told to change values in ways that no macro shows. Better no module than one that
# has other bits than NumPy.
if not weightopt_is_exact():
    raise ImportError(weightopt_inexact.decode())

cdef enum:
    LINE = 64  # bytes of a cache line
    LONG_STAGE = 2048  # elements copied at a time where one array of many is
    LONG = 8192  # elements of a tensor that is worth two calls
    PADDING = 24  # or equal elements of two copies would lie a whole page from each other

#: Below this many elements a step stays on the calling thread.
THREAD_THRESHOLD = 2 * GRAIN


cdef ptrdiff_t bytes_of(int storage, ptrdiff_t count) noexcept nogil:
    return QUANTIZED_BYTES(count) if storage == QUANTIZED else count * size_of(storage)


# OUT staged; IN data
cdef void load(void *staged, const char *data, int storage, ptrdiff_t count) noexcept nogil:
    if storage == FLOAT16:
        load_float16(<float *>staged, <const uint16_t *>data, count)
    elif storage == BFLOAT16:
        load_bfloat16(<float *>staged, <const uint16_t *>data, count)
    elif storage == QUANTIZED:
        load_quantized(<float *>staged, <const uint8_t *>data, count)
    else:
        memcpy(staged, data, count * size_of(storage))


# OUT staged; IN data, factors
cdef void load_scaled(
    void *staged, const char *data, int storage, ptrdiff_t count, const double *factors,
    int factor_count,
) noexcept nogil:
    """Load elements, multiplied by each of some factors in turn; of 16 bits, up to `STAGE`."""
    cdef uint16_t stored[STAGE]
    cdef int i
    if not is_computed(storage):
        load(staged, data, storage, count)
        data = <const char *>staged
    for i in range(factor_count):
        if storage == FLOAT64:
            multiply_float64(<double *>staged, <const double *>data, count, factors[i])
        else:
            multiply_float32(<float *>staged, <const float *>data, count, <float>factors[i])
        data = <const char *>staged
        # Each product is one that the array could hold, as if it were scaled so many times.
        if not is_computed(storage):
            store(<char *>stored, staged, storage, count)
            load(staged, <const char *>stored, storage, count)


# OUT data; IN staged
cdef void store(char *data, const void *staged, int storage, ptrdiff_t count) noexcept nogil:
    if storage == FLOAT16:
        store_float16(<uint16_t *>data, <const float *>staged, count)
    elif storage == BFLOAT16:
        store_bfloat16(<uint16_t *>data, <const float *>staged, count)
    else:
        memcpy(data, staged, count * size_of(storage))


# IN work, tensor, arrays; OUT what `data` points to
cdef void store_states(
    Work *work, Tensor *tensor, char **data, void **arrays, ptrdiff_t begin, ptrdiff_t count
) noexcept nogil:
    """Store the states of a stage, rounded stochastically."""
    cdef uint32_t[STAGE] words
    cdef char *out
    cdef const float *values
    cdef int i
    for i in range(work.parameters - 2):
        out = data[2 + i] + bytes_of(work.states, begin)
        values = <const float *>arrays[2 + i]
        # A word has 32 bits and a rounding takes 16: each word serves a pair of states.
        if i % 2 == 0:
            draw_words(words, tensor.key0, tensor.key1, i // 2, begin, count)
        if work.states == QUANTIZED:
            store_quantized(<uint8_t *>out, values, words, 16 * (i % 2), count)
        elif i % 2 == 0:
            store_rounded_low(<uint16_t *>out, values, words, count)
        else:
            store_rounded_high(<uint16_t *>out, values, words, count)


# IN work, tensor, storage; INOUT what `data` points to, but the gradient, which is IN
cdef void run_staged(
    Work *work, Tensor *tensor, char **data, signed char *storage, ptrdiff_t begin, ptrdiff_t end
) noexcept nogil:
    """Compute stages of one tensor, on copies of what is not as the rule's function takes it."""
    cdef double copies[MAX_ARRAYS][STAGE + PADDING]
    cdef void *arrays[MAX_ARRAYS]
    cdef ptrdiff_t count, itemsize = 8 if tensor.wide else 4
    cdef int i, last = work.parameters, stored = last if work.states == NOTHING else 2
    while begin < end:
        count = min(<ptrdiff_t>STAGE, end - begin)
        for i in range(last):
            arrays[i] = copies[i]
            if i == 1 and work.factor_count:
                load_scaled(
                    arrays[i], data[i] + begin * size_of(storage[i]), storage[i], count,
                    work.factors, work.factor_count,
                )
            elif is_computed(storage[i]):
                # Where it lies: what is stored as it is computed needs no copy.
                arrays[i] = data[i] + begin * size_of(storage[i])
            elif storage[i] == NOISE:
                draw_normal(arrays[i], itemsize, tensor.key0, tensor.key1, begin, count)
            else:
                load(arrays[i], data[i] + bytes_of(storage[i], begin), storage[i], count)
        work.functions[<int>(FLOAT64 if tensor.wide else FLOAT32)](count, arrays, tensor.constants)
        # All but the gradient, which is read only, and the noise, which is nowhere.
        for i in range(stored):
            if i != 1 and storage[i] != NOISE and not is_computed(storage[i]):
                store(data[i] + begin * size_of(storage[i]), arrays[i], storage[i], count)
        if work.states != NOTHING:
            store_states(work, tensor, data, arrays, begin, count)
        # The 16-bit weight that mirrors a master copy comes last.
        if storage[last] != NOTHING:
            store(data[last] + begin * size_of(storage[last]), arrays[0], storage[last], count)
        begin += count


# IN work, tensor; INOUT what `data` points to, but the gradient
cdef void run_direct(
    Work *work, Tensor *tensor, char **data, ptrdiff_t begin, ptrdiff_t end
) noexcept nogil:
    """Compute elements of a tensor where they lie."""
    cdef void *arrays[MAX_ARRAYS]
    cdef ptrdiff_t itemsize = size_of(tensor.storage)
    cdef int i
    for i in range(work.parameters):
        arrays[i] = data[i] + begin * itemsize
    work.functions[tensor.storage](end - begin, arrays, tensor.constants)


# As for `run_direct`
cdef void run_scaled(
    Work *work, Tensor *tensor, char **data, ptrdiff_t begin, ptrdiff_t end
) noexcept nogil:
    """Compute elements of a tensor where they lie, all but the gradient, which is multiplied."""
    cdef double scaled[LONG_STAGE]
    cdef void *arrays[MAX_ARRAYS]
    cdef ptrdiff_t itemsize = size_of(tensor.storage), count
    cdef int i
    while begin < end:
        count = min(<ptrdiff_t>LONG_STAGE, end - begin)
        for i in range(work.parameters):
            arrays[i] = data[i] + begin * itemsize
        load_scaled(
            scaled, <char *>arrays[1], tensor.storage, count, work.factors, work.factor_count
        )
        arrays[1] = scaled
        work.functions[tensor.storage](count, arrays, tensor.constants)
        begin += count


# INOUT work
cdef void run_range(Work *work, ptrdiff_t at, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    """Compute elements of one tensor, and what is behind while they are still in the cache."""
    cdef Tensor *tensor
    cdef ptrdiff_t first
    while work != NULL:
        tensor, first = &work.tensor[at], at * (work.parameters + 1)
        if work.factor_count and is_computed(tensor.storage):
            run_scaled(work, tensor, work.data + first, begin, end)
        elif work.factor_count or tensor.storage == MIXED:
            run_staged(work, tensor, work.data + first, work.storage + first, begin, end)
        else:
            run_direct(work, tensor, work.data + first, begin, end)
        work = work.behind


# INOUT work
cdef void run_aligned(Work *work, ptrdiff_t at, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    """Compute a part of a tensor from where the weight is aligned, as most arrays then are."""
    cdef Tensor *tensor = &work.tensor[at]
    cdef size_t weight = <size_t>work.data[at * (work.parameters + 1)]
    cdef ptrdiff_t before = 0
    # A vector that crosses a cache line costs two accesses; one call more is worth that only where
    # there are many. The part that begins a tensor takes the elements before the line too, and each
    # part ends where the next one begins. Stages begin where parts do.
    if tensor.storage != MIXED and tensor.count >= LONG:
        before = (<size_t>0 - weight) % LINE // size_of(tensor.storage)
    if before and begin == 0:
        run_range(work, at, 0, before)
    if end < tensor.count:
        end += before
    run_range(work, at, begin + before, min(end, tensor.count))


# INOUT work
cdef void number_elements(Work *work) noexcept nogil:
    """Number the elements of all tensors in one row, whose parts begin with a block of a state."""
    cdef ptrdiff_t i, total = 0
    for i in range(work.tensors):
        work.tensor[i].begin = total
        total += work.tensor[i].count
        # Nobody has the numbers that are left out.
        if work.states == QUANTIZED:
            total = (total + STAGE - 1) // STAGE * STAGE
    work.total = total


cdef void run_part(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    """Compute the elements `begin` to `end` of the numbering over all tensors."""
    cdef Work *work = <Work *>context
    cdef Tensor *tensor
    cdef ptrdiff_t low = 0, high = work.tensors - 1, middle, first, last
    # The last tensor that begins at or before `begin`. One without elements may begin there too;
    # the loop below passes over it.
    while low < high:
        middle = (low + high + 1) // 2
        if work.tensor[middle].begin <= begin:
            low = middle
        else:
            high = middle - 1
    # A part may hold the end of one tensor, many whole ones, and the beginning of another.
    while low < work.tensors and work.tensor[low].begin < end:
        tensor = &work.tensor[low]
        first = max(begin, tensor.begin) - tensor.begin
        last = min(end, tensor.begin + tensor.count) - tensor.begin
        if first < last:
            run_aligned(work, low, first, last)
        low += 1


cdef class Kernel:
    """A rule's compiled functions.

    Parameters
    ----------
    functions : list of capsule
        Those for float32, float64, float16 and bfloat16, as a plugin's compiled module exports
        them; for a rule with reductions then those for float32 and float64 that compute what is
        reduced.
    arrays : int
        How many arrays the rule takes.
    constants : int
        How many numbers it takes.
    steps : sequence of int
        The step of each of its reductions, as `weightopt_core.kernels.reduction` numbers them.
    sources : sequence of int
        For each of its reductions the position of the array that it is of; -1 where the functions
        compute what it is of.
    """

    def __init__(self, list functions, int arrays, int constants, steps=(), sources=()):
        if not 2 <= arrays <= MAX_ARRAYS:
            raise ValueError(f"arrays: expected 2 to {MAX_ARRAYS}, got {arrays}")
        if len(steps) > MAX_REDUCTIONS:
            raise ValueError(f"steps: expected up to {MAX_REDUCTIONS}, got {len(steps)}")
        if len(sources) != len(steps) or not all(-1 <= at < arrays for at in sources):
            what = f"for each step -1, or the position of one of {arrays} arrays"
            raise ValueError(f"sources: expected {what}, got {list(sources)}")
        if len(functions) != (6 if steps else 4):
            what = "4, or 6 for a rule with reductions"
            raise ValueError(f"functions: expected {what}, got {functions}")
        self.functions[<int>FLOAT32] = function_of(functions[0], "rule", "float32")
        self.functions[<int>FLOAT64] = function_of(functions[1], "rule", "float64")
        self.functions[<int>FLOAT16] = function_of(functions[2], "rule", "float16")
        self.functions[<int>BFLOAT16] = function_of(functions[3], "rule", "bfloat16")
        if steps:
            self.measure32 = function_of(functions[4], "measure", "float32")
            self.measure64 = function_of(functions[5], "measure", "float64")
        self.steps = bytes(steps)
        places = bytearray(len(sources))
        for i, at in enumerate(sources):
            places[i] = at & 0xff
        self.sources = bytes(places)
        self.arrays = arrays
        self.constants = constants
        self.reductions = len(steps)


# The name of a capsule holds kind, dtype and version: what is built otherwise is refused here.
cdef rule_function function_of(object capsule, str kind, str dtype) except *:
    name = CAPSULE.decode().format(kind=kind, dtype=dtype, abi=ABI).encode()
    return <rule_function>PyCapsule_GetPointer(capsule, name)
