import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weightopt_core.dtypes import STORAGE, dtype_of
from weightopt_core.kvstore.packing import pack, unpack

shapes = st.lists(st.integers(0, 5), max_size=3).map(tuple)


@given(st.lists(st.tuples(shapes, st.sampled_from(list(STORAGE)))))
def test_what_is_packed_is_unpacked(forms):
    rng = np.random.default_rng(0)
    forms = [(shape, dtype_of(name)) for shape, name in forms]
    arrays = [rng.normal(size=shape).astype(dtype) for shape, dtype in forms]
    found = unpack(pack(arrays), forms)
    assert len(found) == len(arrays)
    for one, other in zip(found, arrays):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes()
        assert one.flags.aligned


def test_a_single_array_is_not_copied():
    array = np.ones((3, 4), np.float32)
    assert np.shares_memory(pack([array]), array)


def test_a_buffer_of_another_size_is_refused():
    with pytest.raises(ValueError, match="a message of 8 bytes, expected one of 16"):
        unpack(np.zeros(8, np.uint8), [((2,), np.dtype(np.float64))])
