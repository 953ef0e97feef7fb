import numpy as np
import pytest

import weightopt_core as mx


@pytest.mark.parametrize("name", ["zero", "Zeros"])
def test_weights_are_0_and_the_rest_goes_by_name(name):
    init = mx.init.create(name)
    for parameter, value in {"fc1_weight": 0, "fc1_bias": 0, "bn_gamma": 1, "bn_beta": 0}.items():
        arr = np.full((2, 3), 7.0)
        init(parameter, arr)
        assert (arr == value).all()


def test_takes_no_arguments():
    assert mx.init.Zero().dumps() == '["zero", {}]'
    with pytest.raises(TypeError, match=r"Zero\(\) has no argument 'value'"):
        mx.init.Zero(value=1)
