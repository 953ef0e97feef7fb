/* The threads of an OpenMP library that this process has loaded already.
 *
 * They spin for milliseconds after each loop of theirs, and a thread of the pool that wants to run
 * meanwhile waits for a processor. Where such loops come right before a step, the step is faster
 * on the same threads. GNU's library and LLVM's have the same entry points.
 */
#ifndef WEIGHTOPT_TEAM_H
#define WEIGHTOPT_TEAM_H

typedef struct {
    void (*parallel)(void (*function)(void *), void *argument, unsigned threads, unsigned flags);
    int (*number)(void); /* of the calling thread in its team */
    int (*most)(void);   /* threads that a team may have */
} team;

#if defined(_WIN32)

static inline int find_team(const char *path, team *found)
{
    (void)path;
    (void)found;
    return 0;
}

#else

#include <dlfcn.h>

/* Find the entry points of the library at `path`; return 0 where it is not loaded, or lacks one. */
static inline int find_team(const char *path, team *found)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (library == NULL)
        return 0;
    /* ISO C has no conversion from an object's address to a function's; POSIX asks for this one. */
    *(void **)&found->parallel = dlsym(library, "GOMP_parallel");
    *(void **)&found->number = dlsym(library, "omp_get_thread_num");
    *(void **)&found->most = dlsym(library, "omp_get_max_threads");
    return found->parallel && found->number && found->most;
}

#endif

#endif
