"""The loops of the core over typed memoryviews, for Cython modules of anybody to cimport.

Design
------
a) ``loops.pxd`` is what others read: what each function takes, checks, and leaves to its caller.
b) A face checks sizes and then describes its buffers as an engine does: a step is a `Work` of one
   tensor on the stack. So a step of a face and one of an optimizer run the same instructions over
   the same parts, and have the same bits.
c) Nothing here is a Python object, but the kernel that a `Loop` is read from, and errors.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from libc.stddef cimport ptrdiff_t

from .abi cimport MAX_ARRAYS
from .driver cimport (
    BFLOAT16, FLOAT16, FLOAT32, FLOAT64, GRAIN, NOTHING, Kernel, Tensor, Work, load, run_part,
    size_of, store,
)
from .parallel cimport parallel_for


cdef Loop loop_of(object kernel) except *:
    cdef Loop loop
    if not isinstance(kernel, Kernel) or (<Kernel>kernel).arrays < 2:
        raise TypeError(
            f"kernel: expected that of a compiled rule, got {kernel!r}; rule.compiled.reason says "
            "why a rule has none"
        )
    if (<Kernel>kernel).reductions:
        raise ValueError(
            "kernel: expected that of a rule without reductions; step it by an optimizer"
        )
    # Of the kernel nothing is kept: the functions belong to a module, which Python never unloads.
    loop.functions = (<Kernel>kernel).functions
    loop.arrays = (<Kernel>kernel).arrays
    loop.constants = (<Kernel>kernel).constants
    return loop


cdef int step(
    Loop loop, computed[::1] weight, const computed[::1] grad, computed[:, ::1] states,
    const computed[::1] constants, int threads,
) except -1 nogil:
    cdef int storage = FLOAT64 if computed is double else FLOAT32
    cdef ptrdiff_t count = weight.shape[0]
    check(loop, count, grad.shape[0], states.shape[0], states.shape[1], constants.shape[0])
    # There is no element whose address could be taken.
    if count == 0:
        return 0
    return run(
        loop, storage, count, <char *>&weight[0], <char *>&grad[0],
        <char *>&states[0, 0] if loop.arrays > 2 else NULL,
        <void *>&constants[0] if loop.constants else NULL, threads,
    )


cdef int step_halves(
    Loop loop, bint brain, uint16_t[::1] weight, const uint16_t[::1] grad,
    uint16_t[:, ::1] states, const float[::1] constants, int threads,
) except -1 nogil:
    cdef int storage = BFLOAT16 if brain else FLOAT16
    cdef ptrdiff_t count = weight.shape[0]
    check(loop, count, grad.shape[0], states.shape[0], states.shape[1], constants.shape[0])
    if count == 0:
        return 0
    return run(
        loop, storage, count, <char *>&weight[0], <char *>&grad[0],
        <char *>&states[0, 0] if loop.arrays > 2 else NULL,
        <void *>&constants[0] if loop.constants else NULL, threads,
    )


cdef int check(
    Loop loop, ptrdiff_t count, ptrdiff_t grad, ptrdiff_t rows, ptrdiff_t width,
    ptrdiff_t constants,
) except -1 nogil:
    """Refuse sizes that do not fit the rule or each other."""
    if grad != count:
        with gil:
            raise ValueError(f"grad: expected {count} elements, as weight has, got {grad}")
    if rows != loop.arrays - 2:
        with gil:
            raise ValueError(f"states: expected {loop.arrays - 2} rows, got {rows}")
    if rows and width != count:
        with gil:
            raise ValueError(f"states: expected rows of {count} elements, got {width}")
    if constants != loop.constants:
        with gil:
            raise ValueError(f"constants: expected {loop.constants}, got {constants}")
    return 0


cdef int run(
    Loop loop, int storage, ptrdiff_t count, char *weight, char *grad, char *states,
    void *constants, int threads,
) except -1 nogil:
    """Step one tensor, as an engine steps one of many.

    Buffers are INOUT but for `grad` and `constants`, which are IN.
    """
    cdef Work work
    cdef Tensor tensor
    cdef char *data[MAX_ARRAYS + 1]
    cdef signed char stored[MAX_ARRAYS + 1]
    cdef ptrdiff_t size = count * size_of(storage)
    cdef int i
    # Compiled rules take it that no two arrays overlap; rows of one buffer cannot.
    if (
        touch(weight, size, grad, size)
        or touch(weight, size, states, (loop.arrays - 2) * size)
        or touch(grad, size, states, (loop.arrays - 2) * size)
    ):
        with gil:
            raise ValueError("weight, grad and states: expected buffers apart, got an overlap")
    data[0] = weight
    data[1] = grad
    for i in range(2, loop.arrays):
        data[i] = states + (i - 2) * size
    for i in range(loop.arrays):
        stored[i] = storage
    # Behind the rule's arrays is the place of the weight that mirrors a master copy; here is none.
    data[loop.arrays] = NULL
    stored[loop.arrays] = NOTHING
    tensor.begin = 0
    tensor.count = count
    tensor.wide = storage == FLOAT64
    tensor.storage = storage
    tensor.constants = constants
    tensor.key0 = tensor.key1 = 0
    work.parameters = loop.arrays
    work.tensors = 1
    work.total = count
    work.states = NOTHING
    work.tensor = &tensor
    work.data = data
    work.storage = stored
    work.functions = loop.functions
    work.factors = NULL
    work.factor_count = 0
    work.behind = NULL
    parallel_for(run_part, &work, count, GRAIN, threads if count >= 2 * GRAIN else 1)
    return 0


cdef bint touch(
    const char *one, ptrdiff_t of_one, const char *other, ptrdiff_t of_other
) noexcept nogil:
    """Whether two buffers of so many bytes, the first of at least one, share memory."""
    return of_other > 0 and one < other + of_other and other < one + of_one


cdef int load_halves(float[::1] out, const uint16_t[::1] values, bint brain) except -1 nogil:
    check_equal(out.shape[0], values.shape[0])
    if out.shape[0]:
        load(&out[0], <const char *>&values[0], BFLOAT16 if brain else FLOAT16, out.shape[0])
    return 0


cdef int store_halves(uint16_t[::1] out, const float[::1] values, bint brain) except -1 nogil:
    check_equal(out.shape[0], values.shape[0])
    if out.shape[0]:
        store(<char *>&out[0], &values[0], BFLOAT16 if brain else FLOAT16, out.shape[0])
    return 0


cdef int check_equal(ptrdiff_t out, ptrdiff_t values) except -1 nogil:
    if out != values:
        with gil:
            raise ValueError(f"out: expected {values} elements, as there are values, got {out}")
    return 0
