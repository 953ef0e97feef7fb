"""OpenCL C text of the first pass of a rule with reductions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .... import ctext
from ....kernels import reduction
from ..traits import Traits
from .elements import loads, pointers, scalars_of
from .heads import header
from .quantized_source import loading_text
from .slots import tensor_texts
from .templates import FORMS, ROUNDED_INT8

_DOUBLE = """\
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double SUM;
#define ZERO 0.0

static inline SUM joined(uint step, SUM one, SUM other)
{
    if (step == MAGNITUDES)
        return other > one || other != other ? other : one;
    return one + other;
}

static inline SUM made_of(uint step, REAL x, REAL scale)
{
    const double value = (double)x * (double)scale;
    return step == SQUARES ? value * value : step == MAGNITUDES ? fabs(value) : value;
}
"""

# The bits of a double, for devices without. What is made of a float is exact, and far from the ends
# of the range, as sums are. So adding takes shifts and one rounding to nearest even: three bits
# more, of which the last one says whether anything was cut off. No sum of zeros is negative.
_SOFT = """\
typedef ulong SUM;
#define ZERO 0ul
#define NEGATIVE (1ul << 63)
#define INFINITE (0x7fful << 52)
#define UNIT (1ul << 52)

static inline SUM joined(uint step, SUM one, SUM other)
{
    const ulong a = one & ~NEGATIVE, b = other & ~NEGATIVE;
    const ulong large = max(a, b), small = min(a, b);
    const ulong opposite = (one ^ other) & NEGATIVE;
    ulong sign = (a == large ? one : other) & NEGATIVE;
    if (step == MAGNITUDES)
        return large;
    if (large == INFINITE && small == INFINITE && opposite)
        return INFINITE | UNIT >> 1;
    if (large >= INFINITE || small == 0)
        return sign | large;
    ulong exponent = large >> 52;
    const ulong shift = exponent - (small >> 52);
    const ulong part = ((small & (UNIT - 1)) | UNIT) << 3;
    const ulong lost = (shift < 56 ? part & ((1ul << shift) - 1) : part) != 0;
    ulong sum = ((large & (UNIT - 1)) | UNIT) << 3, added = shift < 56 ? part >> shift : 0;
    sum = opposite ? sum - added - lost : sum + added;
    if (sum == 0)
        return 0;
    sum |= lost;
    if (sum >> 56) {
        sum = sum >> 1 | (sum & 1);
        ++exponent;
    } else {
        const ulong gone = clz(sum) - 8;
        sum <<= gone;
        exponent -= gone;
    }
    const ulong rest = sum & 7;
    sum = (sum >> 3) + (rest > 4 || (rest == 4 && (sum >> 3 & 1)));
    return sign | (((exponent - 1) << 52) + sum);
}

/* The scale is 1: squares of all floats are in the range of a double. */
static inline SUM made_of(uint step, REAL x, REAL scale)
{
    const uint bits = as_uint(x) & 0x7fffffff;
    const ulong sign = step == VALUES && as_uint(x) >> 31 ? NEGATIVE : 0;
    if (bits >= 0x7f800000)
        return bits > 0x7f800000 ? INFINITE | UNIT >> 1 : sign | INFINITE;
    const uint exponent = max(bits >> 23, 1u);
    ulong whole = bits >> 23 ? (bits & 0x7fffff) | 0x800000 : bits, power = exponent + 924;
    if (whole == 0)
        return 0;
    if (step == SQUARES) {
        whole *= whole;
        power = 2 * exponent + 774;
    }
    const ulong shift = clz(whole) - 11;
    return sign | (((power - shift) << 52) + (whole << shift));
}
"""

# A round at a time: its values by all work-items, then the running numbers, element i of the chunk
# in number i % LANES, each by one work-item. Beyond the end values are 0. A row of constants ends
# with the scale of each reduction.
_MEASURE = """
#define REDUCTIONS {reductions}
#define LANES {lanes}
#define ROWS 16
#define ROUND (LANES * ROWS)
#define MEASURED {chunk}

__constant uint steps[REDUCTIONS] = {{{steps}}};
{slot}
static inline void measure_part({pointers}, ulong begin, ulong end{constants},
                                __global const REAL *scales, __local REAL *values,
                                __local SUM *sums)
{{
    for (uint j = get_local_id(0); j < REDUCTIONS * LANES; j += GROUP)
        sums[j] = ZERO;
    for (ulong first = begin; first < end; first += ROUND) {{
        const uint count = (uint)min(end - first, (ulong)ROUND);
        for (uint j = get_local_id(0); j < count; j += GROUP) {{
            const ulong i = first + j;
{element}
        }}
        for (uint j = count + get_local_id(0); j < ROUND; j += GROUP)
            for (uint which = 0; which < REDUCTIONS; ++which)
                values[which * ROUND + j] = 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint which = 0; which < REDUCTIONS; ++which) {{
            const uint step = steps[which];
            for (uint row = 0; row < ROWS; ++row)
                for (uint lane = get_local_id(0); lane < LANES; lane += GROUP) {{
                    __local SUM *sum = sums + which * LANES + lane;
                    const REAL value = values[which * ROUND + row * LANES + lane];
                    *sum = joined(step, *sum, made_of(step, value, scales[which]));
                }}
        }}
        barrier(CLK_LOCAL_MEM_FENCE);
    }}
}}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void many_measures(ulong first, __global const uint *restrict begins,
                   __global const uint2 *restrict parts, __global const ulong *restrict rows,
                   __global const REAL *restrict constants, __global SUM *restrict out
                   {parameters})
{{
    __local REAL values[REDUCTIONS * ROUND];
    __local SUM sums[REDUCTIONS * LANES];
    const ulong group = first + get_group_id(0);
    for (uint at = begins[group]; at < begins[group + 1]; ++at) {{
        const uint2 part = parts[at];
        __global const ulong *restrict row = rows + (ulong)part.x * {width};
        const ulong length = {constants_given} + REDUCTIONS;
        __global const REAL *restrict k = constants + part.x * length;
        const ulong begin = part.y * (ulong)MEASURED;
        measure_part({chosen}, begin, min(begin + MEASURED, row[{last}]){constant_values},
                     k + {constants_given}, values, sums);
        for (uint which = get_local_id(0); which < REDUCTIONS; which += GROUP) {{
            __local SUM *lanes = sums + which * LANES;
            for (uint width = LANES / 2; width > 0; width /= 2)
                for (uint lane = 0; lane < width; ++lane)
                    lanes[lane] = joined(steps[which], lanes[lane], lanes[lane + width]);
            out[(ulong)at * REDUCTIONS + which] = lanes[0];
        }}
        barrier(CLK_LOCAL_MEM_FENCE);
    }}
}}
"""


def measure_text(rule: Any, storages: Sequence[str], traits: Traits, dtype: str, slots: int) -> str:
    """Return the program that reduces by chunks what the reductions of one rule are of.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        With reductions.
    storages, traits, dtype, slots
        As for `rule_text`.
    """
    lowered = rule.lowered
    types = [f"__global const {FORMS[storage].type}" for storage in storages]
    inputs = loads(storages)[: len(lowered.arrays)]
    constants = scalars_of(storages, lowered.scalars[: len(lowered.constants)])
    outputs = [f"values[{i} * ROUND + j]" for i in range(len(lowered.reductions))]
    text = _MEASURE.format(
        reductions=len(lowered.reductions),
        steps=", ".join(str(one.step) for one in lowered.reductions),
        lanes=reduction.LANES_OF_A_CHUNK,
        chunk=reduction.ELEMENTS_OF_A_CHUNK,
        pointers=", ".join(f"{t} *RESTRICT {n}" for t, n in zip(types, pointers(storages))),
        constants="".join(f", REAL {name}" for name in constants),
        element="\n".join(" " * 12 + line for line in lowered.measure(inputs, outputs)),
        **tensor_texts([f"({t} *)" for t in types], slots),
        constants_given=len(constants),
        constant_values="".join(f", k[{i}]" for i in range(len(constants))),
    )
    preamble = ctext.text("preamble.h")
    names = "SQUARES", "VALUES", "MAGNITUDES"
    steps = "\n".join(f"#define {name} {getattr(reduction, name)}" for name in names)
    sums = _DOUBLE if traits.float64 else _SOFT
    quantized = loading_text() if ROUNDED_INT8 in storages else ""
    return "\n".join([header(traits, dtype), preamble, quantized, steps, sums, text])
