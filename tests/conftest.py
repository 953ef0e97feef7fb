import contextlib

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.testing import arrays


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(20170801)


@pytest.fixture
def isolated():
    """Forget afterwards what is registered."""
    with contextlib.ExitStack() as stack:
        for module in (mx.optimizer, mx.init, mx.lr_scheduler):
            stack.enter_context(module.registry.isolated())
        yield


@pytest.fixture(autouse=True)
def seeded():
    mx.random.seed(0)


@pytest.fixture
def wild(rng):
    """Return numbers over 35 orders of magnitude, special values among them."""
    return lambda size, dtype: arrays.wild(rng, size, dtype)
