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

#if defined(HAS_CLONES)
/* Clang would call it for each block. */
__attribute__((always_inline)) static inline void philox(U64 block, U64 key0, U64 key1, U64 *word0,
                                                         U64 *word1, U64 *word2, U64 *word3);
#endif

#include "random.h"

/* Blocks made at a time: words and what is made of them stay in the first level of cache. */
#define BLOCKS 64
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

#define WORD_FLOAT32(i) words->half[LOW_FIRST(skip + (i))]
#define WORD_FLOAT64(i) words->whole[skip + (i)]

#define CONVERT_UNIFORM(dtype, real, WORD)                                            \
    CLONED(uniform_##dtype##_loop,                                                    \
           (void *out, const weightopt_words *words, ptrdiff_t skip, ptrdiff_t count, \
            const weightopt_range *range),                                            \
           (out, words, skip, count, range))                                          \
    {                                                                                 \
        real *restrict to = out;                                                      \
        const real shift = (real)range->shift, scale = (real)range->scale;            \
        const real bottom = (real)range->bottom, top = (real)range->top;              \
        for (ptrdiff_t i = 0; i < count; ++i) {                                       \
            const real value = shift + scale * uniform_##dtype(WORD(i));              \
            const real raised = value < bottom ? bottom : value;                      \
            to[i] = raised > top ? top : raised;                                      \
        }                                                                             \
    }
CONVERT_UNIFORM(float32, float, WORD_FLOAT32)
CONVERT_UNIFORM(float64, double, WORD_FLOAT64)

/* A list is filled up to a multiple of this many, so that the loop over it has no rest to do one by
 * one. */
#define VECTOR 8

/* Lists the places whose flags are set, then places 0, and returns how many are set. It writes
 * three more flags. No branch depends on a flag, for none could be foreseen. By fours, because a
 * loop of one store takes twice as long where it crosses a line of the instructions' cache. */
#define LIST_PLACES(dtype, word)                                                                \
    static inline ptrdiff_t list_places_##dtype(uint16_t *places, word *flags, ptrdiff_t count) \
    {                                                                                           \
        ptrdiff_t listed = 0;                                                                   \
        for (int k = 0; k < 3; ++k)                                                             \
            flags[count + k] = 0;                                                               \
        for (ptrdiff_t i = 0; i < count; i += 4)                                                \
            for (int k = 0; k < 4; ++k) {                                                       \
                places[listed] = (uint16_t)(i + k);                                             \
                listed += (ptrdiff_t)flags[i + k];                                              \
            }                                                                                   \
        for (int k = 0; k < VECTOR; ++k)                                                        \
            places[listed + k] = 0;                                                             \
        return listed;                                                                          \
    }
LIST_PLACES(float32, uint32_t)
LIST_PLACES(float64, uint64_t)

/* Of 100 words 15 are of the tail, and the number of such a word takes three times as long as one
 * of the centre. So a first loop takes all words to be of the centre. Those of the tail are listed
 * and put side by side for a second loop, whose numbers replace those of the first. Flags are as
 * wide as words, because the first loop's vectors would else be too long for short draws. */
#define CONVERT_NORMAL(dtype, real, word, WORD, IN_TAIL)                               \
    CLONED(normal_##dtype##_loop,                                                      \
           (void *out, const weightopt_words *words, ptrdiff_t skip, ptrdiff_t count,  \
            const weightopt_range *range),                                             \
           (out, words, skip, count, range))                                           \
    {                                                                                  \
        enum { MOST = sizeof *words / sizeof(real) };                                  \
        real *restrict to = out;                                                       \
        const real shift = (real)range->shift, scale = (real)range->scale;             \
        word flags[MOST + 3], tail[MOST + VECTOR];                                     \
        real values[MOST + VECTOR];                                                    \
        uint16_t places[MOST + VECTOR];                                                \
        for (ptrdiff_t i = 0; i < count; ++i) {                                        \
            const word lower = lower_##dtype(WORD(i));                                 \
            real bottom;                                                               \
            const real top = centre_##dtype(lower, &bottom);                           \
            to[i] = shift + scale * signed_##dtype(top / bottom, WORD(i));             \
            flags[i] = IN_TAIL(lower);                                                 \
        }                                                                              \
        const ptrdiff_t listed = list_places_##dtype(places, flags, count);            \
        const ptrdiff_t filled = (listed + VECTOR - 1) / VECTOR * VECTOR;              \
        for (ptrdiff_t i = 0; i < filled; ++i)                                         \
            tail[i] = WORD(places[i]);                                                 \
        for (ptrdiff_t i = 0; i < filled; ++i) {                                       \
            real bottom;                                                               \
            const real top = tail_##dtype(lower_##dtype(tail[i]), &bottom);            \
            values[i] = shift + scale * signed_##dtype(top / bottom, tail[i]);         \
        }                                                                              \
        for (ptrdiff_t i = 0; i < listed; ++i)                                         \
            to[places[i]] = values[i];                                                 \
    }
CONVERT_NORMAL(float32, float, uint32_t, WORD_FLOAT32, IN_TAIL_FLOAT32)
CONVERT_NORMAL(float64, double, uint64_t, WORD_FLOAT64, IN_TAIL_FLOAT64)

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
