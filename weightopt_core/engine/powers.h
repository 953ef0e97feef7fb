/* Powers of a double by an integer, from multiplications and additions alone: the same bits on every
 * processor and with every C library, whose `pow` may choose between several by the processor.
 *
 * A number is kept as the sum of two, so that rounding does not grow with the exponent: what is
 * returned is within a unit in the last place, and nearly always nearest. */
#ifndef WEIGHTOPT_POWERS_H
#define WEIGHTOPT_POWERS_H

#include "words.h"
#include <float.h>

/* high + low, where high is the sum as one double. */
typedef struct {
    double high, low;
} weightopt_pair;

/* The first 26 bits of a number: products of two such are exact. */
static inline double leading(double x)
{
    return AS_F64(AS_U64(x) & ~UINT64_C(0x7ffffff));
}

/* What the product of two numbers loses where it is rounded to `product`. */
static inline double lost(double x, double y, double product)
{
    const double x0 = leading(x), x1 = x - x0, y0 = leading(y), y1 = y - y0;
    return ((x0 * y0 - product) + x0 * y1 + x1 * y0) + x1 * y1;
}

/* A sum of which `low` is the small part; of 0, infinities and NaN the whole is in `high`. */
static inline weightopt_pair joined(double high, double low)
{
    weightopt_pair sum = {high, 0.0};
    if (high != 0.0 && high >= -DBL_MAX && high <= DBL_MAX) {
        sum.high = high + low;
        sum.low = low - (sum.high - high);
    }
    return sum;
}

static inline weightopt_pair times(weightopt_pair x, weightopt_pair y)
{
    const double product = x.high * y.high;
    return joined(product, lost(x.high, y.high, product) + (x.high * y.low + x.low * y.high));
}

static inline weightopt_pair reciprocal(double x)
{
    const double quotient = 1.0 / x, product = quotient * x;
    return joined(quotient, quotient * ((1.0 - product) - lost(quotient, x, product)));
}

/* base**exponent, or 1 / base**exponent: squares of the base are multiplied, in the order of the
 * exponent's bits from the lowest to the highest. */
static inline double weightopt_power(double base, uint64_t exponent, int inverse)
{
    weightopt_pair square = {base, 0.0}, product = {1.0, 0.0};
    if (inverse)
        square = reciprocal(base);
    for (; exponent > 1; exponent >>= 1) {
        if (exponent & 1)
            product = times(product, square);
        square = times(square, square);
    }
    return exponent ? times(product, square).high : product.high;
}

#endif
