/* States in 8 bits, in the subset that C and OpenCL C share: equal bits from both.
 *
 * A state is a row of blocks, each of 256 elements, the last of what is left. A block is its scale, which
 * is the largest magnitude in it, as the four bytes of a float32 with the lowest first, and then a code
 * for each element: what part of the scale it is. Where no element is below 0 a code has 8 bits, else a
 * sign and 7; the sign of the scale says which. The parts are floating-point numbers with three binary
 * digits behind the point, up to 1:
 *
 *     without a sign   0, and from 1.25 * 2**-32 on; what is above 0 stays so
 *     with a sign      from 2**-15 on, and below that in seven equal steps down to 0
 *
 * So a code is a piece out of the bits of a float32, and is rounded as rounding.h rounds to bfloat16:
 * random bits are added to the digits that are cut off. A scale of NaN says that an element was NaN or
 * infinite: all are NaN then. weightopt_core/backends/cpu/quantized.py is the same in NumPy.
 *
 * Whoever includes this defines U32, AS_U32 and AS_F32 for float.
 */

#define QUANTIZED_BLOCK 256
#define QUANTIZED_SCALE 4 /* bytes */
/* Of so many elements; and where element `count` begins, if that begins a block. */
#define QUANTIZED_BYTES(count) \
    ((count) + ((count) + QUANTIZED_BLOCK - 1) / QUANTIZED_BLOCK * QUANTIZED_SCALE)
#define QUANTIZED_NAN (U32)0x7fc00000

/* The places of the codes 0 among the bits of float32 numbers, whose codes are 2**20 apart. */
#define UNSIGNED_ZERO ((U32)761 << 20)
#define SIGNED_ZERO ((U32)889 << 20)
/* Below 2**-15, and so below this code, steps are equal. */
#define SIGNED_STEPS 7
#define SIGNED_LEAST 3.0517578125e-5f

/* Half of a random word, for the 20 digits that are cut off. What division has moved by some units, but
 * is representable, keeps its code. */
static inline U32 quantized_digits(U32 random)
{
    return (random & 0xffff) << 4 | 8;
}

/* The code of an element of that magnitude, at most that of the scale, which is above 0. */
static inline U32 quantize_unsigned(U32 magnitude, float scale, U32 digits)
{
    const U32 bits = AS_U32(AS_F32(magnitude) / scale);
    const U32 least = UNSIGNED_ZERO + ((U32)1 << 20);
    const U32 place = (bits > least ? bits : least) - UNSIGNED_ZERO;
    return magnitude == 0 ? 0 : (place + digits) >> 20;
}

/* The same, of an element with those bits. */
static inline U32 quantize_signed(U32 element, float scale, U32 digits)
{
    const float part = AS_F32(element & 0x7fffffff) / scale;
    const float low = part < SIGNED_LEAST ? part : SIGNED_LEAST;
    const U32 linear = (U32)(int)(low * 240518168576.0f); /* 2**20 for each of its steps */
    const U32 place = part < SIGNED_LEAST ? linear : AS_U32(part) - SIGNED_ZERO;
    return (place + digits) >> 20 | (element >> 24 & 0x80);
}

static inline float dequantize_unsigned(U32 code, float scale)
{
    return AS_F32(code == 0 ? 0 : UNSIGNED_ZERO + (code << 20)) * scale;
}

static inline float dequantize_signed(U32 code, float scale)
{
    const U32 size = code & 0x7f;
    const float linear = (float)(int)size * 4.359654212748865e-6f; /* 2**-15 / 7 */
    const U32 part = size < SIGNED_STEPS ? AS_U32(linear) : SIGNED_ZERO + (size << 20);
    return AS_F32(part | (code & 0x80) << 24) * scale;
}
