/* Uses the pool of threads in all the ways at once in which a program may, and checks every result.
 *
 *     pool_stress ROUNDS FORKS
 *
 * It prints what is wrong and ends with status 1, or ends with 0. pool.c is compiled with
 * `create_for_pool` in place of `pthread_create`, so that threads can be refused to it.
 */
#include "pool.h"
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST 4096

static atomic_int refusing;
static int rounds, forks;

int create_for_pool(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                    void *argument)
{
    return atomic_load(&refusing) ? EAGAIN : pthread_create(thread, attributes, run, argument);
}

static void check(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "pool_stress: expected %s\n", what);
    _exit(1);
}

/* Of one job: how often each element was computed, and how the thread rounded. */
typedef struct {
    int times[LONGEST], modes[LONGEST];
    int nests;
} job;

static void compute(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    job *mine = context;
    for (ptrdiff_t i = begin; i < end; ++i) {
        mine->times[i] += 1;
        mine->modes[i] = fegetround();
    }
    if (mine->nests) {
        job inner = {.nests = 0};
        weightopt_parallel_for(compute, &inner, 100, 7, 3);
        for (int i = 0; i < 100; ++i)
            check(inner.times[i] == 1, "each element of a job within a job once");
    }
}

static void run(int count, int grain, int threads, int mode, int nests)
{
    job mine = {.nests = nests};
    fesetround(mode);
    weightopt_parallel_for(compute, &mine, count, grain, threads);
    check(fegetround() == mode, "the caller's environment as it was");
    fesetround(FE_TONEAREST);
    for (int i = 0; i < LONGEST; ++i) {
        check(mine.times[i] == (i < count), "each element once");
        check(i >= count || mine.modes[i] == mode, "each element in the caller's environment");
    }
}

static void run_any(unsigned *state)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    int count = rand_r(state) % LONGEST, grain = 1 + rand_r(state) % 300;
    int threads = rand_r(state) % 50 == 0 ? 24 : rand_r(state) % 7 - 1;
    run(count, grain, threads, modes[rand_r(state) % 4], rand_r(state) % 20 == 0);
}

static void *call(void *argument)
{
    unsigned state = 1 + (unsigned)(size_t)argument;
    for (int i = 0; i < rounds; ++i) {
        run_any(&state);
        /* At times so long that helpers go to sleep, or are about to. */
        if (i % 16 == 0)
            usleep(rand_r(&state) % 150);
    }
    return NULL;
}

static void *call_until_cancelled(void *argument)
{
    for (;;) {
        run(LONGEST, 16, 4, FE_UPWARD, 0);
        pthread_testcancel();
    }
    return argument;
}

static void *cancel(void *argument)
{
    for (int i = 0; i < 20; ++i) {
        pthread_t caller;
        check(pthread_create(&caller, NULL, call_until_cancelled, NULL) == 0, "a thread");
        usleep(2000);
        pthread_cancel(caller);
        pthread_join(caller, NULL);
    }
    return argument;
}

/* A first chunk that waits for a second, so that a helper computes that. */
typedef struct {
    pthread_t caller;
    atomic_int came;
    int mode;
} meeting;

static int blocks(int number)
{
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    return sigismember(&blocked, number);
}

static void meet(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    meeting *here = context;
    (void)begin, (void)end;
    if (!pthread_equal(pthread_self(), here->caller)) {
        check(fegetround() == here->mode, "the caller's environment on a helper");
        check(fetestexcept(FE_OVERFLOW) == 0, "no flag of the caller on a helper");
        feraiseexcept(FE_DIVBYZERO);
        check(blocks(SIGUSR1) && blocks(SIGTERM) && blocks(SIGPROF), "blocked signals");
        check(!blocks(SIGSEGV) && !blocks(SIGFPE) && !blocks(SIGBUS), "a thread's own signals");
    } else {
        feraiseexcept(FE_INVALID);
    }
    atomic_fetch_add(&here->came, 1);
    while (atomic_load(&here->came) < 2)
        usleep(100);
}

static void meet_in(int mode)
{
    meeting here = {.caller = pthread_self(), .mode = mode};
    fesetround(mode);
    feclearexcept(FE_ALL_EXCEPT);
    feraiseexcept(FE_OVERFLOW);
    /* So many that a helper is called even if it sleeps. */
    weightopt_parallel_for(meet, &here, 16, 1, 2);
    int flags = fetestexcept(FE_OVERFLOW | FE_DIVBYZERO | FE_INVALID);
    check(flags == FE_OVERFLOW, "the flags of before");
    check(!blocks(SIGUSR1) && !blocks(SIGTERM), "the caller's signals as they were");
    fesetround(FE_TONEAREST);
}

/* In a child, and in a child of it. */
static void fork_once(int depth)
{
    int status;
    pid_t child = fork();
    check(child >= 0, "a child");
    if (child == 0) {
        unsigned state = 99;
        alarm(60);
        for (int i = 0; i < 20; ++i)
            run_any(&state);
        meet_in(FE_UPWARD);
        if (depth > 0)
            fork_once(depth - 1);
        _exit(0);
    }
    check(waitpid(child, &status, 0) == child, "the child");
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child without a fault");
}

static void *fork_often(void *argument)
{
    for (int i = 0; i < forks; ++i)
        fork_once(i % 2);
    return argument;
}

int main(int count, char **arguments)
{
    static void *(*const parts[])(void *) = {call, call, call, cancel, fork_often};
    enum { PARTS = sizeof parts / sizeof *parts };
    pthread_t threads[PARTS];
    check(count == 3, "ROUNDS and FORKS");
    rounds = atoi(arguments[1]);
    forks = atoi(arguments[2]);
    alarm(540);

    atomic_store(&refusing, 1);
    for (int i = 0; i < 1500; ++i)
        run(50, 10, 3, FE_DOWNWARD, 0);
    atomic_store(&refusing, 0);
    for (int i = 0; i < 1500; ++i)
        run(50, 10, 3, FE_DOWNWARD, 0);
    meet_in(FE_UPWARD);
    meet_in(FE_TONEAREST);

    for (size_t i = 0; i < PARTS; ++i)
        check(pthread_create(&threads[i], NULL, parts[i], (void *)i) == 0, "a thread");
    for (size_t i = 0; i < PARTS; ++i)
        pthread_join(threads[i], NULL);
    run(LONGEST, 1, 3000, FE_TOWARDZERO, 0);
    meet_in(FE_DOWNWARD);
    return 0;
}
