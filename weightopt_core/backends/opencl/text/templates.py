"""Templates of OpenCL C. How elements are stored, and the programs made of them."""

from __future__ import annotations

from typing import NamedTuple

from .... import dtypes
from ....dtypes import C_TYPES, HALVES


class Storage(NamedTuple):
    """How elements lie in memory: C type, and how one is loaded and stored."""

    type: str
    load: str
    store: str


def _stored(name: str) -> Storage:
    """Return how a storage type lies in memory.

    16-bit types are converted, because few devices compute with them; by bits, because vload_half
    is a call that keeps PoCL from vectorising.
    """
    if name in HALVES:
        return Storage("ushort", f"from_{name}({{p}}[i])", f"{{p}}[i] = to_{name}({{value}});")
    return Storage(C_TYPES[name].name, "{p}[i]", "{p}[i] = {value};")


#: By dtype.
STORAGE = {name: _stored(name) for name in dtypes.STORAGE}

#: How states are stored with ``state_dtype="bfloat16"``, and with ``"int8"``.
ROUNDED_BFLOAT16 = "bfloat16, rounded stochastically"
ROUNDED_INT8 = "int8, rounded stochastically"
#: By the option.
ROUNDED = {"bfloat16": ROUNDED_BFLOAT16, "int8": ROUNDED_INT8}
#: What the factor of gradients that are multiplied as they are read is called.
FACTOR = "wo_factor"


def scaled(name: str) -> str:
    """Return what a gradient of that dtype is called in `FORMS` where it is multiplied."""
    return f"{name}, multiplied"


def _scaled(name: str) -> Storage:
    """Return how such a gradient is read: each product is one that the array could hold."""
    stored = _stored(name)
    product = f"{stored.load} * {FACTOR}"
    load = f"from_{name}(to_{name}({product}))" if name in HALVES else f"({product})"
    return stored._replace(load=load)


#: All that arrays of a rule are stored in: dtypes, and the above.
FORMS = STORAGE | {
    **{scaled(name): _scaled(name) for name in STORAGE},
    ROUNDED_BFLOAT16: Storage(
        "ushort", "from_bfloat16({p}[i])", "{p}[i] = round_to_bfloat16({value}, {random});"
    ),
    # Elements of a block are kept until the largest of them is known.
    ROUNDED_INT8: Storage(
        "uchar",
        "dequantized({p}, i)",
        "kept[{state} * QUANTIZED_BLOCK + (uint)(i - first)] = {value};",
    ),
}

HEADER = """\
#pragma OPENCL FP_CONTRACT OFF
{extension}
#define REAL {real}
#define FN(name) name##_{dtype}
#define SQRT {sqrt}
#define FABS fabs
#define GROUP {group}
#define PART {part}
#define RESTRICT {restrict}

#define U16 ushort
#define U32 uint
#define U64 ulong
#define AS_U32 as_uint
#define AS_F32 as_float

/* No denormal float32 takes part, for some devices flush those. */
#define REBIASED(magnitude)                                            \
    (magnitude < 0x00800000                                            \
        ? as_uint(as_float(magnitude + 0x38800000) - 0x1p-14f)         \
        : magnitude + 0x38000000)
{halves}"""

RANDOM = """\
#define AS_U64 as_ulong
#define AS_F64 as_double
#define SQRT32 SQRT
#define SQRT64 SQRT
#define MULTIPLY(high, low, a, b) high = {high}; low = (a) * (b);
{float64}
{text}
#define PER_BLOCK {per_block}
#define BLOCKS 64
#define WORDS (PER_BLOCK * BLOCKS)
#define WORD {word}

/* The words that begin with a block, by all work-items of the group. */
static inline void make_words(__local WORD *words, ulong block, ulong key0, ulong key1)
{{
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = get_local_id(0); i < BLOCKS; i += GROUP) {{
        __local WORD *to = words + i * PER_BLOCK;
        ulong a, b, c, d;
        philox(block + i, key0, key1, &a, &b, &c, &d);
        {split}
    }}
    barrier(CLK_LOCAL_MEM_FENCE);
}}
"""

WORDS = "__local WORD words[WORDS];"

LOOP = """\
    for (ulong i = begin + get_local_id(0); i < end; i += GROUP) {{
{element}
    }}"""

# A part of the noise at a time: its words are made first, so that the loop can be vectorised.
NOISY_LOOP = """\
    for (ulong first = begin; first < end; first += WORDS) {{
        const ulong last = min(first + WORDS, end);
        make_words(words, first / PER_BLOCK, key0, key1);
        for (ulong i = first + get_local_id(0); i < last; i += GROUP) {{
{element}
        }}
    }}"""

# Elements whose numbers have the same upper half share what is made of the keys.
ROUNDED_LOOP = """\
    for (ulong first = begin; first < end;) {{
        const ulong last = min((first | 0xffffffff) + 1, end);
        {salts}
        for (ulong i = first + get_local_id(0); i < last; i += GROUP) {{
            {words}
{element}
        }}
        first = last;
    }}"""
SALTS = """\
const uint salt{pair}_0 = rounding_salt(key0, {pair}, (uint)(first >> 32));
        const uint salt{pair}_1 = rounding_salt(key1, {pair}, (uint)(first >> 32));"""
RANDOM_OF_PAIR = """\
const uint random{pair} =
                rounding_word((uint)i * ROUNDING_STEP, salt{pair}_0, salt{pair}_1);"""

RULE = """\
static inline void run_part({pointers}, ulong begin, ulong end{parameters}{constants})
{{
{loop}
}}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void one_tensor({arguments}, ulong count, ulong size{keys}{constants})
{{
    {words}
    const ulong begin = get_group_id(0) * size;
    run_part({shifted}, begin, min(begin + size, count){key_names}{constant_names});
}}
"""

# parts: for each part of a tensor the tensor and which of its parts. begins: for each work-group
# its first part. rows: for each tensor the slot or address of each array's buffer, the offset of
# each in bytes, and the length.
MANY = """
{slot}
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void many_tensors(ulong first, __global const uint *restrict begins,
                  __global const uint2 *restrict parts, __global const ulong *restrict rows,
                  __global const REAL *restrict constants, __global const ulong *restrict keys
                  {parameters})
{{
    {words}
    const ulong group = first + get_group_id(0);
    for (uint at = begins[group]; at < begins[group + 1]; ++at) {{
        const uint2 part = parts[at];
        __global const ulong *restrict row = rows + (ulong)part.x * {width};
        __global const REAL *restrict k = constants + (ulong)part.x * {row};
        __global const ulong *restrict key = keys + (ulong)part.x * 2;
        const ulong begin = part.y * (ulong)PART;
        run_part({chosen}, begin, min(begin + PART, row[{last}]){key_values}{constant_values});
    }}
}}
"""

# A buffer by its position among the arguments, as OpenCL has no table of pointers; or by its
# address.
SLOT_OF_TREE = """
#define slot(at) slot_of(at{buffers})

static inline __global uchar *slot_of(ulong at{parameters})
{{
    return {tree};
}}
"""
SLOT_OF_ADDRESS = """
#define slot(address) ((__global uchar *)(address))
"""
ADDRESSES = """\
__kernel void addresses(__global ulong *out{parameters})
{{
    {stores}
}}
"""

FILL = """\
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void fill(__global {type} *restrict out, ulong offset, ulong count, ulong key0, ulong key1,
          REAL shift, REAL scale, REAL bottom, REAL top)
{{
    __local WORD words[WORDS];
    const ulong begin = get_group_id(0) * (ulong)PART;
    const ulong end = min(begin + PART, count);
    out += offset;
    for (ulong first = begin; first < end; first += WORDS) {{
        const ulong last = min(first + WORDS, end);
        make_words(words, first / PER_BLOCK, key0, key1);
        for (ulong i = first + get_local_id(0); i < last; i += GROUP) {{
            const REAL drawn = shift + scale * {kind}_{dtype}(words[i - first]);
            const REAL raised = drawn < bottom ? bottom : drawn;
            const REAL value = raised > top ? top : raised;
            {store}
        }}
    }}
}}
"""

CAST = """\
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void cast(__global {to} *restrict out, ulong to, __global const {type} *restrict in, ulong from,
          ulong count)
{{
    const ulong begin = get_group_id(0) * (ulong)PART;
    const ulong end = min(begin + PART, count);
    out += to;
    in += from;
    for (ulong i = begin + get_local_id(0); i < end; i += GROUP) {{
        const REAL value = {load};
        {store}
    }}
}}
"""
