"""Kernels as Python calls them: what does not fit is refused, and nothing has changed."""

import numpy as np
import pytest

from weightopt_core.kernels import random_fill, reduction

CHUNK = reduction.ELEMENTS_OF_A_CHUNK


@pytest.mark.parametrize(
    ("step", "count", "message"),
    [
        (-1, 2, "step: expected 0 to 2, got -1"),
        (3, 2, "step: expected 0 to 2, got 3"),
        (reduction.SQUARES, 1, f"chunks: expected one for each {CHUNK} values, got 1"),
        (reduction.SQUARES, 3, f"chunks: expected one for each {CHUNK} values, got 3"),
    ],
)
def test_chunks_of_a_reduction(step, count, message):
    values, chunks = np.ones(CHUNK + 1, np.float32), np.full(count, 7.0)
    with pytest.raises(ValueError, match=message):
        reduction.reduce_chunks(values, False, step, 1.0, chunks, 1)
    assert (chunks == 7.0).all()


@pytest.mark.parametrize(("dtype", "fits"), [(np.float32, 4), (np.float64, 2)])
@pytest.mark.parametrize("more", [-1, 1])
def test_room_for_normal_numbers(dtype, fits, more):
    out = np.full(fits + more, 7.0, dtype)
    with pytest.raises(ValueError, match=f"out: expected {fits} elements, got {fits + more}"):
        random_fill.convert_normal(np.zeros(2, np.uint64), out)
    assert (out == 7.0).all()
