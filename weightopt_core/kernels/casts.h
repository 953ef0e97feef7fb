/* Between 16-bit storage and float32: exact one way, to nearest even the other, or for bfloat16
 * stochastically. No branches, so that the loops are vectorised. Where the processor has F16C, its
 * conversions take the place of the loops for float16. They differ in which NaN a NaN becomes, and
 * in nothing else. */
#ifndef WEIGHTOPT_CASTS_H
#define WEIGHTOPT_CASTS_H

#include "clones.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static inline uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

static inline float from_bfloat16(uint16_t half)
{
    return float_of_bits((uint32_t)half << 16);
}

static inline uint16_t to_bfloat16(float value)
{
    const uint32_t bits = bits_of_float(value);
    const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? (bits >> 16) | 0x0040 : rounded);
}

static inline float from_float16(uint16_t half)
{
    const uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13;
    /* The product moves the exponent's bias, and makes normal numbers of denormal ones. */
    const uint32_t finite = bits_of_float(float_of_bits(magnitude) * 0x1p112f);
    const uint32_t bits = (half & 0x7c00) == 0x7c00 ? magnitude | 0x7f800000 : finite;
    return float_of_bits(bits | (uint32_t)(half & 0x8000) << 16);
}

static inline uint16_t to_float16(float value)
{
    const uint32_t sign = bits_of_float(value) & 0x80000000;
    const uint32_t bits = bits_of_float(value) ^ sign;
    const uint32_t normal = (bits - 0x38000000 + 0x0fff + ((bits >> 13) & 1)) >> 13;
    /* One unit in the last place of 1/2 is the smallest denormal number: the sum rounds to it. */
    const uint32_t denormal = bits_of_float(float_of_bits(bits) + 0.5f) - 0x3f000000;
    const uint32_t finite = bits < 0x38800000 ? denormal : normal;
    const uint32_t large = bits > 0x7f800000 ? 0x7e00 : 0x7c00;
    return (uint16_t)((bits < 0x477ff000 ? finite : large) | sign >> 16);
}

#define U16 uint16_t
#define U32 uint32_t
#define U64 uint64_t
#define AS_U32 bits_of_float
#include "rounding.h"

#define CAST_LOOP(name, from, to, function)                              \
    CLONES static void name(to *restrict out, const from *restrict in, ptrdiff_t count) \
    {                                                                    \
        for (ptrdiff_t i = 0; i < count; ++i)                            \
            out[i] = function(in[i]);                                    \
    }

CAST_LOOP(load_float16_anywhere, uint16_t, float, from_float16)
CAST_LOOP(store_float16_anywhere, float, uint16_t, to_float16)
CAST_LOOP(load_bfloat16, uint16_t, float, from_bfloat16)
CAST_LOOP(store_bfloat16, float, uint16_t, to_bfloat16)

/* Random words of elements whose numbers have the same upper half. */
CLONES static void fill_words(uint32_t *restrict words, uint32_t low, uint32_t salt0,
                              uint32_t salt1, ptrdiff_t count)
{
    uint32_t place = low * ROUNDING_STEP;
    for (ptrdiff_t i = 0; i < count; ++i) {
        words[i] = rounding_word(place, salt0, salt1);
        place += ROUNDING_STEP;
    }
}

/* Those of the elements from `begin` on, for a pair of states. */
static void draw_words(uint32_t *restrict words, uint64_t key0, uint64_t key1, uint32_t pair,
                       uint64_t begin, ptrdiff_t count)
{
    while (count > 0) {
        const uint64_t left = ((uint64_t)1 << 32) - (uint32_t)begin;
        const ptrdiff_t part = (uint64_t)count < left ? count : (ptrdiff_t)left;
        const uint32_t high = (uint32_t)(begin >> 32);
        fill_words(words, (uint32_t)begin, rounding_salt(key0, pair, high),
                   rounding_salt(key1, pair, high), part);
        words += part;
        begin += part;
        count -= part;
    }
}

CLONES static void store_rounded_low(uint16_t *restrict out, const float *restrict in,
                                     const uint32_t *restrict words, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; ++i)
        out[i] = round_to_bfloat16(in[i], words[i] & 0xffff);
}

CLONES static void store_rounded_high(uint16_t *restrict out, const float *restrict in,
                                      const uint32_t *restrict words, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; ++i)
        out[i] = round_to_bfloat16(in[i], words[i] >> 16);
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

__attribute__((target("avx2,f16c")))
static ptrdiff_t load_float16_f16c(float *restrict out, const uint16_t *restrict in,
                                   ptrdiff_t count)
{
    ptrdiff_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(in + i))));
    return i;
}

__attribute__((target("avx2,f16c")))
static ptrdiff_t store_float16_f16c(uint16_t *restrict out, const float *restrict in,
                                    ptrdiff_t count)
{
    const int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    ptrdiff_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm_storeu_si128((__m128i *)(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(in + i), nearest));
    return i;
}

static inline int has_f16c(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
}
#else
#define load_float16_f16c(out, in, count) 0
#define store_float16_f16c(out, in, count) 0
#define has_f16c() 0
#endif

static void load_float16(float *restrict out, const uint16_t *restrict in, ptrdiff_t count)
{
    const ptrdiff_t done = has_f16c() ? load_float16_f16c(out, in, count) : 0;
    load_float16_anywhere(out + done, in + done, count - done);
}

static void store_float16(uint16_t *restrict out, const float *restrict in, ptrdiff_t count)
{
    const ptrdiff_t done = has_f16c() ? store_float16_f16c(out, in, count) : 0;
    store_float16_anywhere(out + done, in + done, count - done);
}

#endif
