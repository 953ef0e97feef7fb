"""Sums of squares on a device, in the order of the host's, and scaling by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyopencl as cl

from ...dtypes import compute_of
from ...kernels.norm import ELEMENTS_OF_A_CHUNK, LANES_OF_A_CHUNK
from ...norms import total
from .arrays import record
from .checks import check, check_kernel
from .programs import kernel
from .text.heads import header
from .text.templates import STORAGE
from .traits import check_float64, traits_of

_SQUARE_SUMS = """\
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void square_sums(__global const {type} *restrict in, ulong from, ulong count,
                 double scale, __global double *restrict sums)
{{
    __local double lanes[{lanes}];
    const ulong begin = get_group_id(0) * (ulong){chunk};
    const ulong end = min(begin + {chunk}, count);
    in += from;
    for (uint lane = get_local_id(0); lane < {lanes}; lane += GROUP) {{
        double sum = 0.0;
        for (ulong i = begin + lane; i < end; i += {lanes}) {{
            const double value = scale * {load};
            sum += value * value;
        }}
        lanes[lane] = sum;
    }}
    barrier(CLK_LOCAL_MEM_FENCE);
    if (get_local_id(0) == 0) {{
        for (uint width = {lanes} / 2; width > 0; width /= 2)
            for (uint lane = 0; lane < width; ++lane)
                lanes[lane] += lanes[lane + width];
        sums[get_group_id(0)] = lanes[0];
    }}
}}
"""

_SCALE = """\
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void scale(__global {type} *restrict out, ulong to, ulong count, REAL factor)
{{
    const ulong begin = get_group_id(0) * (ulong)PART;
    const ulong end = min(begin + PART, count);
    out += to;
    for (ulong i = begin + get_local_id(0); i < end; i += GROUP) {{
        const REAL value = {load} * factor;
        {store}
    }}
}}
"""


def square_sum(array: Any, scale: float = 1.0) -> float:
    """Return the sum of the squares, in double and in an order of its own.

    Every element is multiplied by `scale` before, in double too. It waits for the device, and
    takes one number for every 4,096 elements from there.
    """
    array = check(array, "array", written=False)
    check_kernel(array, "array", written=False)
    queue, storage = array.queue, array.dtype.name
    check_float64(queue.device, "the sum of squares")
    if not array.size:
        return 0.0
    traits = traits_of(queue.device)

    def text() -> str:
        form = STORAGE[storage]
        body = _SQUARE_SUMS.format(
            type=form.type,
            load=form.load.format(p="in"),
            chunk=ELEMENTS_OF_A_CHUNK,
            lanes=LANES_OF_A_CHUNK,
        )
        return header(traits, "float64") + body

    groups = -(-array.size // ELEMENTS_OF_A_CHUNK)
    sums = cl.Buffer(queue.context, cl.mem_flags.WRITE_ONLY, 8 * groups)
    number = np.uint64
    run = kernel(queue, storage, text, "square_sums", [None, number, number, np.float64, None])
    offset = array.offset // array.dtype.itemsize
    given = array.base_data, offset, array.size, scale, sums
    work = (groups * traits.group,), (traits.group,)
    done = run(queue, *work, *given, wait_for=array.events or None)
    result = np.empty(groups)
    cl.enqueue_copy(queue, result, sums, wait_for=[done])
    return total(result)


def scale(array: Any, factor: float) -> None:
    """Multiply every element by `factor`, in the compute type."""
    array = check(array, "array")
    check_kernel(array, "array")
    queue, storage = array.queue, array.dtype.name
    if not array.size:
        return
    traits = traits_of(queue.device)
    real = compute_of(storage)

    def text() -> str:
        form = STORAGE[storage]
        store = form.store.format(p="out", value="value")
        body = _SCALE.format(type=form.type, load=form.load.format(p="out"), store=store)
        return header(traits, real.name) + body

    number = np.uint64
    run = kernel(queue, storage, text, "scale", [None, number, number, real])
    offset = array.offset // array.dtype.itemsize
    with np.errstate(over="ignore"):
        given = array.base_data, offset, array.size, real.type(factor)
    work = (-(-array.size // traits.part) * traits.group,), (traits.group,)
    done = run(queue, *work, *given, wait_for=array.events or None)
    record(done, queue, [array])
