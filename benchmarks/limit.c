/* The reads and in-place writes of a step with next to no arithmetic: the memory's limit. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#define RELAX() __builtin_ia32_pause()
#else
#define RELAX() ((void)0)
#endif

/* Some tens of microseconds: longer than the gap between two calls from Python. */
enum { SPINS = 2000, LINE = 64, MOST = 256 };

/* Of each tensor a pointer to what is read alone, then one to each array that is written. */
typedef struct {
    ptrdiff_t tensors;
    const ptrdiff_t *bytes;
    uint8_t *const *arrays;
    ptrdiff_t total;
    int written, threads;
    uint8_t mask; /* 0, unknown to the compiler: so the values stay and the work is done */
} job;

static job current;
static atomic_uint generation;
static atomic_int pending;
static int helpers;
static unsigned born[MOST]; /* the generation before a helper's first one */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;

static inline __attribute__((always_inline)) void touch(const int written, uint8_t *const *arrays,
                                                        ptrdiff_t begin, ptrdiff_t end,
                                                        uint8_t mask)
{
    const uint8_t *read = arrays[0];
    uint8_t *a = arrays[1], *b = arrays[written > 1 ? 2 : 1];
    uint8_t *c = arrays[written > 2 ? 3 : 1], *d = arrays[written > 3 ? 4 : 1];
    uint8_t *e = arrays[written > 4 ? 5 : 1];
#pragma GCC ivdep
    for (ptrdiff_t i = begin; i < end; ++i) {
        const uint8_t value = read[i] & mask;
        a[i] ^= value;
        if (written > 1) b[i] ^= value;
        if (written > 2) c[i] ^= value;
        if (written > 3) d[i] ^= value;
        if (written > 4) e[i] ^= value;
    }
}

/* Where part k of all bytes begins, at a whole cache line. */
static ptrdiff_t border(const job *work, int k)
{
    return k == work->threads ? work->total : work->total / work->threads * k / LINE * LINE;
}

static void part(const job *work, int k)
{
    const ptrdiff_t first = border(work, k), last = border(work, k + 1);
    ptrdiff_t start = 0;
    for (ptrdiff_t i = 0; i < work->tensors && start < last; start += work->bytes[i++]) {
        const ptrdiff_t begin = first > start ? first - start : 0;
        const ptrdiff_t rest = last - start;
        const ptrdiff_t end = work->bytes[i] < rest ? work->bytes[i] : rest;
        uint8_t *const *arrays = work->arrays + i * (work->written + 1);
        switch (work->written) {
        case 1: touch(1, arrays, begin, end, work->mask); break;
        case 2: touch(2, arrays, begin, end, work->mask); break;
        case 3: touch(3, arrays, begin, end, work->mask); break;
        case 4: touch(4, arrays, begin, end, work->mask); break;
        case 5: touch(5, arrays, begin, end, work->mask); break;
        }
    }
}

static void *help(void *number)
{
    const int k = (int)(intptr_t)number;
    for (unsigned seen = born[k];;) {
        for (int i = 0; i < SPINS && atomic_load(&generation) == seen; ++i) RELAX();
        pthread_mutex_lock(&lock);
        while (atomic_load(&generation) == seen) pthread_cond_wait(&wake, &lock);
        seen = atomic_load(&generation);
        pthread_mutex_unlock(&lock);
        if (k < current.threads) part(&current, k);
        atomic_fetch_sub(&pending, 1);
    }
    return NULL;
}

/* From one thread at a time. */
void limit(ptrdiff_t tensors, const ptrdiff_t *bytes, uint8_t *const *arrays, ptrdiff_t total,
           int written, int threads, int mask)
{
    if (threads > MOST) threads = MOST;
    for (pthread_t made; helpers < threads - 1; ++helpers) {
        born[helpers + 1] = atomic_load(&generation);
        if (pthread_create(&made, NULL, help, (void *)(intptr_t)(helpers + 1))) break;
    }
    if (threads > helpers + 1) threads = helpers + 1;
    current = (job){tensors, bytes, arrays, total, written, threads, (uint8_t)mask};
    if (threads > 1) {
        atomic_store(&pending, helpers);
        pthread_mutex_lock(&lock);
        atomic_fetch_add(&generation, 1);
        pthread_cond_broadcast(&wake);
        pthread_mutex_unlock(&lock);
    }
    part(&current, 0);
    for (int i = 0; threads > 1 && atomic_load(&pending) > 0; ++i) {
        if (i < SPINS) RELAX();
        else sched_yield(); /* a helper may be waiting for this very processor */
    }
}
