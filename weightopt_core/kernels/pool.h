/* A pool of threads for loops over [0, count).
 *
 * The caller starts working at once. A helper that wakes in time takes parts too, and the
 * caller never waits for one that has not: after idling, waking a thread can take milliseconds.
 * Each thread begins with its own share of the range, so that repeated calls keep their data in
 * the same core's cache, and then takes parts that others left. The parts are the same for any
 * number of threads, and each is computed in the caller's floating-point environment: it does not
 * show who computed what. No flag of that environment is raised by a call.
 */
#ifndef WEIGHTOPT_POOL_H
#define WEIGHTOPT_POOL_H

#include <stddef.h>

#define WEIGHTOPT_MAX_THREADS 256

/* Work on the elements begin to end (exclusive); called from any thread. */
typedef void (*weightopt_task)(void *context, ptrdiff_t begin, ptrdiff_t end);

/* Run the task over [0, count) in parts of at most `grain` on at most `threads` threads. */
void weightopt_parallel_for(weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain,
                            int threads);

/* Run tasks on the threads of the OpenMP library at `path`, which the process has loaded, or on
 * the pool's own where `path` is NULL; return 0, with nothing changed, where that cannot be. A
 * forked child has none of those threads, and goes back to the pool. */
int weightopt_use_team(const char *path);

#endif
