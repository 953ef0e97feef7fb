"""OpenCL C text of the first pass of a rule with norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .... import ctext
from ....kernels.norm import ELEMENTS_OF_A_CHUNK, LANES_OF_A_CHUNK
from ..traits import Traits
from .elements import loads, pointers
from .heads import header
from .slots import tensor_texts
from .templates import FORMS

_DOUBLE = """\
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double SUM;
#define ZERO 0.0

static inline SUM add(SUM a, SUM b)
{
    return a + b;
}

static inline SUM square_of(REAL x, REAL scale)
{
    const double scaled = (double)x * (double)scale;
    return scaled * scaled;
}
"""

# The bits of a double, for devices without. The square of a float is exact, and what is added is
# never below 0, so a sum needs no more than shifts and one rounding to nearest even.
_SOFT = """\
typedef ulong SUM;
#define ZERO 0ul

static inline SUM add(SUM a, SUM b)
{
    const ulong large = max(a, b), small = min(a, b), one = 1ul << 52;
    if (large >= 0x7fful << 52 || small == 0)
        return large;
    ulong exponent = large >> 52;
    const ulong shift = exponent - (small >> 52);
    const ulong part = ((small & (one - 1)) | one) << 3;
    const ulong lost = shift < 56 ? part & ((1ul << shift) - 1) : part;
    ulong sum = (((large & (one - 1)) | one) << 3) + (shift < 56 ? part >> shift : 0);
    sum |= lost != 0;
    if (sum >> 56) {
        sum = sum >> 1 | (sum & 1);
        ++exponent;
    }
    const ulong rest = sum & 7;
    sum = (sum >> 3) + (rest > 4 || (rest == 4 && (sum >> 3 & 1)));
    return ((exponent - 1) << 52) + sum;
}

/* Squares of all floats are in the range of a double, and the scale is 1. */
static inline SUM square_of(REAL x, REAL scale)
{
    const uint bits = as_uint(x) & 0x7fffffff;
    if (bits >= 0x7f800000)
        return bits > 0x7f800000 ? 0x7ff8ul << 48 : 0x7fful << 52;
    const uint exponent = max(bits >> 23, 1u);
    const ulong root = bits >> 23 ? (bits & 0x7fffff) | 0x800000 : bits;
    if (root == 0)
        return 0;
    const ulong square = root * root, shift = clz(square) - 11;
    return ((2 * exponent + 774 - shift) << 52) + (square << shift);
}
"""

# A round at a time: its values by all work-items, then the running sums of squares, element i of
# the chunk in number i % LANES, each by one work-item. Beyond the end squares are 0. A row of
# constants ends with the scale of each norm.
_MEASURE = """
#define NORMS {norms}
#define LANES {lanes}
#define ROWS 16
#define ROUND (LANES * ROWS)
#define MEASURED {chunk}
{slot}
static inline void measure_part({pointers}, ulong begin, ulong end{constants},
                                __global const REAL *scales, __local REAL *values,
                                __local SUM *sums)
{{
    for (uint j = get_local_id(0); j < NORMS * LANES; j += GROUP)
        sums[j] = ZERO;
    for (ulong first = begin; first < end; first += ROUND) {{
        const uint count = (uint)min(end - first, (ulong)ROUND);
        for (uint j = get_local_id(0); j < count; j += GROUP) {{
            const ulong i = first + j;
{element}
        }}
        for (uint j = count + get_local_id(0); j < ROUND; j += GROUP)
            for (uint norm = 0; norm < NORMS; ++norm)
                values[norm * ROUND + j] = 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint norm = 0; norm < NORMS; ++norm)
            for (uint row = 0; row < ROWS; ++row)
                for (uint lane = get_local_id(0); lane < LANES; lane += GROUP) {{
                    __local SUM *sum = sums + norm * LANES + lane;
                    const REAL value = values[norm * ROUND + row * LANES + lane];
                    *sum = add(*sum, square_of(value, scales[norm]));
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
    __local REAL values[NORMS * ROUND];
    __local SUM sums[NORMS * LANES];
    const ulong group = first + get_group_id(0);
    for (uint at = begins[group]; at < begins[group + 1]; ++at) {{
        const uint2 part = parts[at];
        __global const ulong *restrict row = rows + (ulong)part.x * {width};
        __global const REAL *restrict k = constants + (ulong)part.x * ({constants_given} + NORMS);
        const ulong begin = part.y * (ulong)MEASURED;
        measure_part({chosen}, begin, min(begin + MEASURED, row[{last}]){constant_values},
                     k + {constants_given}, values, sums);
        for (uint norm = get_local_id(0); norm < NORMS; norm += GROUP) {{
            __local SUM *lanes = sums + norm * LANES;
            for (uint width = LANES / 2; width > 0; width /= 2)
                for (uint lane = 0; lane < width; ++lane)
                    lanes[lane] = add(lanes[lane], lanes[lane + width]);
            out[(ulong)at * NORMS + norm] = lanes[0];
        }}
        barrier(CLK_LOCAL_MEM_FENCE);
    }}
}}
"""


def measure_text(rule: Any, storages: Sequence[str], traits: Traits, dtype: str, slots: int) -> str:
    """Return the program that sums the squares of what the norms of one rule are of.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        With norms.
    storages, traits, dtype, slots
        As for `rule_text`.
    """
    lowered = rule.lowered
    types = [f"__global const {FORMS[storage].type}" for storage in storages]
    inputs = loads(storages)[: len(lowered.arrays)]
    constants = lowered.scalars[: len(lowered.constants)]
    outputs = [f"values[{i} * ROUND + j]" for i in range(len(lowered.norms))]
    text = _MEASURE.format(
        norms=len(lowered.norms),
        lanes=LANES_OF_A_CHUNK,
        chunk=ELEMENTS_OF_A_CHUNK,
        pointers=", ".join(f"{t} *RESTRICT {n}" for t, n in zip(types, pointers(storages))),
        constants="".join(f", REAL {name}" for name in constants),
        element="\n".join(" " * 12 + line for line in lowered.measure(inputs, outputs)),
        **tensor_texts([f"({t} *)" for t in types], slots),
        constants_given=len(constants),
        constant_values="".join(f", k[{i}]" for i in range(len(constants))),
    )
    preamble = ctext.text("preamble.h")
    sums = _DOUBLE if traits.float64 else _SOFT
    return "\n".join([header(traits, dtype), preamble, sums, text])
