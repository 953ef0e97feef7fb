/* Arithmetic that changes no value: refused is what would give other bits than NumPy, as far as
 * macros tell. probe.h finds the rest when a module is loaded. */
#ifndef WEIGHTOPT_EXACT_H
#define WEIGHTOPT_EXACT_H

#include <float.h>

/* GCC before 12 has one macro for all of them: it takes back that it follows IEC 60559. */
#if defined(__FAST_MATH__) || defined(_M_FP_FAST) || defined(__ASSOCIATIVE_MATH__) \
    || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)                \
    || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)                     \
    || (defined(__GCC_IEC_559) && __GCC_IEC_559 == 0)
#error "weightopt: this compiler runs with options that change values, such as -ffast-math, -Ofast or /fp:fast; take them out of CFLAGS, CC and wrappers of the compiler, and build again"
#endif

/* 16: float16 is computed as itself, float as float. */
#if !defined(FLT_EVAL_METHOD) || (FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16)
#error "weightopt: this compiler computes float in a wider type, as the x87 does; take -mfpmath=387 and the like out of CFLAGS, or on 32-bit x86 add -msse2 -mfpmath=sse, and build again"
#endif

/* GCC does not know the standard's pragma, and is told by an option. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

#endif
