/* Products of many numbers with one, compiled for several instruction sets. */
#ifndef WEIGHTOPT_SCALING_H
#define WEIGHTOPT_SCALING_H

#include <stddef.h>

#include "clones.h"

/* OUT out; IN values, which may be `out`. */
#define SCALE_BY(name, real)                                                              \
    CLONED(name, (real *out, const real *values, ptrdiff_t count, real factor),           \
           (out, values, count, factor))                                                  \
    {                                                                                     \
        for (ptrdiff_t i = 0; i < count; ++i)                                             \
            out[i] = values[i] * factor;                                                  \
    }

SCALE_BY(multiply_float32, float)
SCALE_BY(multiply_float64, double)

#endif
