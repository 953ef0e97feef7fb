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

CONVERSION(load_bfloat16, uint16_t, float, from_bfloat16)
CONVERSION(store_bfloat16, float, uint16_t, to_bfloat16)
CONVERSION(load_float16, uint16_t, float, from_float16)
CONVERSION(store_float16, float, uint16_t, to_float16)

#if defined(HAS_CLONES)
#define WIDE(arch) __attribute__((flatten, target("arch=" arch)))
#define LOOPS_OVER_FLOAT16(name, rule, number, written)                                        \
    LOOP_OVER_BLOCKS(WIDE("x86-64-v4"), name##_v4, load_float16_avx512, store_float16_avx512,  \
                     rule, number, written)                                                    \
    LOOP_OVER_BLOCKS(WIDE("x86-64-v3"), name##_v3, load_float16_f16c, store_float16_f16c,      \
                     rule, number, written)                                                    \
    LOOP_OVER_BLOCKS(, name##_any, load_float16, store_float16, rule, number, written)         \
    static void name(ptrdiff_t count, void *const *arrays, const void *constants)              \
    {                                                                                          \
        if (__builtin_cpu_supports("x86-64-v4"))                                               \
            name##_v4(count, arrays, constants);                                               \
        else if (__builtin_cpu_supports("x86-64-v3"))                                          \
            name##_v3(count, arrays, constants);                                               \
        else                                                                                   \
            name##_any(count, arrays, constants);                                              \
    }
#else
#define LOOPS_OVER_FLOAT16(name, rule, number, written)                                        \
    LOOP_OVER_BLOCKS(, name, load_float16, store_float16, rule, number, written)
#endif

/* Both loops of one rule, over the blocks of `number` arrays. */
#define LOOPS_OVER_HALVES(name, rule, number, written)                                         \
    LOOPS_OVER_FLOAT16(name##_float16, rule, number, written)                                  \
    LOOP_OVER_BLOCKS(CLONES, name##_bfloat16, load_bfloat16, store_bfloat16, rule, number,     \
                     written)
