/* The floating-point environment of the calling thread: how it rounds, whether it flushes denormal
 * numbers to zero, what traps, and the flags of what has happened.
 *
 * `fenv.h` would do, but takes ten times as long, and on some systems knows nothing of flushing.
 */
#ifndef WEIGHTOPT_ENVIRONMENT_H
#define WEIGHTOPT_ENVIRONMENT_H

#include <stdint.h>

#if defined(_MSC_VER) && defined(_M_X64) && !defined(__clang__)

#include <intrin.h>

typedef unsigned environment;

#define SSE_FLAGS 0x3fu

static inline environment read_environment(void)
{
    return _mm_getcsr();
}

static inline void take_environment(environment given)
{
    if (((read_environment() ^ given) & ~SSE_FLAGS) != 0)
        _mm_setcsr(given & ~SSE_FLAGS);
}

static inline void restore_flags(environment given)
{
    if (read_environment() != given)
        _mm_setcsr(given);
}

static inline void return_to(environment given)
{
    restore_flags(given);
}

#elif defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))

/* The x87 unit has its own control word; what it computes here, if anything, rounds by that. */
typedef struct {
    uint32_t sse;
    uint16_t x87;
} environment;

#define SSE_FLAGS 0x3fu

#if defined(__SSE__)
#define READ_SSE() __builtin_ia32_stmxcsr()
#define WRITE_SSE(word) __builtin_ia32_ldmxcsr(word)
#else
#define READ_SSE() 0
#define WRITE_SSE(word) ((void)(word))
#endif

static inline environment read_environment(void)
{
    environment now;
    now.sse = READ_SSE();
    __asm__ volatile("fnstcw %0" : "=m"(now.x87));
    return now;
}

/* Compute as the thread does that read `given`, with no flag raised. */
static inline void take_environment(environment given)
{
    const environment now = read_environment();
    if (((now.sse ^ given.sse) & ~SSE_FLAGS) != 0)
        WRITE_SSE(given.sse & ~SSE_FLAGS);
    if (now.x87 != given.x87)
        __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(given.x87));
}

/* Forget which flags were raised since this thread read `given`. */
static inline void restore_flags(environment given)
{
    if (READ_SSE() != given.sse)
        WRITE_SSE(given.sse);
}

/* Compute again as the thread did that read `given`, flags included. */
static inline void return_to(environment given)
{
    restore_flags(given);
    if (read_environment().x87 != given.x87)
        __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(given.x87));
}

#elif defined(__GNUC__) && defined(__aarch64__)

typedef struct {
    uint64_t control, flags;
} environment;

static inline environment read_environment(void)
{
    environment now;
    __asm__ volatile("mrs %0, fpcr" : "=r"(now.control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(now.flags));
    return now;
}

static inline void take_environment(environment given)
{
    if (read_environment().control != given.control)
        __asm__ volatile("msr fpcr, %0" : : "r"(given.control));
}

static inline void restore_flags(environment given)
{
    if (read_environment().flags != given.flags)
        __asm__ volatile("msr fpsr, %0" : : "r"(given.flags));
}

static inline void return_to(environment given)
{
    take_environment(given);
    restore_flags(given);
}

#else

#include <fenv.h>

typedef fenv_t environment;

static inline environment read_environment(void)
{
    environment now;
    fegetenv(&now);
    return now;
}

static inline void take_environment(environment given)
{
    fesetenv(&given);
    feclearexcept(FE_ALL_EXCEPT);
}

static inline void restore_flags(environment given)
{
    fesetenv(&given);
}

static inline void return_to(environment given)
{
    fesetenv(&given);
}

#endif

#endif
