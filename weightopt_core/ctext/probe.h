/* Whether this module computes as IEEE 754 says. Not every compiler has a macro for each option that
 * changes values, and some have none for contraction: a module that was built with them is
 * recognised by what it makes of a few numbers, in each of its clones' instruction sets.
 * Whoever includes this includes clones.h and words.h before it. */
#ifndef WEIGHTOPT_PROBE_H
#define WEIGHTOPT_PROBE_H

#include <fenv.h>

enum { PROBES = 10 };

/* Volatile, as the results are: or the compiler would compute these itself, or elsewhere. */
static const volatile uint32_t probe_numbers[] = {
    0x3f800800, /* 1 + 2**-12 */
    0xbf801000, /* -(1 + 2**-11) */
    0x3f800000, /* 1 */
    0x30800000, /* 2**-30 */
    0x7f000000, /* 2**127 */
    0x80000000, /* -0 */
    0x7fc00000, /* NaN */
    0x00800000, /* the smallest normal number */
    0x40a00000, 0x40e00000, 0x41200000, 0x41300000, 0x42240000, /* 5, 7, 10, 11 and 41 */
};

CLONED(probe, (volatile uint32_t * results), (results))
{
    float x[sizeof probe_numbers / sizeof *probe_numbers];
    for (size_t i = 0; i < sizeof x / sizeof *x; ++i)
        x[i] = AS_F32(probe_numbers[i]);
    const float one = x[2];
    results[0] = AS_U32(x[0] * x[0] + x[1]); /* contraction: not 0 */
    results[1] = AS_U32((one + x[3]) - one); /* another order: not 0 */
    results[2] = AS_U32(x[4] * x[4] * x[3]); /* a wider type: finite */
    results[3] = AS_U32(x[5] + 0.0f); /* zeros without signs: -0 */
    results[4] = x[6] != x[6]; /* finite numbers alone: no */
    results[5] = AS_U32(x[7] * 0.5f); /* subnormal numbers flushed: 0 */
    for (int i = 6; i < PROBES; ++i) /* by a reciprocal: rounded twice */
        results[i] = AS_U32(x[i + 2] / x[12]);
}

static const uint32_t probe_results[PROBES] = {
    0, 0, 0x7f800000, 0, 1, 0x00400000, 0x3df9c190, 0x3e2ed44b, 0x3e79c190, 0x3e895da9,
};

static const char weightopt_inexact[] =
    "the compiler that made this module was given options that change values, such as -ffast-math "
    "or -ffp-contract=fast; take them out of CFLAGS, CC and wrappers of the compiler, and build the "
    "package again";

/* The thread that loads the module may round otherwise: its environment is put back. */
static inline int weightopt_is_exact(void)
{
    fenv_t environment;
    volatile uint32_t results[PROBES];
    fegetenv(&environment);
    fesetenv(FE_DFL_ENV);
    probe(results);
    fesetenv(&environment);
    for (int i = 0; i < PROBES; ++i)
        if (results[i] != probe_results[i])
            return 0;
    return 1;
}

#endif
