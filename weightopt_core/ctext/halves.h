/* Between one 16-bit element, or vectors of them, and float32: exact one way, to nearest even the
 * other. No branches, so that loops are vectorised. The processor's own conversions of float16
 * differ in which NaN a NaN becomes, and in nothing else. */
#ifndef WEIGHTOPT_HALVES_H
#define WEIGHTOPT_HALVES_H

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
    return (uint16_t)(value != value ? (bits >> 16) | 0x0040 : rounded);
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

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_VECTORS
#include <immintrin.h>

/* Each converts as many elements as whole vectors hold, and returns how many those are. */
__attribute__((target("avx2,f16c")))
static inline ptrdiff_t load_float16_f16c(float *restrict out, const uint16_t *restrict in,
    ptrdiff_t count)
{
    ptrdiff_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(in + i))));
    return i;
}

__attribute__((target("avx2,f16c")))
static inline ptrdiff_t store_float16_f16c(uint16_t *restrict out, const float *restrict in,
    ptrdiff_t count)
{
    enum { NEAREST = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };
    ptrdiff_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm_storeu_si128((__m128i *)(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(in + i), NEAREST));
    return i;
}

__attribute__((target("avx512f")))
static inline ptrdiff_t load_float16_avx512(float *restrict out, const uint16_t *restrict in,
    ptrdiff_t count)
{
    ptrdiff_t i = 0;
    for (; i + 16 <= count; i += 16)
        _mm512_storeu_ps(out + i, _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(in + i))));
    return i;
}

__attribute__((target("avx512f")))
static inline ptrdiff_t store_float16_avx512(uint16_t *restrict out, const float *restrict in,
    ptrdiff_t count)
{
    enum { NEAREST = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };
    ptrdiff_t i = 0;
    for (; i + 16 <= count; i += 16)
        _mm256_storeu_si256((void *)(out + i), _mm512_cvtps_ph(_mm512_loadu_ps(in + i), NEAREST));
    return i;
}
#endif

#endif
