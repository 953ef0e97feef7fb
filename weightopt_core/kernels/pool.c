#include "pool.h"

#include "environment.h"
#include "host_threads.h"
#include "team.h"
#include <stdatomic.h>

/* How often a helper looks for the next job before it sleeps, about 20 microseconds. */
#define SPINS 2000

/* Jobs to go, after the system has refused a thread, before it is asked again. */
#define PATIENCE 1000

/* A job of fewer parts is often over before a helper that sleeps has come. */
#define WORTH_WAKING 8

/* Such jobs to go, at most, before sleeping helpers are called again to see whether that pays. */
#define LONGEST_REST 63

/* Of so many such jobs the first few are done the way that seems the slower one, to see whether it is. */
#define ROUND 64
#define TRIALS 4

/* The gate while a job is open. What is added to that are the helpers that are at work on it. */
#define OPEN 0x10000

typedef struct {
    _Alignas(64) atomic_ptrdiff_t next;
    ptrdiff_t end;
} part;

/* Each helper sleeps by itself, so that a job wakes those that it wants and no other. */
typedef struct {
    _Alignas(64) atomic_uint calls;
    atomic_int is_asleep;
    condition wake;
} helper;

/* One job at a time: `busy` is held by the caller whose job it is. */
static mutex busy = MUTEX_INITIALIZER;
static mutex lock = MUTEX_INITIALIZER;
static int wanted, started, patience;
static atomic_int gate;
static weightopt_task job_task;
static void *job_context;
static ptrdiff_t job_grain;
static environment job_environment;
static part parts[WEIGHTOPT_MAX_THREADS];
static helper helpers[WEIGHTOPT_MAX_THREADS]; /* the first is the caller, who is not called */
static team lent; /* without entry points where there is none; held with `busy` */

/* What is learned from small jobs; held with `busy`. For each number of parts there are nanoseconds of
 * a job, alone and with helpers that were awake, and how many jobs there were. */
static struct {
    double alone, shared;
    unsigned jobs;
} taken[WORTH_WAKING];
static int has_woken, rest, skipped;

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

/* Come to the job that is open, whichever that is by now; return 0 where none is. Without a lock, for
 * a helper that is awake is there before a lock would be free. */
static int join(void)
{
    int state = atomic_load(&gate);
    while (state & OPEN)
        if (atomic_compare_exchange_weak(&gate, &state, state + 1))
            return 1;
    return 0;
}

/* A caller adds to `calls` and then reads `is_asleep`; a helper sets that and then reads `calls`. So
 * at least one of them sees what the other has done. */
static void sleep_until_called(helper *self, unsigned seen)
{
    lock_mutex(&lock);
    atomic_store(&self->is_asleep, 1);
    while (atomic_load(&self->calls) == seen)
        wait_condition(&self->wake, &lock);
    atomic_store(&self->is_asleep, 0);
    unlock_mutex(&lock);
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
        if (atomic_load(&self->calls) == seen)
            sleep_until_called(self, seen);
        seen = atomic_load(&self->calls);
        if (!join())
            continue;
        if (own < wanted) {
            take_environment(job_environment);
            work(own);
        }
        atomic_fetch_sub(&gate, 1);
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
    atomic_store(&gate, 0);
    started = patience = has_woken = rest = skipped = 0;
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
        atomic_store(&next->is_asleep, 0);
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
    const ptrdiff_t number = (count - 1) / grain + 1;
    job_task = task;
    job_context = context;
    job_grain = grain;
    job_environment = given;
    wanted = threads;
    /* No two shares differ by more than one part. */
    for (int i = 0; i < threads; ++i) {
        ptrdiff_t end = number * (i + 1) / threads * grain;
        atomic_store(&parts[i].next, number * i / threads * grain);
        parts[i].end = end < count ? end : count;
    }
}

/* Whether helpers take part in a small job. Where processors share a cache or a core, or the caller's
 * cache has the arrays, it can be the slower way. */
static int is_worth_sharing(ptrdiff_t number)
{
    const int seems = taken[number].shared < taken[number].alone;
    const unsigned turn = taken[number].jobs++ % ROUND;
    return turn < TRIALS ? !seems : seems;
}

/* A job that was interrupted says nothing: what takes longer counts less than what takes less time. */
static void learn(double *known, double found)
{
    const double most = 2 * *known;
    if (*known == 0)
        *known = found;
    else
        *known += found < *known ? (found - *known) / 4 : ((found < most ? found : most) - *known) / 32;
}

/* Whether a small job calls helpers that sleep. Each call takes some microseconds, and pays only if
 * the next job comes before they sleep again; so the more often that was not so, the rarer it is tried. */
static int may_wake(int are_asleep)
{
    if (has_woken) {
        rest = !are_asleep ? 0 : rest < LONGEST_REST ? 2 * rest + 1 : LONGEST_REST;
        has_woken = skipped = 0;
    }
    if (!are_asleep || skipped++ < rest)
        return 0;
    has_woken = 1;
    return 1;
}

static void wake_helpers(int threads)
{
    lock_mutex(&lock);
    for (int i = 1; i < threads; ++i)
        if (atomic_load(&helpers[i].is_asleep))
            signal_condition(&helpers[i].wake);
    unlock_mutex(&lock);
}

/* Run the job that is set up; return whether all helpers that it calls were awake. */
static int run_together(int threads, int is_small)
{
    int are_asleep = 0;
    atomic_store(&gate, OPEN);
    for (int i = 1; i < threads; ++i) {
        atomic_fetch_add(&helpers[i].calls, 1);
        are_asleep |= atomic_load(&helpers[i].is_asleep);
    }
    if (is_small ? may_wake(are_asleep) : are_asleep)
        wake_helpers(threads);

    work(0);

    atomic_fetch_and(&gate, ~OPEN);
    for (int i = 0; atomic_load(&gate) > 0; ++i)
        if (i < SPINS)
            relax();
        else
            yield_processor();
    return !are_asleep;
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
        run_together(threads, 0);
    return 1;
}

/* The same for a job of few parts. */
static void run_small(weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain,
                      int threads, environment given)
{
    const ptrdiff_t number = (count - 1) / grain + 1;
    const int is_shared = is_worth_sharing(number) && start_threads(threads) >= threads;
    const double begin = nanoseconds();
    int is_told = 1;
    if (is_shared) {
        part_job(task, context, count, grain, threads, given);
        is_told = run_together(threads, 1);
    } else {
        run_alone(task, context, count, grain);
    }
    if (is_told)
        learn(is_shared ? &taken[number].shared : &taken[number].alone, nanoseconds() - begin);
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
    if (has_pool && lent.parallel == NULL && parts < WORTH_WAKING)
        run_small(task, context, count, grain, threads, given);
    else if (!has_pool || !run_with_others(task, context, count, grain, threads, given))
        run_alone(task, context, count, grain);
    if (has_pool)
        unlock_mutex(&busy);
    restore_flags(given);
}
