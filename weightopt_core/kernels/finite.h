/* Whether some of many numbers is an infinity or NaN: those have an exponent of all ones. Whatever
 * else the bits are, the sum with the exponent's lowest bit reaches the highest bit for these alone.
 * No branches, so that the loops are vectorised. */
#ifndef WEIGHTOPT_FINITE_H
#define WEIGHTOPT_FINITE_H

#include "clones.h"
#include "words.h"

/* IN values */
#define NONFINITE(name, word, exponent)                                       \
    CLONED_VALUE(int, name, (const word *values, ptrdiff_t count), (values, count)) \
    {                                                                         \
        const word lowest = (word)((exponent) & -(exponent));                 \
        word found = 0;                                                       \
        for (ptrdiff_t i = 0; i < count; ++i)                                 \
            found = (word)(found | ((values[i] & (exponent)) + lowest));      \
        return (int)(found >> (8 * sizeof(word) - 1));                        \
    }

NONFINITE(nonfinite_float16, uint16_t, UINT16_C(0x7c00))
NONFINITE(nonfinite_bfloat16, uint16_t, UINT16_C(0x7f80))
NONFINITE(nonfinite_float32, uint32_t, UINT32_C(0x7f800000))
NONFINITE(nonfinite_float64, uint64_t, UINT64_C(0x7ff0000000000000))

#endif
