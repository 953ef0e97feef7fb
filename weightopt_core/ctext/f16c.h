/* Vectors of 16-bit elements to float32 and back, where the processor converts by itself. It differs
 * from halves.h in which NaN a NaN becomes, and in nothing else. Whoever includes this includes clones.h
 * before it. */
#ifndef WEIGHTOPT_F16C_H
#define WEIGHTOPT_F16C_H

#if defined(HAS_CLONES)
#include <immintrin.h>

/* Each converts as many elements as whole vectors hold, and returns how many those are. */
__attribute__((target("avx2,f16c")))
static inline ptrdiff_t load_float16_avx2(float *restrict out, const uint16_t *restrict in,
    ptrdiff_t count)
{
    ptrdiff_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(in + i))));
    return i;
}

__attribute__((target("avx2,f16c")))
static inline ptrdiff_t store_float16_avx2(uint16_t *restrict out, const float *restrict in,
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
