/* Stochastic rounding to bfloat16 in the subset that C and OpenCL C share: equal bits from both.
 *
 * A value lies between two neighbours in bfloat16, and rounds away from zero with the probability
 * that its place between them gives: random bits are added to the lower half of its bits, which is
 * then cut off. So the mean is the value, and what bfloat16 represents stays as it is.
 *
 * The random bits depend on the key, on the number of the state and on the number of the element
 * alone. A word of 32 serves two states. It is a keyed form of the hash lowbias32 (Wellons, 2018,
 * https://nullprogram.com/blog/2018/07/31/): Philox would take longer than the step.
 * weightopt_core/backends/cpu/rounding.py is the same in NumPy.
 *
 * Whoever includes this defines U16, U32, U64 and AS_U32 for float.
 */

#define ROUNDING_STEP (U32)0x9e3779b9

static inline U32 rounding_mix(U32 x)
{
    x = (x ^ x >> 16) * (U32)0x7feb352d;
    x = (x ^ x >> 15) * (U32)0x846ca68b;
    return x ^ x >> 16;
}

/* From half of a key: what the words of a pair of states share for 2**32 elements. */
static inline U32 rounding_salt(U64 key, U32 pair, U32 high)
{
    const U32 first = rounding_mix((U32)key + pair * ROUNDING_STEP);
    return rounding_mix(rounding_mix(first ^ (U32)(key >> 32)) + high);
}

/* `place` is the lower half of the element's number, times ROUNDING_STEP: a loop may add that. */
static inline U32 rounding_word(U32 place, U32 salt0, U32 salt1)
{
    U32 x = place ^ salt0;
    x = (x ^ x >> 16) * (U32)0x7feb352d;
    x = (x ^ x >> 15 ^ salt1) * (U32)0x846ca68b;
    return x ^ x >> 16;
}

/* `random` is below 2**16. Infinity has no lower half, so that only a NaN needs care. */
static inline U16 round_to_bfloat16(float value, U32 random)
{
    const U32 bits = AS_U32(value);
    const U32 rounded = (bits + random) >> 16;
    return (U16)((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x0040 : rounded);
}
