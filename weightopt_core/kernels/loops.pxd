# The loops of the core over typed memoryviews, for Cython modules of anybody to cimport.
#
# Of all of them:
# - None takes the interpreter's lock, unless it raises. So they serve in `with nogil` and `prange`.
# - Buffers are C-contiguous, as `::1` says, of their type, in the machine's byte order. Cython
#   checks that where a memoryview is made. A function makes no object and counts no reference.
# - 16-bit numbers come as their bits, uint16: of float16, or of bfloat16 where `brain` is true.
# - `threads` says how many may share the work. The result has the same bits for any number of them.
#   Small work stays on the calling thread, and so does what is below 1.
# - Sizes that do not fit raise ValueError, and nothing has changed. No function reads or writes
#   beyond a buffer.
# - The caller answers for what no size tells: that a buffer is aligned for its type and lives as
#   long as its memoryview, that no other thread writes to it meanwhile, and that a `Loop` is one
#   that `loop_of` returned.
# - A module is compiled again for each version of the core, as these are C functions and structs.

from libc.stdint cimport uint16_t

from .driver cimport rule_function
# float32 or float64: element i depends on the key and on start + i alone.
from .random_fill cimport fill_normal, fill_uniform
# float32, float64 or 16 bits: sums of squares, one for each chunk.
from .reduction cimport square_sums

ctypedef fused computed:
    float
    double


# A compiled rule: plain data, to be copied and kept, for compiled modules are never unloaded.
cdef struct Loop:
    rule_function[4] functions  # for float32, float64, float16 and bfloat16
    int arrays  # weight, gradient, states and noise
    int constants


# Return the loop of a rule, given `rule.compiled.kernel`. TypeError where the rule is not compiled,
# ValueError where it has reductions: such a step takes two passes, with numbers formed in between.
cdef Loop loop_of(object kernel) except *

# Replace the weight and the states of one tensor by new ones.
#
#   weight     INOUT  n elements
#   grad       IN     n elements
#   states     INOUT  a row of n elements for each state; last, IN, the noise of a rule that draws
#   constants  IN     as many as the rule has: `rule.evaluate(...)`, in the type of the arithmetic
#
# weight, grad and states share no memory; where they do, ValueError.
cdef int step(
    Loop loop, computed[::1] weight, const computed[::1] grad, computed[:, ::1] states,
    const computed[::1] constants, int threads,
) except -1 nogil

# The same for 16-bit numbers. The arithmetic is float32, rounded once when it is stored.
cdef int step_halves(
    Loop loop, bint brain, uint16_t[::1] weight, const uint16_t[::1] grad,
    uint16_t[:, ::1] states, const float[::1] constants, int threads,
) except -1 nogil

# 16-bit numbers to float32, exactly, and float32 to 16-bit numbers, to nearest even.
#
#   out     OUT  n elements
#   values  IN   n elements
cdef int load_halves(float[::1] out, const uint16_t[::1] values, bint brain) except -1 nogil
cdef int store_halves(uint16_t[::1] out, const float[::1] values, bint brain) except -1 nogil
