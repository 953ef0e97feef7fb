/* Random numbers in the subset that C and OpenCL C share: equal bits from both.
 *
 * Element i of a draw depends on the key and on i alone. Philox 4x64-10 (Salmon et al., 2011,
 * https://doi.org/10.1145/2063384.2063405) turns block i into four 64-bit words, as
 * numpy.random.Philox does. A float64 value is made from one word, a float32 value from half of
 * one, the low half first.
 *
 * uniform: the upper 24 or 53 bits of the word, in [0, 1); what numpy.random.Generator makes.
 * normal: the inverse normal distribution function at (word + 1/2) / 2**32 or 2**64, by algorithm
 *   AS241 (Wichura, 1988, https://doi.org/10.2307/2347330). So ~word gives the negated value, none
 *   is 0, and the largest are 6.34 and 9.16. Largest error: float32 1.44e-6, of all words; float64
 *   7.1e-16 of the value, of 400,000 words.
 *
 * Whoever includes this defines U32 and U64; MULTIPLY(high, low, a, b), a statement that stores the
 * product of two U64; AS_U32, AS_F32 and SQRT32 for float; and, where double exists, FLOAT64 and
 * AS_U64, AS_F64 and SQRT64. Nothing here may be contracted to fused operations.
 */

/* Powers of 2, by their exponents; not every compiler reads hexadecimal numbers with a point. */
#define TWO_M24F 5.9604644775390625e-8f
#define TWO_M32F 2.3283064365386962890625e-10f
#define TWO_M32 2.3283064365386962890625e-10
#define TWO_M53 1.1102230246251565404236316680908203125e-16
#define TWO_M64 5.42101086242752217003726400434970855712890625e-20
#define TWO_52 4503599627370496.0

#define PHILOX_ROUND                                         \
    MULTIPLY(high0, low0, (U64)0xD2E7470EE14C6C93, c0)       \
    MULTIPLY(high1, low1, (U64)0xCA5A826395121157, c2)       \
    c0 = high1 ^ c1 ^ key0;                                  \
    c1 = low1;                                               \
    c2 = high0 ^ c3 ^ key1;                                  \
    c3 = low0;                                               \
    key0 += (U64)0x9E3779B97F4A7C15;                         \
    key1 += (U64)0xBB67AE8584CAA73B;

/* Scalars throughout: Mesa's OpenCL compiler got rounds wrong that copied a struct. */
static inline void philox(U64 block, U64 key0, U64 key1, U64 *word0, U64 *word1, U64 *word2,
                          U64 *word3)
{
    U64 c0 = block + 1, c1 = 0, c2 = 0, c3 = 0;
    U64 high0, low0, high1, low1;
    PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND
    PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND
    *word0 = c0;
    *word1 = c1;
    *word2 = c2;
    *word3 = c3;
}

static inline float uniform_float32(U32 word)
{
    return (float)(int)(word >> 8) * TWO_M24F;
}

/* -log(p) for 0 < p < sqrt(1/2): exponent by bits, polynomial of Cephes' logf. */
static inline float minus_log_float32(float p)
{
    const U32 offset = AS_U32(p) - 0x3f3504f3; /* from sqrt(1/2), so that 1 + x is near 1 */
    const float halvings = (float)(512 - (int)(offset >> 23));
    const float x = AS_F32((offset & 0x007fffff) + 0x3f3504f3) - 1.0f;
    const float z = x * x;
    float y = 7.0376836292e-2f;
    y = y * x - 1.1514610310e-1f;
    y = y * x + 1.1676998740e-1f;
    y = y * x - 1.2420140846e-1f;
    y = y * x + 1.4249322787e-1f;
    y = y * x - 1.6668057665e-1f;
    y = y * x + 2.0000714765e-1f;
    y = y * x - 2.4999993993e-1f;
    y = y * x + 3.3333331174e-1f;
    y = y * x * z + 2.12194440e-4f * halvings - 0.5f * z;
    return 0.693359375f * halvings - (x + y);
}

/* Of a word and its complement the one below a half. */
static inline U32 lower_float32(U32 word)
{
    return word & 0x80000000 ? ~word : word;
}

static inline float signed_float32(float size, U32 word)
{
    return AS_F32(AS_U32(size) | (~word & 0x80000000));
}

/* PPND7: the size of a lower word's number, as top and bottom of a fraction. Its branch for the
 * outer tail is not needed: p is at least 2**-33. */
static inline float centre_float32(U32 lower, float *bottom)
{
    /* 1/2 - p, no cancelling. */
    const float q = ((float)(int)(lower ^ 0x7fffffff) + 0.5f) * TWO_M32F;
    const float r = 0.180625f - q * q;
    *bottom = ((6.7187563600e1f * r + 7.8757757664e1f) * r + 1.7895169469e1f) * r + 1.0f;
    return q *
           (((5.9109374720e1f * r + 1.5929113202e2f) * r + 5.0434271938e1f) * r + 3.3871327179e0f);
}

static inline float tail_float32(U32 lower, float *bottom)
{
    const float p = ((float)(int)lower + 0.5f) * TWO_M32F;
    const float s = SQRT32(minus_log_float32(p)) - 1.6f;
    *bottom = (1.2021132975e-1f * s + 7.3700164250e-1f) * s + 1.0f;
    return ((1.7023821103e-1f * s + 1.3067284816e0f) * s + 2.7568153900e0f) * s + 1.4234372777e0f;
}

/* Which lower words are of the tail: those whose q, as rounded, is above 0.425. */
#define IN_TAIL_FLOAT32(lower) ((lower) < 0x133332bf)

static inline float normal_float32(U32 word)
{
    const U32 lower = lower_float32(word);
    const int tail = IN_TAIL_FLOAT32(lower);
    float centre_bottom, tail_bottom;
    const float centre_top = centre_float32(lower, &centre_bottom);
    const float tail_top = tail_float32(lower, &tail_bottom);
    const float top = tail ? tail_top : centre_top;
    return signed_float32(top / (tail ? tail_bottom : centre_bottom), word);
}

#ifdef FLOAT64

/* An integer below 2**52, exactly; conversions of 64-bit integers are slow on many machines. */
static inline double integer_float64(U64 integer)
{
    return AS_F64(integer | (U64)0x4330000000000000) - TWO_52;
}

static inline double uniform_float64(U64 word)
{
    return integer_float64(word >> 32) * TWO_M32 + integer_float64((U32)word >> 11) * TWO_M53;
}

/* (integer + 1/2) / 2**64, rounded once. */
static inline double middle_float64(U64 integer)
{
    return integer_float64(integer >> 32) * TWO_M32 +
           (integer_float64((U32)integer) + 0.5) * TWO_M64;
}

/* -log(p) for 0 < p < sqrt(1/2): exponent by bits, rational function of Cephes' log. */
static inline double minus_log_float64(double p)
{
    const U64 sqrt_half = (U64)0x3fe6a09e667f3bcd;
    const U64 offset = AS_U64(p) - sqrt_half;
    const double halvings = 4096.0 - integer_float64(offset >> 52);
    const double x = AS_F64((offset & (U64)0x000fffffffffffff) + sqrt_half) - 1.0;
    const double z = x * x;
    double top = 1.01875663804580931796e-4, bottom = x + 1.12873587189167450590e1, y;
    top = top * x + 4.97494994976747001425e-1;
    top = top * x + 4.70579119878881725854e0;
    top = top * x + 1.44989225341610930846e1;
    top = top * x + 1.79368678507819816313e1;
    top = top * x + 7.70838733755885391666e0;
    bottom = bottom * x + 4.52279145837532221105e1;
    bottom = bottom * x + 8.29875266912776603211e1;
    bottom = bottom * x + 7.11544750618563894466e1;
    bottom = bottom * x + 2.31251620126765340583e1;
    y = x * (z * top / bottom) + 2.121944400546905827679e-4 * halvings - 0.5 * z;
    return 0.693359375 * halvings - (x + y);
}

#define HORNER(x, a, b, c, d, e, f, g, h) \
    (((((((((a) * x + (b)) * x + (c)) * x + (d)) * x + (e)) * x + (f)) * x + (g)) * x) + (h))

static inline U64 lower_float64(U64 word)
{
    return word & (U64)0x8000000000000000 ? ~word : word;
}

static inline double signed_float64(double size, U64 word)
{
    return AS_F64(AS_U64(size) | (~word & (U64)0x8000000000000000));
}

/* PPND16, likewise. */
static inline double centre_float64(U64 lower, double *bottom)
{
    /* 1/2 - p, no cancelling. */
    const double q = middle_float64(lower ^ (U64)0x7fffffffffffffff);
    const double r = 0.180625 - q * q;
    *bottom = HORNER(
        r, 5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
        2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
        4.2313330701600911252e1, 1.0);
    return q * HORNER(
        r, 2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
        4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
        1.3314166789178437745e2, 3.3871328727963666080e0);
}

static inline double tail_float64(U64 lower, double *bottom)
{
    const double root = SQRT64(minus_log_float64(middle_float64(lower)));
    const int outer = root > 5.0;
    const double s = root - (outer ? 5.0 : 1.6);
    *bottom = HORNER(
        s, outer ? 2.04426310338993978564e-15 : 1.05075007164441684324e-9,
        outer ? 1.42151175831644588870e-7 : 5.47593808499534494600e-4,
        outer ? 1.84631831751005468180e-5 : 1.51986665636164571966e-2,
        outer ? 7.86869131145613259100e-4 : 1.48103976427480074590e-1,
        outer ? 1.48753612908506148525e-2 : 6.89767334985100004550e-1,
        outer ? 1.36929880922735805310e-1 : 1.67638483018380384940e0,
        outer ? 5.99832206555887937690e-1 : 2.05319162663775882187e0, 1.0);
    return HORNER(
        s, outer ? 2.01033439929228813265e-7 : 7.74545014278341407640e-4,
        outer ? 2.71155556874348757815e-5 : 2.27238449892691845833e-2,
        outer ? 1.24266094738807843860e-3 : 2.41780725177450611770e-1,
        outer ? 2.65321895265761230930e-2 : 1.27045825245236838258e0,
        outer ? 2.96560571828504891230e-1 : 3.64784832476320460504e0,
        outer ? 1.78482653991729133580e0 : 5.76949722146069140550e0,
        outer ? 5.46378491116411436990e0 : 4.63033784615654529590e0,
        outer ? 6.65790464350110377720e0 : 1.42343711074968357734e0);
}

#define IN_TAIL_FLOAT64(lower) ((lower) < (U64)0x1333333333333200)

static inline double normal_float64(U64 word)
{
    const U64 lower = lower_float64(word);
    const int tail = IN_TAIL_FLOAT64(lower);
    double centre_bottom, tail_bottom;
    const double centre_top = centre_float64(lower, &centre_bottom);
    const double tail_top = tail_float64(lower, &tail_bottom);
    const double top = tail ? tail_top : centre_top;
    return signed_float64(top / (tail ? tail_bottom : centre_bottom), word);
}

#endif
