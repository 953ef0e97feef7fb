/* Between 16-bit storage and float32: exact one way, to nearest even the other, or for bfloat16
 * stochastically. No branches, so that the loops are vectorised. Where the processor has F16C or
 * AVX-512, its conversions take the place of the loops for float16. They differ in which NaN a NaN
 * becomes, and in nothing else. */
#ifndef WEIGHTOPT_CASTS_H
#define WEIGHTOPT_CASTS_H

#include "clones.h"
#include "words.h"

#include "f16c.h"
#include "halves.h"
#include "rounding.h"

#define CAST_LOOP(name, from, to, function)                                                \
    CLONED(name, (to *restrict out, const from *restrict in, ptrdiff_t count), (out, in, count)) \
    {                                                                                          \
        for (ptrdiff_t i = 0; i < count; ++i)                                                  \
            out[i] = function(in[i]);                                                          \
    }

CAST_LOOP(load_float16_anywhere, uint16_t, float, from_float16)
CAST_LOOP(store_float16_anywhere, float, uint16_t, to_float16)
CAST_LOOP(load_bfloat16, uint16_t, float, from_bfloat16)
CAST_LOOP(store_bfloat16, float, uint16_t, to_bfloat16)

/* Random words of elements whose numbers have the same upper half. */
CLONED(fill_words,
       (uint32_t *restrict words, uint32_t low, uint32_t salt0, uint32_t salt1, ptrdiff_t count),
       (words, low, salt0, salt1, count))
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

CLONED(store_rounded_low,
       (uint16_t *restrict out, const float *restrict in, const uint32_t *restrict words,
        ptrdiff_t count),
       (out, in, words, count))
{
    for (ptrdiff_t i = 0; i < count; ++i)
        out[i] = round_to_bfloat16(in[i], words[i] & 0xffff);
}

CLONED(store_rounded_high,
       (uint16_t *restrict out, const float *restrict in, const uint32_t *restrict words,
        ptrdiff_t count),
       (out, in, words, count))
{
    for (ptrdiff_t i = 0; i < count; ++i)
        out[i] = round_to_bfloat16(in[i], words[i] >> 16);
}

#if defined(HAS_CLONES)
static ptrdiff_t load_float16_vectors(float *restrict out, const uint16_t *restrict in,
                                      ptrdiff_t count)
{
    if (clone_level == 2)
        return load_float16_avx512(out, in, count);
    return clone_level == 1 ? load_float16_avx2(out, in, count) : 0;
}

static ptrdiff_t store_float16_vectors(uint16_t *restrict out, const float *restrict in,
                                       ptrdiff_t count)
{
    if (clone_level == 2)
        return store_float16_avx512(out, in, count);
    return clone_level == 1 ? store_float16_avx2(out, in, count) : 0;
}
#else
#define load_float16_vectors(out, in, count) 0
#define store_float16_vectors(out, in, count) 0
#endif

static void load_float16(float *restrict out, const uint16_t *restrict in, ptrdiff_t count)
{
    const ptrdiff_t done = load_float16_vectors(out, in, count);
    if (done < count)
        load_float16_anywhere(out + done, in + done, count - done);
}

static void store_float16(uint16_t *restrict out, const float *restrict in, ptrdiff_t count)
{
    const ptrdiff_t done = store_float16_vectors(out, in, count);
    if (done < count)
        store_float16_anywhere(out + done, in + done, count - done);
}

#endif
