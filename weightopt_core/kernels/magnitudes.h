/* The largest magnitude of many numbers: by their bits without the sign, among which those of a NaN
 * are above those of infinity. It does not depend on an order, and integers are vectorised. */
#ifndef WEIGHTOPT_MAGNITUDES_H
#define WEIGHTOPT_MAGNITUDES_H

#include "clones.h"
#include "words.h"

/* IN values */
#define LARGEST_OF(name, real, word, to_bits, from_bits, mask)            \
    CLONES static real name(const real *values, ptrdiff_t count)          \
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
