/* Fill arrays with the random numbers of random.h, as a task of the pool. */
#ifndef WEIGHTOPT_RANDOM_FILL_H
#define WEIGHTOPT_RANDOM_FILL_H

#include "clones.h"
#include "words.h"
#include <math.h>

#define SQRT32 sqrtf
#define SQRT64 sqrt
#define FLOAT64

#if defined(__SIZEOF_INT128__)
#define MULTIPLY(high, low, a, b)                                       \
    {                                                                   \
        const unsigned __int128 product = (unsigned __int128)(a) * (b); \
        high = (uint64_t)(product >> 64);                               \
        low = (uint64_t)product;                                        \
    }
#else
static inline uint64_t high_product(uint64_t a, uint64_t b)
{
    const uint64_t low = (uint32_t)a, high = a >> 32;
    const uint64_t first = high * (uint32_t)b + (low * (uint32_t)b >> 32);
    const uint64_t second = low * (b >> 32) + (uint32_t)first;
    return high * (b >> 32) + (first >> 32) + (second >> 32);
}
#define MULTIPLY(high, low, a, b) high = high_product(a, b); low = (a) * (b);
#endif

#include "random.h"

/* Blocks made at a time: their words are still in the first level of cache when converted. */
#define BLOCKS 256
#define WORDS (4 * BLOCKS)

/* Where the i-th half word is, the low half of each word first. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_FIRST(i) ((i) ^ 1)
#else
#define LOW_FIRST(i) (i)
#endif

typedef union {
    uint64_t whole[WORDS];
    uint32_t half[2 * WORDS];
} weightopt_words;

/* A number z becomes shift + scale * z; if it is uniform, within bounds. All four are rounded once. */
typedef struct {
    double shift, scale, bottom, top;
} weightopt_range;

/* out[i] is made from word skip + i. */
typedef void (*weightopt_convert)(void *out, const weightopt_words *words, ptrdiff_t skip,
                                  ptrdiff_t count, const weightopt_range *range);

#define CONVERT(name, dtype, real, word, limit)                                                 \
    CLONED(name##_##dtype##_loop,                                                               \
           (void *out, const weightopt_words *words, ptrdiff_t skip, ptrdiff_t count,           \
            const weightopt_range *range),                                                      \
           (out, words, skip, count, range))                                                    \
    {                                                                                           \
        real *restrict to = out;                                                                \
        const real shift = (real)range->shift, scale = (real)range->scale;                      \
        const real bottom = (real)range->bottom, top = (real)range->top;                        \
        for (ptrdiff_t i = 0; i < count; ++i) {                                                 \
            const real value = shift + scale * name##_##dtype(words->word);                     \
            const real raised = limit && value < bottom ? bottom : value;                       \
            to[i] = limit && raised > top ? top : raised;                                       \
        }                                                                                       \
    }
CONVERT(uniform, float32, float, half[LOW_FIRST(skip + i)], 1)
CONVERT(normal, float32, float, half[LOW_FIRST(skip + i)], 0)
CONVERT(uniform, float64, double, whole[skip + i], 1)
CONVERT(normal, float64, double, whole[skip + i], 0)

CLONED(make_words,
       (weightopt_words *words, ptrdiff_t blocks, uint64_t first, uint64_t key0, uint64_t key1),
       (words, blocks, first, key0, key1))
{
    uint64_t *word = words->whole;
    for (ptrdiff_t i = 0; i < blocks; ++i, word += 4)
        philox(first + (uint64_t)i, key0, key1, word, word + 1, word + 2, word + 3);
}

typedef struct {
    char *out;
    ptrdiff_t itemsize;
    weightopt_convert convert;
    uint64_t key0, key1;
    uint64_t start; /* of `out` in the stream */
    weightopt_range range;
} weightopt_draw;

static void weightopt_fill(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    const weightopt_draw *draw = context;
    const ptrdiff_t per_block = 32 / draw->itemsize;
    const uint64_t first = draw->start + (uint64_t)begin;
    uint64_t block = first / (uint64_t)per_block;
    ptrdiff_t skip = (ptrdiff_t)(first % (uint64_t)per_block);
    weightopt_words words;
    while (begin < end) {
        ptrdiff_t count = per_block * BLOCKS - skip;
        if (count > end - begin)
            count = end - begin;
        make_words(&words, (skip + count + per_block - 1) / per_block, block, draw->key0,
                   draw->key1);
        draw->convert(draw->out + begin * draw->itemsize, &words, skip, count, &draw->range);
        begin += count;
        block += BLOCKS;
        skip = 0;
    }
}

#endif
