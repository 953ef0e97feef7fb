"""OpenCL C text of states in 8 bits: how a block of them is loaded and stored."""

from __future__ import annotations

from collections.abc import Sequence

from .... import ctext

QUANTIZED = """\
/* The bits of the scale of the block that holds element `i`. */
static inline uint scale_of(__global const uchar *state, ulong i)
{
    __global const uchar *at = state + QUANTIZED_BYTES(i / QUANTIZED_BLOCK * QUANTIZED_BLOCK);
    return at[0] | (uint)at[1] << 8 | (uint)at[2] << 16 | (uint)at[3] << 24;
}

static inline float dequantized(__global const uchar *state, ulong i)
{
    const uint bits = scale_of(state, i);
    const uint code = state[i + (i / QUANTIZED_BLOCK + 1) * QUANTIZED_SCALE];
    const float scale = as_float(bits & 0x7fffffff);
    return bits >> 31 ? dequantize_signed(code, scale) : dequantize_unsigned(code, scale);
}
"""

# What only who stores takes. A work-item that is alone shares nothing; over local memory that is
# used for two states PoCL's compiler crashes.
QUANTIZE = """\
#if GROUP > 1
#define SHARED __local
#define WAIT(what) barrier(what)
#else
#define SHARED __private
#define WAIT(what)
#endif

/* Store the block of a state from element `first` on, by all work-items of the group. */
static inline void quantize_block(__global uchar *state, ulong first, uint count,
                                  SHARED const float *kept, SHARED uint *found,
                                  uint salt0, uint salt1, uint shift)
{
    __global uchar *block = state + QUANTIZED_BYTES(first);
    uint largest = 0, negative = 0;
    for (uint i = get_local_id(0); i < count; i += GROUP) {
        const uint bits = as_uint(kept[i]), magnitude = bits & 0x7fffffff;
        largest = max(largest, magnitude);
        negative |= magnitude ? bits : 0;
    }
    found[get_local_id(0)] = largest | (negative & 0x80000000);
    WAIT(CLK_LOCAL_MEM_FENCE);
    largest = negative = 0;
    for (uint i = 0; i < GROUP; ++i) {
        largest = max(largest, found[i] & 0x7fffffff);
        negative |= found[i];
    }
    WAIT(CLK_LOCAL_MEM_FENCE);
    negative &= 0x80000000;
    const int is_nan = largest >= 0x7f800000;
    const uint bits = is_nan ? QUANTIZED_NAN : largest | negative;
    const float scale = as_float(largest);
    for (uint i = get_local_id(0); i < QUANTIZED_SCALE; i += GROUP)
        block[i] = (uchar)(bits >> 8 * i);
    for (uint i = get_local_id(0); i < count; i += GROUP) {
        const uint word = rounding_word((uint)(first + i) * ROUNDING_STEP, salt0, salt1);
        const uint digits = quantized_digits(word >> shift), element = as_uint(kept[i]);
        uint code = 0;
        if (largest && !is_nan)
            code = negative ? quantize_signed(element, scale, digits)
                            : quantize_unsigned(element & 0x7fffffff, scale, digits);
        block[QUANTIZED_SCALE + i] = (uchar)code;
    }
}
"""

# A block of the states at a time. All of it is read before any of it is written.
QUANTIZED_LOOP = """\
    for (ulong first = begin; first < end; first += QUANTIZED_BLOCK) {{
        const ulong last = min(first + QUANTIZED_BLOCK, end);
        {salts}
        WAIT(CLK_LOCAL_MEM_FENCE);
        for (ulong i = first + get_local_id(0); i < last; i += GROUP) {{
{element}
        }}
        WAIT(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
        {stores}
    }}"""
STORE_OF_STATE = """\
quantize_block({p}, first, (uint)(last - first), kept + {state} * QUANTIZED_BLOCK, found,
                       salt{pair}_0, salt{pair}_1, {shift});"""

#: What work-items of a group share.
KEPT = "SHARED float kept[{states} * QUANTIZED_BLOCK]; SHARED uint found[GROUP];"


def loading_text() -> str:
    """Return what loads states in 8 bits."""
    return ctext.text("quantized.h") + QUANTIZED


def storing_text() -> str:
    """Return what loads and stores them."""
    return loading_text() + QUANTIZE


def stores(pointers: Sequence[str]) -> str:
    """Return the statements that store a block of each state, given their pointers."""
    return "\n        ".join(
        STORE_OF_STATE.format(p=p, state=state, pair=state // 2, shift=16 * (state % 2))
        for state, p in enumerate(pointers)
    )
