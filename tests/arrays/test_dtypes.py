"""Storage types are known by number and byte order, never by name."""

import ml_dtypes
import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.dtypes import STORAGE, compute_of, dtype_of, is_half, is_real, storage_of


def step(weight, grad):
    mx.optimizer.create("sgd", learning_rate=0.5).update(0, weight, grad, None)


def crafted(name, size):
    """Return a dtype of raw bytes that has the name of another."""
    return np.dtype((type(name, (np.void,), {}), size))


@pytest.mark.parametrize("name", [*STORAGE, "float8_e5m2"])
def test_types_are_known_by_number_not_by_name(name):
    size = STORAGE[name].itemsize if name in STORAGE else 1
    dtype = crafted(name, size)
    assert dtype.name.startswith(name)
    assert storage_of(dtype) is None
    assert not is_real(dtype)
    assert not is_half(dtype)
    raw = np.zeros(4, dtype)
    good = np.ones(4, dtype_of(name) if name in STORAGE else np.float32)
    for weight, grad in ((raw, good), (good, raw)):
        with pytest.raises(TypeError, match=r"^dtype of (weight|grad): expected"):
            step(weight, grad)
    with pytest.raises(TypeError, match=r"^dtype of array of 'a_weight': expected real numbers"):
        mx.init.One()("a_weight", raw)
    with pytest.raises(TypeError, match=r"^dtype of arrays\[0\]: expected float16 or"):
        mx.optimizer.clip_global_norm([raw], 1.0)
    updater = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
    updater.states[0] = raw
    with pytest.raises(TypeError, match=r"state of 0: expected None, numbers, arrays of numbers"):
        updater.get_states()


def test_the_table_of_types():
    for name, storage in STORAGE.items():
        dtype = dtype_of(name)
        assert storage_of(dtype) == name == dtype.name
        assert (dtype.itemsize, compute_of(name)) == (storage.itemsize, storage.compute)
        assert is_half(dtype) == (storage.itemsize == 2)
        assert is_real(dtype)
        assert storage_of(np.dtype(dtype, metadata={"unit": "m"})) == name
    for other in ("i4", "u2", "?", "c8", "S2", "O", "M8[s]", "V2", np.longdouble, ml_dtypes.int4):
        assert storage_of(np.dtype(other)) is None
    assert is_real(np.dtype(ml_dtypes.float8_e5m2))


@pytest.mark.parametrize("name", STORAGE)
def test_the_other_byte_order_is_refused(name):
    dtype = dtype_of(name).newbyteorder()
    if dtype.isnative:
        pytest.skip("this type has one byte order")
    swapped = np.ones(4).astype(dtype)
    assert storage_of(swapped.dtype) is None
    with pytest.raises(TypeError, match=r"^dtype of weight: expected native float16 or"):
        step(swapped, np.ones(4, dtype_of(name)))
    with pytest.raises(TypeError, match=f"^dtype of grad: expected native {name}"):
        step(np.ones(4, dtype_of(name)), swapped)
    with pytest.raises(TypeError, match=r"^dtype of arrays\[0\]: expected native"):
        mx.optimizer.global_norm([swapped])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("swapped", [("weight", "grad", "mom"), ("weight",), ("grad",), ("mom",)])
def test_a_step_in_the_other_byte_order_is_refused(dtype, swapped):
    """Also where all arrays have it, and fit each other."""
    other = np.dtype(dtype).newbyteorder()
    arrays = {
        name: np.full(4, 3.0, other if name in swapped else dtype)
        for name in ("weight", "grad", "mom")
    }
    optimizer = mx.optimizer.create("sgd", momentum=0.5)
    for _ in range(2):
        with pytest.raises(TypeError, match=r"^dtype of .*: expected native float"):
            optimizer.update(0, *arrays.values())
        assert all((array == 3).all() for array in arrays.values())
    assert optimizer.num_update == 0
