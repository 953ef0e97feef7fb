"""The reader of MXNet's files, on files of MXNet's and on damaged ones."""

import io
import itertools
import struct
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from weightopt_load import params

GOLDEN = Path(__file__).parents[3] / "tests" / "golden" / "params"
MAGIC = {version: magic for magic, version in params.VERSIONS.items()}
DTYPES = ("f4", "f8", "f2", "u1", "i4", "i1", "i8", "b1", "i2", "u2", "u4", "u8")


def record(array, version=2, code=None, shape=None):
    """Return an array as it stands in a file."""
    shape = array.shape if shape is None else shape
    head = b"" if version == 0 else struct.pack("<I", MAGIC[version])
    head += struct.pack("<i", 0) if version >= 2 else b""
    head += struct.pack("<I", len(shape))
    head += struct.pack(f"<{len(shape)}{'q' if version else 'I'}", *shape)
    code = DTYPES.index(array.dtype.str[1:]) if code is None else code
    return head + struct.pack("<iii", 1, 0, code) + array.tobytes()


def packed(records, names=()):
    """Return a file of such arrays."""
    content = struct.pack("<QQQ", params.MAGIC, 0, len(records)) + b"".join(records)
    content += struct.pack("<Q", len(names))
    for name in names:
        content += struct.pack("<Q", len(name)) + name
    return content


def read(content):
    return params.read(io.BytesIO(content))


@pytest.mark.parametrize("version", ["0.11.0", "1.9.1"])
def test_files_of_mxnet(version):
    with (GOLDEN / f"mx{version}.params").open("rb") as stream:
        found = params.read(stream)
    with np.load(GOLDEN / f"mx{version}.npz") as archive:
        expected = {name.replace("__", ":", 1): archive[name] for name in archive.files}
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    with (GOLDEN / f"mx{version}_list.params").open("rb") as stream:
        unnamed = params.read(stream)
    for array, name in itertools.zip_longest(unnamed, sorted(expected)):
        np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize("version", [0, 1, 2, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_version_and_dtype(version, dtype):
    array = np.arange(6).reshape(1, 2, 3).astype(dtype)
    (found,) = read(packed([record(array, version)]))
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_bfloat16_comes_as_float32():
    numbers = np.array([1.0, -2.5, 3e38, np.inf, 0.0078125], np.float32)
    bits = (numbers.view(np.uint32) >> 16).astype(np.uint16)
    (found,) = read(packed([record(bits, code=12)]))
    assert found.dtype == np.float32
    assert found.tolist()[:2] == [1.0, -2.5]
    np.testing.assert_array_equal(found.view(np.uint32) >> 16, bits)


def test_any_byte_but_0_is_true():
    (found,) = read(packed([record(np.array([0, 1, 255], np.uint8), code=7)]))
    assert found.tolist() == [False, True, True]


@pytest.mark.parametrize("array", [np.float32(3), np.empty((0, 3), np.float32)])
def test_scalars_and_empty_arrays_in_version_3(array):
    (found,) = read(packed([record(np.asarray(array), 3)]))
    assert found.shape == array.shape
    for version in (0, 1, 2):
        with pytest.raises(ValueError, match=r"shape of array 0: expected"):
            read(packed([record(np.asarray(array), version)]))


def test_of_two_arrays_with_one_name_the_later_counts():
    one, two = np.ones(1, np.float32), np.full(1, 2, np.float32)
    assert read(packed([record(one), record(two)], [b"a", b"a"]))["a"].tolist() == [2]


ARRAY = np.ones((2, 3), np.float32)
SPARSE = struct.pack("<Ii", MAGIC[2], 1) + record(ARRAY)[8:]
DAMAGED = {
    "empty": (b"", "magic number: expected 8 bytes, got 0"),
    "another kind": (b"PK\3\4" + bytes(100), "expected a file of MXNet's mx.nd.save"),
    "a pickle": (b"\x80\x04K\x01." + bytes(100), "expected a file of MXNet's mx.nd.save"),
    "short": (packed([record(ARRAY)])[:-12], "elements of array 0, shape .* expected 24 bytes"),
    "long": (packed([record(ARRAY)]) + b"x", "expected the end of the file, got 1 bytes"),
    "sparse": (packed([SPARSE]), "storage type of array 0: expected 0, dense, got 1"),
    "type": (packed([record(ARRAY, code=13)]), "element type of array 0: expected a number below"),
    "negative": (packed([record(ARRAY, shape=(-2, -3))]), "expected dimensions of at least 1"),
    "huge": (packed([record(ARRAY, shape=(2**62, 2**62))]), "then the end of file"),
    "many dimensions": (packed([record(ARRAY, shape=(1,) * 33)]), "0 to 32 dimensions, got 33"),
    "names": (packed([record(ARRAY)], [b"a", b"b"]), "number of names: expected 0 or 1, got 2"),
    "fewer names": (packed([record(ARRAY)] * 2, [b"a"]), "number of names: expected 0 or 2, got 1"),
    "no text": (packed([record(ARRAY)], [b"\xff"]), "name: expected UTF-8"),
    "many arrays": (struct.pack("<QQQ", 0x112, 0, 2**63) + record(ARRAY), "array 1: expected"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files(case):
    content, message = DAMAGED[case]
    with pytest.raises(ValueError, match=message):
        read(content)


WHOLE = packed(
    [record(np.arange(6, dtype=d).reshape(2, 3), v) for d in ("f4", "i8") for v in (0, 1, 2, 3)],
    [f"name{i}".encode() for i in range(8)],
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=8),
    st.integers(0, len(WHOLE)),
    st.binary(max_size=4),
)
def test_random_damage_gives_arrays_or_a_value_error(changes, length, tail):
    content = bytearray(WHOLE)
    for position, value in changes:
        content[position] = value
    content = bytes(content[:length]) + tail
    try:
        found = read(content)
    except ValueError:
        return
    arrays = found.values() if isinstance(found, dict) else found
    # bfloat16 doubles its size, and nothing grows more.
    assert sum(array.nbytes for array in arrays) <= 2 * len(content)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_behind_the_magic_number(content):
    try:
        read(struct.pack("<QQ", params.MAGIC, 0) + content)
    except ValueError:
        return
