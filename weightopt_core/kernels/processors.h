/* How many processors the calling thread may run on; 0 where the system does not say. */
#ifndef WEIGHTOPT_PROCESSORS_H
#define WEIGHTOPT_PROCESSORS_H

#if defined(__linux__)

#include <sys/syscall.h>
#include <unistd.h>

/* The system call itself says how much of the mask it wrote. To clear and to count the rest of one
 * that is long enough for any machine would take longer than the call. */
static inline int weightopt_processors(void)
{
    unsigned long allowed[256]; /* 16,384 processors */
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof allowed, allowed);
    int count = 0;
    for (long i = 0; i < bytes / (long)sizeof *allowed; ++i)
        for (unsigned long left = allowed[i]; left != 0; left &= left - 1)
            ++count;
    return count;
}

#elif defined(_WIN32)

#if !defined(WIN32_LEAN_AND_MEAN)
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

/* Of the group of processors, at most 64, that the process runs on. */
static inline int weightopt_processors(void)
{
    DWORD_PTR allowed, present;
    int count = 0;
    if (GetProcessAffinityMask(GetCurrentProcess(), &allowed, &present))
        for (; allowed != 0; allowed &= allowed - 1)
            ++count;
    return count;
}

#else

static inline int weightopt_processors(void)
{
    return 0;
}

#endif

#endif
