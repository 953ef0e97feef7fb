/* Runs compiled rules and the core's loops on arrays from a file, for a machine without Python.
 *
 *     program JOBS RESULTS
 *
 * A job is eight-byte integers: function, threads, elements, bytes of constants, number of arrays,
 * and for each array the bytes of an element; then the constants, then the arrays. What the arrays
 * hold afterwards is written. It ends with 0, or says what is wrong and ends with 1. */
#include "rules.h"

#include "functions.h"
#include "pool.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 16, GRAIN = 64 };

typedef struct {
    int64_t function, threads, count, constants, arrays;
} head;

typedef struct {
    function run;
    char *arrays[MOST];
    int64_t sizes[MOST];
    int64_t number;
    void *constants;
} job;

static void *checked(void *memory, const char *what)
{
    if (memory == NULL) {
        fprintf(stderr, "program: no %s\n", what);
        exit(1);
    }
    return memory;
}

/* The elements from `begin` to `end` of a job, on any thread. */
static void part(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    const job *whole = context;
    void *arrays[MOST];
    for (int64_t i = 0; i < whole->number; ++i)
        arrays[i] = whole->arrays[i] + begin * whole->sizes[i];
    whole->run(end - begin, arrays, whole->constants);
}

/* Two parts that wait for each other end only if two threads run them. */
static void meet(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    atomic_int *came = context;
    (void)begin, (void)end;
    atomic_fetch_add(came, 1);
    for (long i = 0; atomic_load(came) < 2 && i < 2000000000; ++i)
        ;
}

static void run(const head *given, FILE *in, FILE *out)
{
    job whole = {.run = functions[given->function], .number = given->arrays};
    checked(fread(whole.sizes, 8, (size_t)given->arrays, in) ? in : NULL, "sizes");
    whole.constants = checked(malloc((size_t)given->constants + 1), "memory");
    if (fread(whole.constants, 1, (size_t)given->constants, in) != (size_t)given->constants)
        checked(NULL, "constants");
    for (int64_t i = 0; i < given->arrays; ++i) {
        const size_t bytes = (size_t)(given->count * whole.sizes[i]);
        whole.arrays[i] = checked(malloc(bytes + 1), "memory");
        if (fread(whole.arrays[i], 1, bytes, in) != bytes)
            checked(NULL, "array");
    }
    if (given->threads > 0)
        weightopt_parallel_for(part, &whole, given->count, GRAIN, (int)given->threads);
    else
        part(&whole, 0, given->count);
    for (int64_t i = 0; i < given->arrays; ++i) {
        fwrite(whole.arrays[i], (size_t)whole.sizes[i], (size_t)given->count, out);
        free(whole.arrays[i]);
    }
    free(whole.constants);
}

int main(int count, char **arguments)
{
    FILE *in, *out;
    head given;
    atomic_int came = 0;
    if (count != 3)
        checked(NULL, "two files named");
    if (!weightopt_is_exact())
        checked(NULL, weightopt_inexact);
    weightopt_parallel_for(meet, &came, 2, 1, 2);
    if (atomic_load(&came) != 2)
        checked(NULL, "second thread");
    in = checked(fopen(arguments[1], "rb"), "jobs");
    out = checked(fopen(arguments[2], "wb"), "place for results");
    while (fread(&given, sizeof given, 1, in) == 1)
        run(&given, in, out);
    fclose(in);
    return fclose(out) != 0;
}
