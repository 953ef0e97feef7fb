"""OpenCL C text: of rules, of random fills, and of casts between storage types."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from .traits import Traits

_CORE = Path(__file__).parents[2]


class Storage(NamedTuple):
    """How elements lie in memory: C type, and how one is loaded and stored."""

    type: str
    load: str
    store: str


#: By dtype. 16-bit types are converted, because few devices compute with them; by bits, because
#: vload_half is a call that keeps PoCL from vectorising.
STORAGE = {
    "float16": Storage("ushort", "from_float16({p}[i])", "{p}[i] = to_float16({value});"),
    "bfloat16": Storage("ushort", "from_bfloat16({p}[i])", "{p}[i] = to_bfloat16({value});"),
    "float32": Storage("float", "{p}[i]", "{p}[i] = {value};"),
    "float64": Storage("double", "{p}[i]", "{p}[i] = {value};"),
}

_HEADER = """\
#pragma OPENCL FP_CONTRACT OFF
{extension}
#define REAL {real}
#define FN(name) name##_{dtype}
#define SQRT {sqrt}
#define FABS fabs
#define GROUP {group}
#define CHUNK {chunk}
#define APART {apart}

static inline float from_bfloat16(ushort value)
{{
    return as_float((uint)value << 16);
}}

static inline ushort to_bfloat16(float value)
{{
    const uint bits = as_uint(value);
    const uint rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return (ushort)((bits & 0x7fffffff) > 0x7f800000 ? (bits >> 16) | 0x0040 : rounded);
}}

/* No denormal float32 takes part, for some devices flush those. */
static inline float from_float16(ushort value)
{{
    const uint magnitude = (uint)(value & 0x7fff) << 13;
    const uint denormal = as_uint(as_float(magnitude + 0x38800000) - 0x1p-14f);
    const uint finite = magnitude < 0x00800000 ? denormal : magnitude + 0x38000000;
    const uint bits = magnitude >= 0x0f800000 ? magnitude | 0x7f800000 : finite;
    return as_float(bits | (uint)(value & 0x8000) << 16);
}}

static inline ushort to_float16(float value)
{{
    const uint sign = as_uint(value) & 0x80000000;
    const uint bits = as_uint(value) ^ sign;
    const uint normal = (bits - 0x38000000 + 0x0fff + ((bits >> 13) & 1)) >> 13;
    const uint denormal = as_uint(as_float(bits) + 0.5f) - 0x3f000000;
    const uint finite = bits < 0x38800000 ? denormal : normal;
    const uint large = bits > 0x7f800000 ? 0x7e00 : 0x7c00;
    return (ushort)((bits < 0x477ff000 ? finite : large) | sign >> 16);
}}
"""

_RANDOM = """\
#define U32 uint
#define U64 ulong
#define AS_U32 as_uint
#define AS_F32 as_float
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

_WORDS = "__local WORD words[WORDS];"

_LOOP = """\
    for (ulong i = begin + get_local_id(0); i < end; i += GROUP) {{
{element}
    }}"""

# A part of the noise at a time: its words are made first, so that the loop can be vectorised.
_NOISY_LOOP = """\
    for (ulong first = begin; first < end; first += WORDS) {{
        const ulong last = min(first + WORDS, end);
        make_words(words, first / PER_BLOCK, key0, key1);
        for (ulong i = first + get_local_id(0); i < last; i += GROUP) {{
{element}
        }}
    }}"""

_RULE = """\
static inline void run_part({pointers}, ulong begin, ulong end{parameters}{constants})
{{
{loop}
}}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void one_tensor({arguments}, ulong count{keys}{constants})
{{
    {words}
    const ulong begin = get_group_id(0) * (ulong)CHUNK;
    run_part({shifted}, begin, min(begin + CHUNK, count){key_names}{constant_names});
}}
"""

# groups: for each work-group its tensor and its chunk. rows: for each tensor the slot of each
# array's buffer, the offset of each in bytes, and the length.
_MANY = """
static inline __global uchar *slot(ulong number, {parameters})
{{
    return {tree};
}}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void many_tensors(ulong first, __global const uint2 *restrict groups,
                  __global const ulong *restrict rows, __global const REAL *restrict constants,
                  __global const ulong *restrict keys, {parameters})
{{
    const uint2 group = groups[first + get_group_id(0)];
    {words}
    __global const ulong *restrict row = rows + (ulong)group.x * {width};
    __global const REAL *restrict k = constants + (ulong)group.x * {row};
    __global const ulong *restrict key = keys + (ulong)group.x * 2;
    const ulong begin = group.y * (ulong)CHUNK;
    run_part({chosen}, begin, min(begin + CHUNK, row[{last}]){key_values}{constant_values});
}}
"""

_FILL = """\
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void fill(__global {type} *restrict out, ulong offset, ulong count, ulong key0, ulong key1,
          REAL shift, REAL scale)
{{
    __local WORD words[WORDS];
    const ulong begin = get_group_id(0) * (ulong)CHUNK;
    const ulong end = min(begin + CHUNK, count);
    out += offset;
    for (ulong first = begin; first < end; first += WORDS) {{
        const ulong last = min(first + WORDS, end);
        make_words(words, first / PER_BLOCK, key0, key1);
        for (ulong i = first + get_local_id(0); i < last; i += GROUP) {{
            const REAL value = shift + scale * {kind}_{dtype}(words[i - first]);
            {store}
        }}
    }}
}}
"""

_CAST = """\
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void cast(__global {to} *restrict out, ulong to, __global const {type} *restrict in, ulong from,
          ulong count)
{{
    const ulong begin = get_group_id(0) * (ulong)CHUNK;
    const ulong end = min(begin + CHUNK, count);
    out += to;
    in += from;
    for (ulong i = begin + get_local_id(0); i < end; i += GROUP) {{
        const REAL value = {load};
        {store}
    }}
}}
"""


def header(traits: Traits, dtype: str) -> str:
    """Return what every program begins with, for one compute type."""
    wide = dtype == "float64"
    return _HEADER.format(
        extension="#pragma OPENCL EXTENSION cl_khr_fp64 : enable" if wide else "",
        real="double" if wide else "float",
        dtype=dtype,
        sqrt=traits.sqrt[wide],
        group=traits.group,
        chunk=traits.chunk,
        apart=traits.apart,
    )


@lru_cache
def random_text(traits: Traits, dtype: str) -> str:
    """Return the generator of random numbers for one compute type."""
    wide = dtype == "float64"
    return _RANDOM.format(
        high=traits.high_product,
        float64="#define FLOAT64" if wide else "",
        text=(_CORE / "kernels" / "random.h").read_text("utf-8"),
        per_block=4 if wide else 8,
        word="ulong" if wide else "uint",
        split="\n        ".join(_split(wide)),
    )


def _split(wide: bool) -> list[str]:
    """Return statements that store the four words of a block, the low half of each first."""
    if wide:
        return [f"to[{i}] = {word};" for i, word in enumerate("abcd")]
    return [
        f"to[{2 * i}] = (uint){word}, to[{2 * i + 1}] = (uint)({word} >> 32);"
        for i, word in enumerate("abcd")
    ]


def rule_text(
    rule: Any, storages: Sequence[str], traits: Traits, dtype: str, slots: int | None
) -> str:
    """Return the program of one rule.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    storages : sequence of str
        The dtype of each array of the rule except noise, and, where the first is a master copy,
        that of the weight itself last.
    traits : Traits
        Of the device.
    dtype : str
        The compute type.
    slots : int or None
        How many buffers the kernel for many tensors takes; None for the kernel for one.
    """
    parts = [header(traits, dtype), (_CORE / "rule" / "preamble.h").read_text("utf-8")]
    if rule.draws:
        parts.append(random_text(traits, dtype))
    names = array_names(rule, storages)
    types = [STORAGE[storage].type for storage in storages]
    const = ["const " if name == "grad" else "" for name in names]
    count = len(rule.lowered.constants)
    typed = [f"__global {c}{t} *restrict {n}_p" for c, t, n in zip(const, types, names)]
    parts.append(
        _RULE.format(
            pointers=", ".join(text.replace("restrict", "APART") for text in typed),
            arguments=", ".join(f"{text}, ulong {n}_at" for text, n in zip(typed, names)),
            shifted=", ".join(f"{name}_p + {name}_at" for name in names),
            loop=(_NOISY_LOOP if rule.draws else _LOOP).format(
                element="\n".join(" " * 8 + line for line in _element(rule, names, storages, dtype))
            ),
            words=_WORDS if rule.draws else "",
            parameters=", ulong key0, ulong key1, __local WORD *words" if rule.draws else "",
            keys=", ulong key0, ulong key1" if rule.draws else "",
            key_names=", key0, key1, words" if rule.draws else "",
            constants="".join(f", REAL k{i}" for i in range(count)),
            constant_names="".join(f", k{i}" for i in range(count)),
        )
    )
    if slots is not None:
        casts = [f"(__global {c}{t} *)" for c, t in zip(const, types)]
        parts.append(_many_text(casts, count, rule.draws, slots))
    return "\n".join(parts)


def array_names(rule: Any, storages: Sequence[str]) -> list[str]:
    """Return names of the arrays that a kernel takes, in order."""
    names = list(rule.lowered.arrays[:-1] if rule.draws else rule.lowered.arrays)
    return names + ["mirror"] * (len(storages) - len(names))


def _element(rule: Any, names: list[str], storages: Sequence[str], dtype: str) -> list[str]:
    inputs = {n: STORAGE[s].load.format(p=f"{n}_p") for n, s in zip(names, storages)}
    if rule.draws:
        inputs[rule.lowered.arrays[-1]] = f"normal_{dtype}(words[i - first])"
    outputs = {name: f"{name}_new" for name in rule.lowered.written}
    lines = [f"REAL {', '.join(outputs.values())};", *rule.lowered.element(inputs, outputs)]
    outputs["mirror"] = outputs["weight"]
    for name, storage in zip(names, storages):
        if name in outputs:
            lines.append(STORAGE[storage].store.format(p=f"{name}_p", value=outputs[name]))
    return lines


def _many_text(casts: list[str], constants: int, draws: bool, slots: int) -> str:
    number = len(casts)
    buffers = ", ".join(f"b{i}" for i in range(slots))
    return _MANY.format(
        parameters=", ".join(f"__global uchar *b{i}" for i in range(slots)),
        tree=_tree(0, slots),
        width=2 * number + 1,
        last=2 * number,
        row=constants,
        chosen=", ".join(
            f"{cast}(slot(row[{i}], {buffers}) + row[{number + i}])" for i, cast in enumerate(casts)
        ),
        key_values=", key[0], key[1], words" if draws else "",
        words=_WORDS if draws else "",
        constant_values="".join(f", k[{i}]" for i in range(constants)),
    )


def _tree(low: int, high: int) -> str:
    """Return the choice of one of the buffers `low` to `high`: OpenCL has no table of pointers."""
    if high - low == 1:
        return f"b{low}"
    middle = (low + high) // 2
    return f"(number < {middle} ? {_tree(low, middle)} : {_tree(middle, high)})"


def fill_text(kind: str, storage: str, traits: Traits, dtype: str) -> str:
    """Return the program that fills with random numbers; `kind` is uniform or normal."""
    form = STORAGE[storage]
    store = form.store.format(p="out", value="value")
    text = _FILL.format(type=form.type, kind=kind, dtype=dtype, store=store)
    return "\n".join([header(traits, dtype), random_text(traits, dtype), text])


def cast_text(from_storage: str, to_storage: str, traits: Traits) -> str:
    """Return the program that casts to float32 or between 16-bit types and float32."""
    source, target = STORAGE[from_storage], STORAGE[to_storage]
    text = _CAST.format(
        type=source.type,
        to=target.type,
        load=source.load.format(p="in"),
        store=target.store.format(p="out", value="value"),
    )
    return "\n".join([header(traits, "float64" if "double" in text else "float32"), text])
