"""OpenCL C text that looks for infinities and NaN, by their bits alone."""

from __future__ import annotations

from ....dtypes import STORAGE
from ..traits import Traits
from .heads import header

#: What an element is read as, by its size.
_WORDS = {2: "ushort", 4: "uint", 8: "ulong"}

_NONFINITE = """\
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void nonfinite(__global const {word} *restrict in, ulong from, ulong count, ulong part,
               __global uint *restrict found)
{{
    __local uint any;
    const ulong begin = get_group_id(0) * part;
    const ulong end = min(begin + part, count);
    uint own = 0;
    in += from;
    if (get_local_id(0) == 0)
        any = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (ulong i = begin + get_local_id(0); i < end; i += GROUP)
        own |= (in[i] & {exponent}) == {exponent};
    if (own)
        atomic_or(&any, 1u);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (get_local_id(0) == 0)
        found[get_group_id(0)] = any;
}}
"""


def finite_text(storage: str, traits: Traits) -> str:
    """Return the program for one storage type; no float64 takes part."""
    form = STORAGE[storage]
    text = _NONFINITE.format(word=_WORDS[form.itemsize], exponent=f"{form.exponent:#x}ul")
    return header(traits, "float32") + text
