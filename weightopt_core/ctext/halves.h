/* Between one 16-bit element and float32, in the subset that C and OpenCL C share: exact one way, to
 * nearest even the other. No branches, so that loops are vectorised.
 *
 * Whoever includes this defines U16, U32, AS_U32 and AS_F32 for float; and REBIASED(magnitude), the
 * bits of a finite float16 number whose own, without the sign, begin where those of a float32 do.
 */

static inline float from_bfloat16(U16 stored)
{
    return AS_F32((U32)stored << 16);
}

static inline U16 to_bfloat16(float value)
{
    const U32 bits = AS_U32(value);
    const U32 rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return (U16)(value != value ? (bits >> 16) | 0x0040 : rounded);
}

static inline float from_float16(U16 stored)
{
    const U32 magnitude = (U32)(stored & 0x7fff) << 13;
    const U32 finite = REBIASED(magnitude);
    const U32 bits = (stored & 0x7c00) == 0x7c00 ? magnitude | 0x7f800000 : finite;
    return AS_F32(bits | (U32)(stored & 0x8000) << 16);
}

static inline U16 to_float16(float value)
{
    const U32 sign = AS_U32(value) & 0x80000000;
    const U32 bits = AS_U32(value) ^ sign;
    const U32 normal = (bits - 0x38000000 + 0x0fff + ((bits >> 13) & 1)) >> 13;
    /* One unit in the last place of 1/2 is the smallest denormal number: the sum rounds to it. */
    const U32 denormal = AS_U32(AS_F32(bits) + 0.5f) - 0x3f000000;
    const U32 finite = bits < 0x38800000 ? denormal : normal;
    const U32 large = bits > 0x7f800000 ? 0x7e00 : 0x7c00;
    return (U16)((bits < 0x477ff000 ? finite : large) | sign >> 16);
}
