#include "pool.h"

#if defined(_WIN32)

void weightopt_parallel_for(weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain,
                            int threads)
{
    (void)grain;
    (void)threads;
    if (count > 0)
        task(context, 0, count);
}

#else

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

/* How often a helper looks for the next job before it sleeps, about 20 microseconds. */
#define SPINS 2000

typedef struct {
    _Alignas(64) atomic_ptrdiff_t next;
    ptrdiff_t end;
} part;

/* One job at a time: `busy` is held by the caller whose job it is. */
static pthread_mutex_t busy = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_uint generation;
static int open_job, wanted, started;
static atomic_int active;
static weightopt_task job_task;
static void *job_context;
static ptrdiff_t job_grain;
static part parts[WEIGHTOPT_MAX_THREADS];

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void work(int own)
{
    for (int i = 0; i < wanted; ++i) {
        part *p = &parts[(own + i) % wanted];
        for (;;) {
            ptrdiff_t begin = atomic_fetch_add_explicit(&p->next, job_grain, memory_order_relaxed);
            if (begin >= p->end)
                break;
            ptrdiff_t end = begin + job_grain < p->end ? begin + job_grain : p->end;
            job_task(job_context, begin, end);
        }
    }
}

static void *help(void *argument)
{
    int own = (int)(intptr_t)argument;
    unsigned seen = 0;
    for (;;) {
        for (int i = 0; i < SPINS && atomic_load(&generation) == seen; ++i)
            relax();
        pthread_mutex_lock(&lock);
        while (atomic_load(&generation) == seen)
            pthread_cond_wait(&wake, &lock);
        seen = atomic_load(&generation);
        int takes_part = open_job && own < wanted;
        if (takes_part)
            atomic_fetch_add(&active, 1);
        pthread_mutex_unlock(&lock);
        if (takes_part) {
            work(own);
            atomic_fetch_sub(&active, 1);
        }
    }
    return NULL;
}

/* A forked child has the memory of the pool but none of its threads. */
static void forget_threads(void)
{
    pthread_mutex_init(&busy, NULL);
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&wake, NULL);
    atomic_store(&active, 0);
    open_job = 0;
    started = 0;
}

static void register_fork(void)
{
    pthread_atfork(NULL, NULL, forget_threads);
}

static void start_threads(int threads)
{
    pthread_attr_t attributes;
    if (started >= threads - 1 || pthread_attr_init(&attributes) != 0)
        return;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    while (started < threads - 1) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, help, (void *)(intptr_t)(started + 1)) != 0)
            break;
        ++started;
    }
    pthread_attr_destroy(&attributes);
}

void weightopt_parallel_for(weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain,
                            int threads)
{
    if (count <= 0)
        return;
    if (threads > WEIGHTOPT_MAX_THREADS)
        threads = WEIGHTOPT_MAX_THREADS;
    if (threads < 2 || count <= grain || pthread_mutex_trylock(&busy) != 0) {
        for (ptrdiff_t begin = 0; begin < count; begin += grain)
            task(context, begin, begin + grain < count ? begin + grain : count);
        return;
    }
    pthread_once(&once, register_fork);
    start_threads(threads);

    ptrdiff_t share = (count / threads + grain - 1) / grain * grain;
    pthread_mutex_lock(&lock);
    job_task = task;
    job_context = context;
    job_grain = grain;
    wanted = threads;
    for (int i = 0; i < threads; ++i) {
        ptrdiff_t begin = i * share < count ? i * share : count;
        ptrdiff_t end = i + 1 == threads || begin + share > count ? count : begin + share;
        atomic_store(&parts[i].next, begin);
        parts[i].end = end;
    }
    open_job = 1;
    atomic_fetch_add(&generation, 1);
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);

    work(0);

    pthread_mutex_lock(&lock);
    open_job = 0;
    pthread_mutex_unlock(&lock);
    while (atomic_load(&active) > 0)
        sched_yield();
    pthread_mutex_unlock(&busy);
}

#endif
