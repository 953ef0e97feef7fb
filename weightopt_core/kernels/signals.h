/* Which signals a thread of the pool takes. */
#ifndef WEIGHTOPT_SIGNALS_H
#define WEIGHTOPT_SIGNALS_H

#include <signal.h>
#include <stddef.h>

/* The signals that a thread causes by what it computes are its own, and to block them would end
 * the process without asking its handlers. All others go to threads that the program knows: what it
 * blocks, to wait for it, must not find a thread where it is not blocked. */
static inline void block_signals(sigset_t *before)
{
    static const int own[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, before);
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own / sizeof *own; ++i)
        if (!sigismember(before, own[i]))
            sigdelset(&blocked, own[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
}

#endif
