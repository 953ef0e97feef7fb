/* What a step is measured against, over the same bytes: four arrays read, three written. */
#include <math.h>
#include <stddef.h>

/* Adam as anyone would write it, compiled for this very machine. */
void adam(ptrdiff_t count, float *restrict weight, const float *restrict grad,
          float *restrict mean, float *restrict var, float step, float beta1, float beta2,
          float epsilon)
{
#pragma omp parallel for simd schedule(static)
    for (ptrdiff_t i = 0; i < count; ++i) {
        mean[i] = beta1 * mean[i] + (1 - beta1) * grad[i];
        var[i] = beta2 * var[i] + (1 - beta2) * grad[i] * grad[i];
        weight[i] -= step * mean[i] / (sqrtf(var[i]) + epsilon);
    }
}

/* Next to no arithmetic: the memory's limit for these reads and writes. */
void probe(ptrdiff_t count, float *restrict weight, const float *restrict grad,
           float *restrict mean, float *restrict var)
{
#pragma omp parallel for simd schedule(static)
    for (ptrdiff_t i = 0; i < count; ++i) {
        const float g = grad[i];
        mean[i] += g;
        var[i] += g;
        weight[i] += g;
    }
}
