/* Running sums of many numbers, LANES of them: element i goes to sum i % LANES. The order is stated, so a
 * compiler may not change it, and vectors of any width compute it as it stands.
 *
 * The largest magnitude of many numbers: by their bits without the sign, among which those of a NaN
 * are above those of infinity. It does not depend on an order, and integers are vectorised. */
#ifndef WEIGHTOPT_RUNNING_H
#define WEIGHTOPT_RUNNING_H

#include <stddef.h>

#include "chunks.h"
#include "clones.h"
#include "words.h"

/* INOUT running; IN values. Less than a row are the last elements of a chunk, as if zeros followed. */
#define RUNNING_SUMS(name, real, term)                                                                \
    CLONED(name, (double *running, const real *values, ptrdiff_t count), (running, values, count))    \
    {                                                                                                 \
        /* A copy, so that the compiler knows that the values are elsewhere. */                       \
        double lanes[LANES];                                                                          \
        const ptrdiff_t whole = count - count % LANES;                                                \
        for (int lane = 0; lane < LANES; ++lane)                                                      \
            lanes[lane] = running[lane];                                                              \
        for (ptrdiff_t row = 0; row < whole; row += LANES)                                            \
            for (int lane = 0; lane < LANES; ++lane) {                                                \
                const double value = values[row + lane];                                              \
                lanes[lane] += term;                                                                  \
            }                                                                                         \
        for (ptrdiff_t at = whole; at < count; ++at) {                                                \
            const double value = values[at];                                                          \
            lanes[at - whole] += term;                                                                \
        }                                                                                             \
        for (int lane = 0; lane < LANES; ++lane)                                                      \
            running[lane] = lanes[lane];                                                              \
    }

RUNNING_SUMS(add_squares_float32, float, value * value)
RUNNING_SUMS(add_squares_float64, double, value * value)
RUNNING_SUMS(add_values_float32, float, value)
RUNNING_SUMS(add_values_float64, double, value)

/* IN values */
#define LARGEST_OF(name, real, word, to_bits, from_bits, mask)            \
    CLONED_VALUE(real, name, (const real *values, ptrdiff_t count), (values, count)) \
    {                                                                     \
        word largest = 0;                                                 \
        for (ptrdiff_t i = 0; i < count; ++i) {                           \
            const word bits = (word)(to_bits(values[i]) & (mask));        \
            largest = bits > largest ? bits : largest;                    \
        }                                                                 \
        return from_bits(largest);                                        \
    }

/* Signed, because SSE2 compares no other integers. */
LARGEST_OF(largest_float32, float, int32_t, AS_U32, AS_F32, UINT32_C(0x7fffffff))
LARGEST_OF(largest_float64, double, int64_t, AS_U64, AS_F64, UINT64_C(0x7fffffffffffffff))

#endif
