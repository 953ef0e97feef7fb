import numpy as np
import pytest

import weightopt_core as mx


@pytest.mark.parametrize("name", ["one", "Ones"])
def test_weights_are_1_and_the_rest_goes_by_name(name):
    init = mx.init.create(name)
    for parameter, value in {"fc1_weight": 1, "fc1_bias": 0, "bn_gamma": 1, "bn_beta": 0}.items():
        arr = np.full((2, 3), 7.0)
        init(parameter, arr)
        assert (arr == value).all()


def test_takes_no_arguments():
    assert mx.init.One().dumps() == '["one", {}]'
    with pytest.raises(TypeError, match=r"One\(\) has no argument 'value'"):
        mx.init.One(value=1)
