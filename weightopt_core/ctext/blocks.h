/* Rules over arrays of 16-bit elements: a block is converted, computed and converted back at a time,
 * in one function, so that the processor computes one while it converts the next. The last one may
 * be less than whole, and is then computed on a copy. */
#define BLOCK 64

#define LOOP_OVER_BLOCKS(attributes, name, load, store, rule, number, written)                 \
    attributes static void name(ptrdiff_t count, void *const *arrays, const void *constants)   \
    {                                                                                          \
        float blocks[number][BLOCK];                                                           \
        uint16_t copies[number][BLOCK] = {{0}};                                                \
        for (ptrdiff_t begin = 0; begin < count; begin += BLOCK) {                             \
            const ptrdiff_t rest = count - begin;                                              \
            uint16_t *at[number];                                                              \
            for (int i = 0; i < number; ++i) {                                                 \
                at[i] = (uint16_t *)arrays[i] + begin;                                         \
                if (rest < BLOCK)                                                              \
                    at[i] = memcpy(copies[i], at[i], 2 * (size_t)rest);                        \
                load(blocks[i], at[i], BLOCK);                                                 \
            }                                                                                  \
            rule(BLOCK, blocks, (const float *)constants);                                     \
            for (int i = 0; i < number; ++i)                                                   \
                if (written >> i & 1) {                                                        \
                    store(at[i], blocks[i], BLOCK);                                            \
                    if (rest < BLOCK)                                                          \
                        memcpy((uint16_t *)arrays[i] + begin, copies[i], 2 * (size_t)rest);    \
                }                                                                              \
        }                                                                                      \
    }

#define CONVERSION(name, from, to, function)                                                   \
    static inline void name(to *restrict out, const from *restrict in, ptrdiff_t count)        \
    {                                                                                          \
        for (ptrdiff_t i = 0; i < count; ++i)                                                  \
            out[i] = function(in[i]);                                                          \
    }

CONVERSION(load_bfloat16_baseline, uint16_t, float, from_bfloat16)
CONVERSION(store_bfloat16_baseline, float, uint16_t, to_bfloat16)
CONVERSION(load_float16_baseline, uint16_t, float, from_float16)
CONVERSION(store_float16_baseline, float, uint16_t, to_float16)

/* The loop of one rule over arrays of one 16-bit type. */
#if defined(HAS_CLONES)
#define load_bfloat16_avx2 load_bfloat16_baseline
#define store_bfloat16_avx2 store_bfloat16_baseline
#define load_bfloat16_avx512 load_bfloat16_baseline
#define store_bfloat16_avx512 store_bfloat16_baseline
#define LOOPS_OVER(dtype, name, rule, number, written)                                         \
    LOOP_OVER_BLOCKS(, name##_baseline, load_##dtype##_baseline, store_##dtype##_baseline,     \
                     rule, number, written)                                                    \
    LOOP_OVER_BLOCKS(AVX2, name##_avx2, load_##dtype##_avx2, store_##dtype##_avx2, rule,       \
                     number, written)                                                          \
    LOOP_OVER_BLOCKS(AVX512, name##_avx512, load_##dtype##_avx512, store_##dtype##_avx512,     \
                     rule, number, written)                                                    \
    CHOSEN(void, , name, (ptrdiff_t count, void *const *arrays, const void *constants),        \
           (count, arrays, constants))
#else
#define LOOPS_OVER(dtype, name, rule, number, written)                                         \
    LOOP_OVER_BLOCKS(, name, load_##dtype##_baseline, store_##dtype##_baseline, rule, number,  \
                     written)
#endif

/* Both loops of one rule, over the blocks of `number` arrays. */
#define LOOPS_OVER_HALVES(name, rule, number, written)                                         \
    LOOPS_OVER(float16, name##_float16, rule, number, written)                                 \
    LOOPS_OVER(bfloat16, name##_bfloat16, rule, number, written)
