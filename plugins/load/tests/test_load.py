import inspect
import logging
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import weightopt_core as mx

GOLDEN = Path(__file__).parents[3] / "tests" / "golden" / "params"
ARRAYS = {
    "arg:fc1_weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "aux:bn_moving_mean": np.array([1.5, 2.5]),
    "argx": np.array([4]),
}


def fill(init, name, shape, dtype=np.float32):
    arr = np.full(shape, 7, dtype)
    init(name, arr)
    return arr


@pytest.mark.parametrize("make", [str, mx.InitDesc])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
def test_arrays_are_copied_by_name_and_cast(make, dtype):
    init = mx.init.Load(ARRAYS)
    assert fill(init, make("fc1_weight"), (2, 3), dtype).tolist() == [[0, 1, 2], [3, 4, 5]]
    mean = fill(init, make("bn_moving_mean"), (2,), dtype)
    assert mean.tolist() == ([1, 2] if dtype == np.int32 else [1.5, 2.5])
    assert fill(init, make("argx"), (1,), dtype).tolist() == [4]


def files(tmp_path):
    np.savez(tmp_path / "weights.npz", **ARRAYS)
    save_file(ARRAYS, tmp_path / "weights.safetensors")
    return [tmp_path / "weights.npz", str(tmp_path / "weights.safetensors")]


def test_files(tmp_path):
    for path in files(tmp_path):
        init = mx.init.Load(path)
        assert fill(init, "fc1_weight", (2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_file_of_mxnet():
    init = mx.init.Load(GOLDEN / "mx0.11.0.params")
    with np.load(GOLDEN / "mx0.11.0.npz") as archive:
        expected = archive["arg__fc1_weight"]
    np.testing.assert_array_equal(fill(init, "fc1_weight", (4, 3)), expected)


def test_of_two_arrays_that_share_a_name_the_later_counts():
    init = mx.init.Load({"arg:a": [1.0], "aux:a": [2.0]})
    assert init.param["a"].tolist() == [2.0]


def test_what_is_not_real_is_refused():
    raw = np.zeros(2, np.dtype((type("float16", (np.void,), {}), 2)))
    for wrong in (np.ones(2, np.complex64), [1j], ["1"], np.array([None]), raw):
        with pytest.raises(TypeError, match="param 'a': expected an array of real numbers"):
            mx.init.Load({"a": wrong})


def test_masked_elements_are_refused():
    with pytest.raises(ValueError, match="param 'a': expected an array without masked elements"):
        mx.init.Load({"a": np.ma.MaskedArray([1.0, 2.0], mask=[0, 1])})
    assert fill(mx.init.Load({"a": np.ma.MaskedArray([1.0])}), "a", (1,)).tolist() == [1]


def test_what_is_missing_goes_to_the_default():
    init = mx.init.Load(ARRAYS, default_init="one")
    assert fill(init, "fc2_weight", (2,)).tolist() == [1, 1]
    assert fill(init, "fc2_bias", (2,)).tolist() == [0, 0]
    assert fill(init, "arg:fc1_weight", (2,)).tolist() == [1, 1]
    with pytest.raises(ValueError, match="'foo': its name ends in none of"):
        fill(init, "foo", (2,))


def test_without_a_default_it_is_an_error():
    message = r"'fc1_weigth' was not loaded from a dict; did you mean 'fc1_weight'\?"
    with pytest.raises(ValueError, match=message):
        fill(mx.init.Load(ARRAYS), "fc1_weigth", (2,))


def test_another_shape_is_an_error_that_changes_nothing():
    arr = np.full((3, 2), 7.0)
    message = r"'fc1_weight': expected shape \(2, 3\), as loaded from a dict, got shape \(3, 2\)"
    with pytest.raises(ValueError, match=message):
        mx.init.Load(ARRAYS, "one")("fc1_weight", arr)
    assert (arr == 7).all()


def test_verbose_tells_the_source(tmp_path, caplog):
    path = files(tmp_path)[0]
    init = mx.init.Load(path, default_init="one", verbose=True)
    with caplog.at_level(logging.INFO):
        fill(init, "bn_moving_mean", (2,))
        fill(init, "fc2_weight", (2,))
    root_mean_square = (1.5**2 / 2 + 2.5**2 / 2) ** 0.5
    assert caplog.messages == [
        f"Initialized bn_moving_mean as loaded from {path}: {root_mean_square}",
        "Initialized fc2_weight as One(): 1.0",
    ]


def test_page_signature():
    parameters = inspect.signature(mx.init.Load).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    required = inspect.Parameter.empty
    assert defaults == {"param": required, "default_init": None, "verbose": False}


def test_dumps_round_trips(tmp_path):
    for param in [*files(tmp_path), ARRAYS]:
        init = mx.init.Load(param, default_init=mx.init.Xavier(magnitude=2), verbose=True)
        again = mx.init.create(init.dumps())
        assert again.dumps() == init.dumps()
        assert again.default_init.magnitude == 2
        np.testing.assert_array_equal(fill(again, "fc1_weight", (2, 3)), ARRAYS["arg:fc1_weight"])


def test_as_an_attribute(tmp_path):
    init = mx.init.Load(files(tmp_path)[0], default_init=mx.init.Constant(3))
    attrs = {"__init__": init.dumps()}
    assert fill(mx.init.Zero(), mx.InitDesc("argx", attrs), (1,)).tolist() == [4]
    assert fill(mx.init.Zero(), mx.InitDesc("other", attrs), (1,)).tolist() == [3]


@pytest.mark.parametrize("param", [3, None, [1.0], {1: [1.0]}, {"a": ["b"]}, {"a": [None]}])
def test_param_is_a_path_or_a_dict_of_numbers(param):
    with pytest.raises(TypeError, match=r"param.*: expected .*, got"):
        mx.init.Load(param)
