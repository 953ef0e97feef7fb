/* Threads of the system, what they wait for, and its clock: of POSIX or of Windows. */
#ifndef WEIGHTOPT_HOST_THREADS_H
#define WEIGHTOPT_HOST_THREADS_H

#if defined(_WIN32)

#if !defined(WIN32_LEAN_AND_MEAN)
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

typedef SRWLOCK mutex;
typedef CONDITION_VARIABLE condition;
#define MUTEX_INITIALIZER SRWLOCK_INIT
#define lock_mutex AcquireSRWLockExclusive
#define try_mutex TryAcquireSRWLockExclusive
#define unlock_mutex ReleaseSRWLockExclusive
#define init_condition InitializeConditionVariable
#define wait_condition(wake, held) SleepConditionVariableSRW(wake, held, INFINITE, 0)
#define signal_condition WakeConditionVariable
#define yield_processor SwitchToThread

/* The head of a function that a thread runs; its argument is called `argument`. */
#define THREAD(name) static DWORD WINAPI name(void *argument)

/* Start a thread that nobody waits for; return whether the system has one. */
static inline int start_thread(LPTHREAD_START_ROUTINE run, void *argument)
{
    HANDLE thread = CreateThread(NULL, 0, run, argument, 0, NULL);
    if (thread == NULL)
        return 0;
    CloseHandle(thread);
    return 1;
}

/* Nanoseconds since some time. */
static inline double nanoseconds(void)
{
    LARGE_INTEGER now, each_second;
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&each_second);
    return 1e9 * (double)now.QuadPart / (double)each_second.QuadPart;
}

/* No thread is told to end from outside but with its process. */
static inline void refuse_cancellation(void)
{
}

#else

#include "signals.h"
#include <pthread.h>
#include <sched.h>
#include <time.h>

typedef pthread_mutex_t mutex;
typedef pthread_cond_t condition;
#define MUTEX_INITIALIZER PTHREAD_MUTEX_INITIALIZER
#define lock_mutex pthread_mutex_lock
#define try_mutex(held) (pthread_mutex_trylock(held) == 0)
#define unlock_mutex pthread_mutex_unlock
#define init_condition(wake) pthread_cond_init(wake, NULL)
#define wait_condition pthread_cond_wait
#define signal_condition pthread_cond_signal
#define yield_processor sched_yield

#define THREAD(name) static void *name(void *argument)

static inline int start_thread(void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t signals;
    int refused;
    if (pthread_attr_init(&attributes) != 0)
        return 0;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    block_signals(&signals);
    refused = pthread_create(&thread, &attributes, run, argument);
    pthread_sigmask(SIG_SETMASK, &signals, NULL);
    pthread_attr_destroy(&attributes);
    return !refused;
}

static inline double nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

static inline void refuse_cancellation(void)
{
#if defined(PTHREAD_CANCEL_DISABLE)
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
#endif
}

#endif

#endif
