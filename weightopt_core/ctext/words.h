/* What the text that C and OpenCL C share takes, in C: words, and numbers as their bits. */
#ifndef WEIGHTOPT_WORDS_H
#define WEIGHTOPT_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER) && !defined(__clang__)
#define restrict __restrict
#endif

#define U16 uint16_t
#define U32 uint32_t
#define U64 uint64_t

#define BITS(name, from, to)                   \
    static inline to name(from value)          \
    {                                          \
        to result;                             \
        memcpy(&result, &value, sizeof value); \
        return result;                         \
    }
BITS(AS_U32, float, uint32_t)
BITS(AS_F32, uint32_t, float)
BITS(AS_U64, double, uint64_t)
BITS(AS_F64, uint64_t, double)

/* The product with 2**112 moves the exponent's bias, and makes normal numbers of denormal ones. */
#define REBIASED(magnitude) AS_U32(AS_F32(magnitude) * 5192296858534827628530496329220096.0f)

#endif
