/* SIMD wider than the baseline, chosen when the module is loaded. */
#ifndef WEIGHTOPT_CLONES_H
#define WEIGHTOPT_CLONES_H

#if defined(__linux__)
#include <features.h>
#endif

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
#define HAS_CLONES
/* flatten: a function that was not inlined would leave its loop unvectorised. */
#define CLONES __attribute__((flatten, target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

#endif
