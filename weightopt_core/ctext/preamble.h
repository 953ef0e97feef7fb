/* The functions of functions.py in the subset that C and OpenCL C share.
 * Whoever includes this defines REAL, FN(name), SQRT and FABS for one compute type. */

static inline REAL FN(clip)(REAL x, REAL bound)
{
    return x < -bound ? -bound : (x > bound ? bound : x);
}

static inline REAL FN(sqrt)(REAL x)
{
    return SQRT(x);
}

static inline REAL FN(abs)(REAL x)
{
    return FABS(x);
}

static inline REAL FN(square)(REAL x)
{
    return x * x;
}

static inline REAL FN(sign)(REAL x)
{
    return x > (REAL)0 ? (REAL)1 : (x < (REAL)0 ? (REAL)-1 : (x == (REAL)0 ? (REAL)0 : x));
}

static inline REAL FN(maximum)(REAL x, REAL y)
{
    return ((x >= y) | (x != x)) ? x : y;
}

static inline REAL FN(minimum)(REAL x, REAL y)
{
    return ((x <= y) | (x != x)) ? x : y;
}
