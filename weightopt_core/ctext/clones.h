/* SIMD wider than the baseline: loops that are compiled for three levels of x86-64, and a table of them
 * for each function, whose entry is chosen once, when the module is loaded. No attribute of one compiler
 * and nothing of the system's loader is needed for that. */
#ifndef WEIGHTOPT_CLONES_H
#define WEIGHTOPT_CLONES_H

/* GCC for Windows keeps vectors of 32 bytes in memory that is aligned to 16. */
#if defined(__x86_64__) && defined(__GNUC__) && (defined(__clang__) || !defined(_WIN32))
#define HAS_CLONES
#include <cpuid.h>

/* flatten: a function that was not inlined would leave its loop unvectorised. */
#define AVX2 __attribute__((flatten, target("avx2,bmi,bmi2,f16c")))
#define AVX512                                                                 \
    __attribute__((flatten, target("avx2,bmi,bmi2,f16c,avx512f,avx512cd,"      \
                                   "avx512bw,avx512dq,avx512vl")))

/* What no processor is asked to go beyond, for who builds with -DWEIGHTOPT_LEVEL=1. */
#if !defined(WEIGHTOPT_LEVEL)
#define WEIGHTOPT_LEVEL 2
#endif

/* The place in each table: 0 for the baseline, 1 for AVX2, 2 for AVX512. */
static int clone_level;

/* Whether the processor has the instructions, and the system keeps their registers. */
__attribute__((constructor)) static void find_clone_level(void)
{
    enum { SAVED = 1 << 27, F16C = 1 << 29 };                        /* leaf 1 */
    enum { OF_AVX2 = 1 << 3 | 1 << 5 | 1 << 8 };                     /* leaf 7: BMI, AVX2, BMI2 */
    const unsigned of_avx512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;
    unsigned a, b, c, d, kept, unused;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & SAVED) || !(c & F16C))
        return;
    __asm__ volatile("xgetbv" : "=a"(kept), "=d"(unused) : "c"(0));
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return;
    if ((b & OF_AVX2) == OF_AVX2 && (kept & 0x06) == 0x06)
        clone_level = (b & of_avx512) == of_avx512 && (kept & 0xe6) == 0xe6 ? 2 : 1;
    if (clone_level > WEIGHTOPT_LEVEL)
        clone_level = WEIGHTOPT_LEVEL;
}

/* What stands before the body of a function: `CLONED(name, (int x, int y), (x, y)) { ... }`. */
#define CLONED(name, parameters, arguments) CLONES_OF(void, , name, parameters, arguments)
#define CLONED_VALUE(type, name, parameters, arguments) \
    CLONES_OF(type, return, name, parameters, arguments)

#define CLONES_OF(type, give, name, parameters, arguments)                                       \
    __attribute__((always_inline)) static inline type name##_body parameters;                    \
    static type name##_baseline parameters { give name##_body arguments; }                       \
    AVX2 static type name##_avx2 parameters { give name##_body arguments; }                      \
    AVX512 static type name##_avx512 parameters { give name##_body arguments; }                  \
    CHOSEN(type, give, name, parameters, arguments)                                              \
    __attribute__((always_inline)) static inline type name##_body parameters

/* The function that calls the clone of its name for the level. */
#define CHOSEN(type, give, name, parameters, arguments)                                          \
    static type name parameters                                                                  \
    {                                                                                            \
        static type(*const clones[]) parameters = {name##_baseline, name##_avx2, name##_avx512}; \
        give clones[clone_level] arguments;                                                      \
    }

#else
#define CLONED(name, parameters, arguments) static void name parameters
#define CLONED_VALUE(type, name, parameters, arguments) static type name parameters
#endif

#endif
