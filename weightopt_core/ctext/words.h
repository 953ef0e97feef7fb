/* What the text that C and OpenCL C share takes, in C: words, and numbers as their bits. */
#ifndef WEIGHTOPT_WORDS_H
#define WEIGHTOPT_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* The product moves the exponent's bias, and makes normal numbers of denormal ones. */
#define REBIASED(magnitude) AS_U32(AS_F32(magnitude) * 0x1p112f)

#endif
