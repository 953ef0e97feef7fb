/* Blocks of states in 8 bits, loaded and stored. No branches on elements, so that the loops are
 * vectorised. */
#ifndef WEIGHTOPT_QUANTIZE_H
#define WEIGHTOPT_QUANTIZE_H

#include "clones.h"
#include "words.h"

#include "quantized.h"

CLONED(load_unsigned,
       (float *restrict out, const uint8_t *restrict codes, float scale, ptrdiff_t count),
       (out, codes, scale, count))
{
    for (ptrdiff_t i = 0; i < count; ++i)
        out[i] = dequantize_unsigned(codes[i], scale);
}

CLONED(load_signed,
       (float *restrict out, const uint8_t *restrict codes, float scale, ptrdiff_t count),
       (out, codes, scale, count))
{
    for (ptrdiff_t i = 0; i < count; ++i)
        out[i] = dequantize_signed(codes[i], scale);
}

/* The elements of one block. */
static void load_quantized(float *restrict out, const uint8_t *restrict block, ptrdiff_t count)
{
    uint32_t bits = 0;
    float scale;
    for (int i = QUANTIZED_SCALE - 1; i >= 0; --i)
        bits = bits << 8 | block[i];
    scale = AS_F32(bits & 0x7fffffff);
    if (bits >> 31)
        load_signed(out, block + QUANTIZED_SCALE, scale, count);
    else
        load_unsigned(out, block + QUANTIZED_SCALE, scale, count);
}

/* The bits of the scale of some elements: compared as integers, so that NaN has its place too. */
CLONED_VALUE(uint32_t, scale_of, (const float *in, ptrdiff_t count), (in, count))
{
    int32_t largest = 0, negative = 0;
    for (ptrdiff_t i = 0; i < count; ++i) {
        const int32_t bits = (int32_t)AS_U32(in[i]), magnitude = bits & 0x7fffffff;
        largest = magnitude > largest ? magnitude : largest;
        negative |= magnitude ? bits : 0;
    }
    return largest >= 0x7f800000 ? QUANTIZED_NAN
                                 : (uint32_t)largest | ((uint32_t)negative & 0x80000000);
}

/* `shift` says which half of each word is random. */
CLONED(store_unsigned,
       (uint8_t *restrict codes, const float *restrict in, const uint32_t *restrict words,
        float scale, int shift, ptrdiff_t count),
       (codes, in, words, scale, shift, count))
{
    for (ptrdiff_t i = 0; i < count; ++i)
        codes[i] = (uint8_t)quantize_unsigned(AS_U32(in[i]) & 0x7fffffff, scale,
                                              quantized_digits(words[i] >> shift));
}

CLONED(store_signed,
       (uint8_t *restrict codes, const float *restrict in, const uint32_t *restrict words,
        float scale, int shift, ptrdiff_t count),
       (codes, in, words, scale, shift, count))
{
    for (ptrdiff_t i = 0; i < count; ++i)
        codes[i] = (uint8_t)quantize_signed(AS_U32(in[i]), scale,
                                            quantized_digits(words[i] >> shift));
}

/* Quantize the elements of one block. */
static void store_quantized(uint8_t *restrict block, const float *restrict in,
                            const uint32_t *restrict words, int shift, ptrdiff_t count)
{
    const uint32_t bits = scale_of(in, count);
    const float scale = AS_F32(bits & 0x7fffffff);
    uint8_t *codes = block + QUANTIZED_SCALE;
    for (int i = 0; i < QUANTIZED_SCALE; ++i)
        block[i] = (uint8_t)(bits >> 8 * i);
    if (bits == 0 || bits == QUANTIZED_NAN)
        memset(codes, 0, (size_t)count);
    else if (bits >> 31)
        store_signed(codes, in, words, scale, shift, count);
    else
        store_unsigned(codes, in, words, scale, shift, count);
}

#endif
