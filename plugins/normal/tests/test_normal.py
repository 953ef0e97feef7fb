import inspect

import numpy as np
import pytest

import weightopt_core as mx


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_mean_spread_and_tails(dtype):
    weight = np.empty((200, 300), dtype)
    mx.init.Normal(0.5, seed=1)("fc1_weight", weight)
    weight = weight.astype(float)
    assert abs(weight.mean()) < 0.01
    assert weight.std() == pytest.approx(0.5, rel=0.02)
    for sigmas, share in [(1, 0.6827), (2, 0.9545), (3, 0.9973)]:
        assert (abs(weight) < sigmas * 0.5).mean() == pytest.approx(share, abs=0.01)


def test_page_signature_and_dumps():
    parameters = inspect.signature(mx.init.Normal).parameters
    assert list(parameters) == ["sigma", "kwargs"]
    assert parameters["sigma"].default == 0.01
    assert mx.init.Normal(0.5).dumps() == '["normal", {"sigma": 0.5}]'


def test_sigma_0_gives_zeros():
    weight = np.full(5, 7.0)
    mx.init.Normal(0)("fc1_weight", weight)
    assert not weight.any()


def test_sigma_has_a_range():
    with pytest.raises(ValueError, match=r"sigma: expected a number in \[0, inf\), got -1"):
        mx.init.Normal(-1)
