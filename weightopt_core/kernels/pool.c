#include "pool.h"

#include "environment.h"
#include "host_threads.h"
#include "team.h"
#include <stdatomic.h>

/* How often a helper looks for the next job before it sleeps, about 20 microseconds. */
#define SPINS 2000

/* Jobs to go, after the system has refused a thread, before it is asked again. */
#define PATIENCE 1000

typedef struct {
    _Alignas(64) atomic_ptrdiff_t next;
    ptrdiff_t end;
} part;

/* Each helper sleeps by itself, so that a job wakes those that it wants and no other. */
typedef struct {
    _Alignas(64) atomic_uint calls;
    condition wake;
} helper;

/* One job at a time: `busy` is held by the caller whose job it is. */
static mutex busy = MUTEX_INITIALIZER;
static mutex lock = MUTEX_INITIALIZER;
static int open_job, wanted, started, patience;
static atomic_int active;
static weightopt_task job_task;
static void *job_context;
static ptrdiff_t job_grain;
static environment job_environment;
static part parts[WEIGHTOPT_MAX_THREADS];
static helper helpers[WEIGHTOPT_MAX_THREADS]; /* the first is the caller, who is not called */
static team lent; /* without entry points where there is none; held with `busy` */

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

THREAD(help)
{
    helper *self = argument;
    int own = (int)(self - helpers);
    unsigned seen = 0;
    /* A helper that ended within a job would leave its caller waiting. */
    refuse_cancellation();
    for (;;) {
        for (int i = 0; i < SPINS && atomic_load(&self->calls) == seen; ++i)
            relax();
        lock_mutex(&lock);
        while (atomic_load(&self->calls) == seen)
            wait_condition(&self->wake, &lock);
        seen = atomic_load(&self->calls);
        int takes_part = open_job && own < wanted;
        if (takes_part)
            atomic_fetch_add(&active, 1);
        unlock_mutex(&lock);
        if (takes_part) {
            take_environment(job_environment);
            work(own);
            atomic_fetch_sub(&active, 1);
        }
    }
    return 0;
}

#if defined(_WIN32)
static void watch_forks(void)
{
}
#else
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A forked child has the memory of the pool but none of its threads, nor the caller of a job that
 * was open. */
static void forget_threads(void)
{
    pthread_mutex_init(&busy, NULL);
    pthread_mutex_init(&lock, NULL);
    atomic_store(&active, 0);
    open_job = started = patience = 0;
    lent.parallel = NULL;
}

static void register_fork(void)
{
    pthread_atfork(NULL, NULL, forget_threads);
}

static void watch_forks(void)
{
    pthread_once(&once, register_fork);
}
#endif

static int take_pool(void)
{
    /* Before `busy` is held: a child that is forked by another thread must find it free. */
    watch_forks();
    return try_mutex(&busy);
}

/* Start what is missing of `threads`, and return how many there are, the caller among them. */
static int start_threads(int threads)
{
    if (started >= threads - 1)
        return threads;
    if (patience > 0) {
        --patience;
        return started + 1;
    }
    while (started < threads - 1 && patience == 0) {
        helper *next = &helpers[started + 1];
        init_condition(&next->wake);
        if (start_thread(help, next))
            ++started;
        else
            patience = PATIENCE;
    }
    return started + 1;
}

static void run_alone(weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain)
{
    for (ptrdiff_t begin = 0; begin < count; begin += grain)
        task(context, begin, begin + grain < count ? begin + grain : count);
}

static void part_job(weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain,
                     int threads, environment given)
{
    ptrdiff_t share = (count / threads + grain - 1) / grain * grain;
    job_task = task;
    job_context = context;
    job_grain = grain;
    job_environment = given;
    wanted = threads;
    for (int i = 0; i < threads; ++i) {
        ptrdiff_t begin = i * share < count ? i * share : count;
        ptrdiff_t end = i + 1 == threads || begin + share > count ? count : begin + share;
        atomic_store(&parts[i].next, begin);
        parts[i].end = end;
    }
}

static void run_together(int threads)
{
    lock_mutex(&lock);
    open_job = 1;
    for (int i = 1; i < threads; ++i)
        atomic_fetch_add(&helpers[i].calls, 1);
    unlock_mutex(&lock);
    for (int i = 1; i < threads; ++i)
        signal_condition(&helpers[i].wake);

    work(0);

    lock_mutex(&lock);
    open_job = 0;
    unlock_mutex(&lock);
    while (atomic_load(&active) > 0)
        yield_processor();
}

static void join_in(void *unused)
{
    const environment own = read_environment();
    const int number = lent.number();
    (void)unused;
    if (number >= wanted)
        return;
    take_environment(job_environment);
    work(number);
    return_to(own);
}

int weightopt_use_team(const char *path)
{
    team found = {NULL, NULL, NULL};
    if (path != NULL && !find_team(path, &found))
        return 0;
    watch_forks();
    lock_mutex(&busy);
    lent = found;
    unlock_mutex(&busy);
    return 1;
}

/* Run a job on as many threads as there are, at most `threads`; 0 where the caller is alone. */
static int run_with_others(weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain,
                           int threads, environment given)
{
    const int has_team = lent.parallel != NULL;
    const int most = has_team ? lent.most() : start_threads(threads);
    if (threads > most)
        threads = most;
    if (threads < 2)
        return 0;
    part_job(task, context, count, grain, threads, given);
    if (has_team)
        lent.parallel(join_in, NULL, (unsigned)threads, 0);
    else
        run_together(threads);
    return 1;
}

void weightopt_parallel_for(weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain,
                            int threads)
{
    if (count <= 0)
        return;
    const environment given = read_environment();
    const ptrdiff_t parts = (count - 1) / grain + 1;
    if (threads > WEIGHTOPT_MAX_THREADS)
        threads = WEIGHTOPT_MAX_THREADS;
    if (threads > parts)
        threads = (int)parts;
    const int has_pool = threads > 1 && take_pool();
    if (!has_pool || !run_with_others(task, context, count, grain, threads, given))
        run_alone(task, context, count, grain);
    if (has_pool)
        unlock_mutex(&busy);
    restore_flags(given);
}
