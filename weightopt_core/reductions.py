"""Numbers made of whole arrays, whose bits depend neither on threads nor on devices.

Kernels make one number of each chunk of an array, in double, and what they make of the chunks is
joined here: added exactly and rounded once, or the largest of them. Where a sum is too large for a
double, or so small that squares have lost digits, the values are measured again, multiplied by a
power of two, which changes no digit of what decides the sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from . import threads
from .dtypes import STORAGE, storage_of
from .kernels import reduction

#: The least sum of squares that is as good as any: what 2**40 squares below the normal numbers of
#: double lose is less than its last digit.
LEAST = 2.0**-960
#: Between them these bring every sum, of squares too, of finite numbers into the range.
UP, DOWN = 2.0**600, 2.0**-600


def total_of(sums: Iterable[float]) -> float:
    """Return the sum of numbers, rounded once.

    Where it is too large it is infinite or NaN, and NaN if one of the numbers is NaN or if there
    are infinities of both signs.
    """
    sums = list(sums)
    try:
        return math.fsum(sums)
    except OverflowError:
        return math.nan if any(map(math.isnan, sums)) else math.inf
    except ValueError:  # infinities of both signs
        return math.nan


def largest_of(values: Iterable[float]) -> float:
    """Return the largest of numbers of at least 0; NaN if one is NaN, and 0 of none."""
    values = list(values)
    return math.nan if any(map(math.isnan, values)) else max(values, default=0.0)


class Reduction(NamedTuple):
    """One way to make a number of an array.

    Attributes
    ----------
    name : str
        What rules call it.
    step : int
        What kernels make of the elements of a chunk, one of `weightopt_core.kernels.reduction`.
    join : callable
        From the numbers of the chunks to that of the array.
    scale_for : callable
        From that number to what values in double are to be multiplied by and measured again;
        1 where it is as good as any.
    last : callable
        From that number, and how many elements there are, to the result times the scale.
    merge_known : callable
        From the results of parts of an array, none of them NaN, and how many elements each has, to
        that of all.
    """

    name: str
    step: int
    join: Callable[[Iterable[float]], float]
    scale_for: Callable[[float], float]
    last: Callable[[float, int], float]
    merge_known: Callable[[Sequence[float], Sequence[int]], float]

    def by(self, measure: Callable[[float], Iterable[float]], count: int) -> float:
        """Return the result for `count` values.

        Parameters
        ----------
        measure : callable
            It takes a factor, and returns the numbers of all parts of the values times that.
        count : int
            How many values there are.
        """
        joined, scale = self.join(measure(1.0)), 1.0
        if self.scale_for(joined) != 1.0:
            scale = self.scale_for(joined)
            joined = self.join(measure(scale))
        return self.last(joined, count) / scale

    def merge(self, results: Sequence[float], counts: Sequence[int]) -> float:
        """Return the result for an array of whose parts the results are known, rounded some times.

        Parameters
        ----------
        results : sequence of float
            Those of the parts.
        counts : sequence of int
            How many elements each part has.
        """
        return math.nan if any(map(math.isnan, results)) else self.merge_known(results, counts)

    def of(self, array: np.ndarray) -> float:
        """Return the result for an array of any shape."""
        return self.by(lambda scale: chunks_of(array, self.step, scale).tolist(), array.size)


def _scale_for_squares(square: float) -> float:
    return UP if square < LEAST else DOWN if square == math.inf else 1.0


def _scale_for_sum(value: float) -> float:
    # The sum of a chunk may be infinite, and then that of two NaN, where the whole one is not.
    return 1.0 if math.isfinite(value) else DOWN


NORM = Reduction(
    "norm",
    reduction.SQUARES,
    join=total_of,
    scale_for=_scale_for_squares,
    last=lambda square, _: math.sqrt(square),
    merge_known=lambda norms, _: math.hypot(*norms),
)
TOTAL = Reduction(
    "total",
    reduction.VALUES,
    join=total_of,
    scale_for=_scale_for_sum,
    last=lambda value, _: value,
    merge_known=lambda totals, _: total_of(totals),
)
MEAN = Reduction(
    "mean",
    reduction.VALUES,
    join=total_of,
    scale_for=_scale_for_sum,
    last=lambda value, count: value / count if count else 0.0,
    merge_known=lambda means, counts: total_of(
        mean * (count / sum(counts)) for mean, count in zip(means, counts, strict=True) if count
    ),
)
LARGEST = Reduction(
    "largest",
    reduction.MAGNITUDES,
    join=largest_of,
    scale_for=lambda _: 1.0,
    last=lambda value, _: value,
    merge_known=lambda values, _: largest_of(values),
)


def scales_of(
    reductions: Sequence[Reduction], parts: Sequence[np.ndarray], wide: Sequence[bool]
) -> np.ndarray | None:
    """Return by what the values of tensors are to be multiplied and measured again, if they are.

    Parameters
    ----------
    reductions : sequence of Reduction
        Those of a rule.
    parts : sequence of numpy.ndarray
        For each tensor a row for each of its chunks, with a number for each reduction.
    wide : sequence of bool
        Which tensors are computed in double; sums of others are all in its range.

    Returns
    -------
    numpy.ndarray or None
        A row for each tensor, with a factor for each reduction; None where all are 1.
    """
    if not any(wide):
        return None
    scales = np.array(
        [
            [
                one.scale_for(one.join(column)) if is_wide else 1.0
                for one, column in zip(reductions, part.T.tolist(), strict=True)
            ]
            for part, is_wide in zip(parts, wide, strict=True)
        ]
    )
    return None if (scales == 1.0).all() else scales


def results_of(
    reductions: Sequence[Reduction],
    parts: Sequence[np.ndarray],
    scales: np.ndarray | None,
    counts: Sequence[int],
) -> list[list[float]]:
    """Return for each tensor its results.

    Parameters
    ----------
    reductions, parts : sequence
        As in `scales_of`.
    scales : numpy.ndarray or None
        What it returned.
    counts : sequence of int
        How many elements each tensor has.
    """
    if scales is None and all(len(part) == 1 for part in parts):
        # The number of a single chunk is that of the array: most tensors of a long list are small.
        columns = np.concatenate(parts).T.tolist() if parts else []
        found = [
            [one.last(value, count) for value, count in zip(column, counts, strict=True)]
            for one, column in zip(reductions, columns, strict=True)
        ]
        return [list(row) for row in zip(*found)]
    rows = np.ones((len(parts), len(reductions))) if scales is None else scales
    return [
        [
            one.last(one.join(column), count) / scale
            for one, column, scale in zip(reductions, part.T.tolist(), row, strict=True)
        ]
        for part, row, count in zip(parts, rows.tolist(), counts, strict=True)
    ]


def chunks_of(array: np.ndarray, step: int, scale: float = 1.0) -> np.ndarray:
    """Return what kernels make of each chunk of an array of any shape, in double.

    All values are multiplied by `scale` before.
    """
    flat = np.ravel(array)
    storage = storage_of(flat.dtype) or "float64"
    if STORAGE[storage].itemsize == 2:
        flat = flat.view(np.uint16)
    else:
        flat = flat.astype(storage, copy=False)
    made = np.empty(-(-flat.size // reduction.ELEMENTS_OF_A_CHUNK))
    brain, count = storage == "bfloat16", threads.get_num_threads()
    reduction.reduce_chunks(flat, brain, step, scale, made, count)
    return made
