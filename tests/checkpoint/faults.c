/* A system that fails when it is told to, for LD_PRELOAD: `inject` says which call of which function. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANY, WRITE, FSYNC, RENAME, LINK, UNLINK, FLOCK, FCHMOD, OPEN };
enum { KILL_BEFORE = -1, KILL_AFTER = -2, SHORT_WRITES = -3 };

static int which, action;
static long left = -1;
static unsigned calls;

void inject(int function, long n, int what) {
    which = function;
    left = n;
    action = what;
}

/* Whether this is the call that fails; one that is to die before it does so here. */
static int is_due(int function) {
    if (left < 0 || action == SHORT_WRITES || (which != ANY && which != function) || left--)
        return 0;
    if (action == KILL_BEFORE)
        kill(getpid(), SIGKILL);
    return 1;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) \
        real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define CALL(function, call) \
    do { \
        int due = is_due(function); \
        if (due && action > 0) { \
            errno = action; \
            return -1; \
        } \
        __typeof__(call) result = call; \
        if (due) \
            kill(getpid(), SIGKILL); \
        return result; \
    } while (0)

ssize_t write(int file, const void *data, size_t size) {
    REAL(write);
    if (left >= 0 && action == SHORT_WRITES) {
        if (calls++ % 2) {
            errno = EINTR;
            return -1;
        }
        size = size > 1000 ? size / 3 : size;
    }
    CALL(WRITE, real(file, data, size));
}

int fsync(int file) {
    REAL(fsync);
    CALL(FSYNC, real(file));
}

int rename(const char *from, const char *to) {
    REAL(rename);
    CALL(RENAME, real(from, to));
}

int link(const char *from, const char *to) {
    REAL(link);
    CALL(LINK, real(from, to));
}

int linkat(int a, const char *from, int b, const char *to, int flags) {
    REAL(linkat);
    CALL(LINK, real(a, from, b, to, flags));
}

int unlink(const char *path) {
    REAL(unlink);
    CALL(UNLINK, real(path));
}

int flock(int file, int operation) {
    REAL(flock);
    CALL(FLOCK, real(file, operation));
}

int fchmod(int file, mode_t mode) {
    REAL(fchmod);
    CALL(FCHMOD, real(file, mode));
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    REAL(open64);
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    CALL(OPEN, real(path, flags, mode));
}
