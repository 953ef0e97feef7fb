"""Sums of squares on a device, in the order of the host's, and scaling by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyopencl as cl

from ...dtypes import compute_of
from ...kernels.reduction import ELEMENTS_OF_A_CHUNK, LANES_OF_A_CHUNK
from ...reductions import total_of
from .arrays import record
from .checks import check, check_kernel
from .launches import Ready, launch
from .programs import Kernels, kernel
from .text.heads import header
from .text.templates import STORAGE
from .traits import check_float64, traits_of

_SQUARE_SUMS = """\
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void square_sums(__global const {type} *restrict in, ulong from, ulong count,
                 double scale, __global double *restrict sums, ulong place)
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
        sums[place + get_group_id(0)] = lanes[0];
    }}
}}
"""

_SCALE = """\
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void scale(__global {type} *restrict out, ulong to, ulong count,
           __global const REAL *restrict factors, uint number)
{{
    const ulong begin = get_group_id(0) * (ulong)PART;
    const ulong end = min(begin + PART, count);
    out += to;
    for (ulong i = begin + get_local_id(0); i < end; i += GROUP) {{
        for (uint at = 0; at < number; ++at) {{
            const REAL value = {load} * factors[at];
            {store}
        }}
    }}
}}
"""


def square_sum(array: Any, scale: float = 1.0) -> float:
    """Return the sum of the squares, in double and in an order of its own.

    Every element is multiplied by `scale` before, in double too. It waits for the device, and
    takes one number for every 4,096 elements from there.
    """
    return square_sums([array], scale)[0]


def square_sums(arrays: Sequence[Any], scale: float = 1.0) -> list[float]:
    """Return what `square_sum` does for each of many arrays; each queue is waited for once."""
    own: dict[Any, list[int]] = {}
    checked = [check(array, "array", written=False) for array in arrays]
    for i, array in enumerate(checked):
        check_kernel(array, "array", written=False)
        check_float64(array.queue.device, "the sum of squares")
        if array.size:
            own.setdefault(array.queue, []).append(i)
    totals = [0.0] * len(arrays)
    for queue, places in own.items():
        found = _sums(queue, [checked[i] for i in places], scale)
        for i, sums in zip(places, found, strict=True):
            totals[i] = total_of(sums)
    return totals


def _sums(queue: cl.CommandQueue, arrays: Sequence[Any], scale: float) -> list[np.ndarray]:
    """Return the sums of the chunks of each array; none is empty, and all are of one queue."""
    groups = [-(-array.size // ELEMENTS_OF_A_CHUNK) for array in arrays]
    ends = np.cumsum(groups)
    result = np.empty(ends[-1])
    sums = cl.Buffer(queue.context, cl.mem_flags.WRITE_ONLY, result.nbytes)
    size = traits_of(queue.device).group
    done = []
    for array, number, end in zip(arrays, groups, ends.tolist()):
        offset = array.offset // array.dtype.itemsize
        given = array.base_data, offset, array.size, scale, sums, end - number
        run = _squares(queue, array.dtype.name)
        work = (number * size,), (size,)
        done.append(run(queue, *work, *given, wait_for=array.events or None))
    cl.enqueue_copy(queue, result, sums, wait_for=done)
    return np.split(result, ends[:-1])


def _squares(queue: cl.CommandQueue, storage: str) -> Kernels:
    """Return the kernels that sum the squares of elements stored so."""
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

    number = np.uint64
    types = [None, number, number, np.float64, None, number]
    return kernel(queue, storage, text, "square_sums", types)


def factors_in_step() -> int:
    """Return by how many numbers a step multiplies gradients: a kernel takes one."""
    return 1


def scale(arrays: Sequence[Any], factors: Sequence[float]) -> None:
    """Multiply every element of all arrays by each factor in turn, in the compute type.

    All launches are prepared first, and nothing keeps the others from following the first.
    """
    checked = [check(array, "array") for array in arrays]
    for array in checked:
        check_kernel(array, "array")
    filled = [array for array in checked if array.size]
    ready = [_scaling(i, array, factors) for i, array in enumerate(filled)]
    done = launch(ready)
    for event, array in zip(done, filled):
        record(event, array.queue, [array])


def _scaling(place: int, array: Any, factors: Sequence[float]) -> Ready:
    """Return the launch that scales one array."""
    queue, storage = array.queue, array.dtype.name
    traits = traits_of(queue.device)
    real = compute_of(storage)

    def text() -> str:
        form = STORAGE[storage]
        store = form.store.format(p="out", value="value")
        body = _SCALE.format(type=form.type, load=form.load.format(p="out"), store=store)
        return header(traits, real.name) + body

    word, number = np.uint32, np.uint64
    run = kernel(queue, storage, text, "scale", [None, number, number, None, word])
    with np.errstate(over="ignore"):
        rounded = np.array(factors).astype(real)
    flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
    given = cl.Buffer(queue.context, flags, hostbuf=rounded)
    offset = array.offset // array.dtype.itemsize
    arguments = array.base_data, offset, array.size, given, rounded.size
    one = run.take()
    one.set_args(*arguments)
    sizes = (-(-array.size // traits.part) * traits.group,), (traits.group,)
    launched = queue, one, *sizes, None, list(array.events) or None
    return Ready(run, one, launched, (place,), None, arguments)
