/* The core's loops, each called as a rule is: `core_functions` of functions.h, in their order. */
#include "casts.h"
#include "finite.h"
#include "powers.h"
#include "quantize.h"
#include "random_fill.h"
#include "running.h"
#include "scaling.h"
#include <stdlib.h>

#define CORE(name) \
    void name(ptrdiff_t count, void *const *arrays, const void *constants)

CORE(core_load_float16)
{
    (void)constants;
    load_float16(arrays[0], arrays[1], count);
}

CORE(core_store_float16)
{
    (void)constants;
    store_float16(arrays[0], arrays[1], count);
}

CORE(core_load_bfloat16)
{
    (void)constants;
    load_bfloat16(arrays[0], arrays[1], count);
}

CORE(core_store_bfloat16)
{
    (void)constants;
    store_bfloat16(arrays[0], arrays[1], count);
}

/* Constants: both halves of the key. The third array takes the words. */
CORE(core_store_rounded)
{
    uint64_t key[2];
    memcpy(key, constants, sizeof key);
    draw_words(arrays[3], key[0], key[1], 0, 0, count);
    store_rounded_low(arrays[0], arrays[2], arrays[3], count);
    store_rounded_high(arrays[1], arrays[2], arrays[3], count);
}

/* Constants: both halves of the key. `count` is the bytes of a state, the first two arrays are two of
 * those, the third takes what the first stands for, the fourth has values, the fifth takes the words. */
CORE(core_quantized)
{
    const ptrdiff_t whole = QUANTIZED_BLOCK + QUANTIZED_SCALE;
    const ptrdiff_t elements = count - (count + whole - 1) / whole * QUANTIZED_SCALE;
    uint64_t key[2];
    memcpy(key, constants, sizeof key);
    draw_words(arrays[4], key[0], key[1], 0, 0, elements);
    for (ptrdiff_t i = 0; i < elements; i += QUANTIZED_BLOCK) {
        const ptrdiff_t left = elements - i < QUANTIZED_BLOCK ? elements - i : QUANTIZED_BLOCK;
        const float *values = (const float *)arrays[3] + i;
        const uint32_t *words = (const uint32_t *)arrays[4] + i;
        for (int state = 0; state < 2; ++state)
            store_quantized((uint8_t *)arrays[state] + QUANTIZED_BYTES(i), values, words,
                            16 * state, left);
        load_quantized((float *)arrays[2] + i, (const uint8_t *)arrays[0] + QUANTIZED_BYTES(i), left);
    }
}

#define FIND(dtype, word)                                         \
    CORE(core_nonfinite_##dtype)                                  \
    {                                                             \
        word *found = arrays[0];                                  \
        const word *values = arrays[1];                           \
        (void)constants;                                          \
        for (ptrdiff_t i = 0; i < count; ++i)                     \
            found[i] = (word)nonfinite_##dtype(values, i + 1);    \
    }
FIND(float16, uint16_t)
FIND(bfloat16, uint16_t)
FIND(float32, uint32_t)
FIND(float64, uint64_t)

#define MEASURE(dtype, real)                                      \
    CORE(core_largest_##dtype)                                    \
    {                                                             \
        real *found = arrays[0];                                  \
        const real *values = arrays[1];                           \
        (void)constants;                                          \
        for (ptrdiff_t i = 0; i < count; ++i)                     \
            found[i] = largest_##dtype(values + i, count - i);    \
    }
MEASURE(float32, float)
MEASURE(float64, double)

#define ADD(what, dtype)                             \
    CORE(core_##what##_##dtype)                            \
    {                                                      \
        (void)constants;                                   \
        add_##what##_##dtype(arrays[0], arrays[1], count); \
    }
ADD(squares, float32)
ADD(squares, float64)
ADD(values, float32)
ADD(values, float64)

#define SCALE(dtype, real)                                             \
    CORE(core_multiply_##dtype)                                        \
    {                                                                  \
        multiply_##dtype(arrays[0], arrays[0], count, *(const real *)constants); \
    }
SCALE(float32, float)
SCALE(float64, double)

/* Constants: both halves of the key, and the start. */
#define DRAW(name, size)                                                      \
    CORE(core_##name)                                                         \
    {                                                                         \
        uint64_t given[3];                                                    \
        weightopt_draw draw = {.out = arrays[0], .itemsize = size};           \
        const weightopt_range range = {0.0, 1.0, 0.0, 1.0};                   \
        memcpy(given, constants, sizeof given);                               \
        draw.convert = name##_loop;                                           \
        draw.key0 = given[0];                                                 \
        draw.key1 = given[1];                                                 \
        draw.start = given[2];                                                \
        draw.range = range;                                                   \
        weightopt_fill(&draw, 0, count);                                      \
    }
DRAW(uniform_float32, 4)
DRAW(normal_float32, 4)
DRAW(uniform_float64, 8)
DRAW(normal_float64, 8)

CORE(core_power)
{
    double *made = arrays[0];
    const double *base = arrays[1];
    const int64_t *exponent = arrays[2];
    (void)constants;
    for (ptrdiff_t i = 0; i < count; ++i)
        made[i] = weightopt_power(base[i], (uint64_t)llabs(exponent[i]), exponent[i] < 0);
}
