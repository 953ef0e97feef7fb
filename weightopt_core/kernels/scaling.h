/* Products of many numbers with one, compiled for several instruction sets. */
#ifndef WEIGHTOPT_SCALING_H
#define WEIGHTOPT_SCALING_H

#include <stddef.h>

#include "clones.h"

/* INOUT values */
#define SCALE_BY(name, real)                                                  \
    CLONED(name, (real *values, ptrdiff_t count, real factor), (values, count, factor)) \
    {                                                                         \
        for (ptrdiff_t i = 0; i < count; ++i)                                 \
            values[i] = values[i] * factor;                                   \
    }

SCALE_BY(multiply_float32, float)
SCALE_BY(multiply_float64, double)

#endif
