import sys
from pathlib import Path

import numpy as np
import pytest

import weightopt_core as mx

sys.path.insert(0, str(Path(__file__).parent))

#: Values that arithmetic treats in a special way: signed zeros, denormals, extremes, non-numbers.
SPECIAL = [0.0, -0.0, 1e-45, -1e-45, 1e-38, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan, 1.0, -1.0]


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(20170801)


@pytest.fixture(autouse=True)
def seeded():
    mx.random.seed(0)


@pytest.fixture
def wild(rng):
    """Return numbers over 35 orders of magnitude, special values among them."""

    def make(size, dtype):
        values = rng.normal(size=size) * 10.0 ** rng.integers(-32, 4, size)
        values[: len(SPECIAL)] = SPECIAL[:size]
        with np.errstate(over="ignore"):
            return values.astype(dtype)

    return make
