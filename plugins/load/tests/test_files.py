"""The readers of .npz and .safetensors, on good and on damaged files."""

import io
import struct
import zipfile

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from safetensors.numpy import save, save_file
from weightopt_load import read

ARRAYS = {
    "arg:fc1_weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "half": np.arange(3, dtype=np.float16),
    "flags": np.array([True, False]),
    "empty": np.empty((0, 2)),
    "scalar": np.array(3),
}
TRANSPOSED = np.asfortranarray(np.arange(6.0).reshape(2, 3))


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("save_npz", [np.savez, np.savez_compressed])
def test_npz(tmp_path, save_npz):
    path = tmp_path / "weights.npz"
    arrays = ARRAYS | {"transposed": TRANSPOSED, "big": np.zeros(100_000)}
    save_npz(path, **arrays)
    assert_equal(read(path), arrays)


def test_safetensors(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(ARRAYS, path)
    assert_equal(read(str(path)), ARRAYS)


def test_safetensors_in_bfloat16_come_as_float32(tmp_path):
    header = b'{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    path = tmp_path / "weights.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\x80\x3f\x20\xc0")
    assert_equal(read(path), {"a": np.array([1.0, -2.5], np.float32)})


def npz(*members):
    """Return an .npz file of `members`: name, content, and what its directory says otherwise."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, changes in members:
            archive.writestr(name, content)
            for attribute, value in changes.items():
                setattr(archive.getinfo(name), attribute, value)
    return stream.getvalue()


def repeated(name, content, times):
    """Return an .npz file whose directory lists its one member several times."""
    whole = npz((name, content, {}))
    begin, end = whole.index(b"PK\1\2"), whole.index(b"PK\5\6")
    entry = whole[begin:end]
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, times, times, times * len(entry), begin, 0)
    return whole[:begin] + times * entry + tail


def npy(array, **changes):
    """Return an array as .npy, with changes in its header."""
    stream = io.BytesIO()
    header = np.lib.format.header_data_from_array_1_0(array) | changes
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + array.tobytes()


GOOD = npy(np.ones(2))
DAMAGED = {
    "kind.txt": (b"", r"param: expected a file called \*.npz or \*.safetensors or \*.params"),
    "none.npz": (b"", "is not a zip file"),
    "pickle.npz": (b"\x80\x04K\x01.", "is not a zip file"),
    "repeated.npz": (repeated("a.npy", GOOD, 21), "its members are longer than the file"),
    "complex.npz": (npz(("a.npy", npy(np.ones(2, complex)), {})), "real numbers, got complex128"),
    "objects.npz": (npz(("a.npy", npy(np.ones(2), descr="|O"), {})), "expected real numbers"),
    "text.npz": (npz(("a.npy", npy(np.array(["a"])), {})), "expected real numbers, got <U1"),
    "lying.npz": (npz(("a.npy", npy(np.ones(2), shape=(2**60,)), {})), "a.npy: expected 92233720"),
    "long.npz": (npz(("a.npy", GOOD + b"x", {})), "a.npy: expected 16 bytes for shape"),
    "bomb.npz": (npz(("a.npy", GOOD, {"file_size": 2**32 - 2})), "compressed size does not allow"),
    "member.npz": (npz(("a.npy", b"no array", {})), "magic string is not correct"),
    "nested.npz": (npz(("a.npy", b"\x93NUMPY\1\0\xff\xff" + b"(" * 65535, {})), "cannot be read"),
    "none.safetensors": (b"", "cannot be read"),
    "pickle.safetensors": (b"\x80\x04K\x01." + bytes(100), "cannot be read"),
    "short.safetensors": (save(ARRAYS)[:-1], "cannot be read"),
    "huge.safetensors": (struct.pack("<Q", 2**63) + b"{}", "cannot be read"),
    "none.params": (b"", "magic number"),
    "list.params": (struct.pack("<4Q", 0x112, 0, 0, 0), "arrays: expected names, got none"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files(tmp_path, name):
    content, message = DAMAGED[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read(path)
    assert name in str(caught.value)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "absent.npz")


def stored():
    stream = io.BytesIO()
    np.savez_compressed(stream, **ARRAYS)
    return stream.getvalue()


WHOLE = {"npz": stored(), "safetensors": save(ARRAYS)}


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data(), st.sampled_from(sorted(WHOLE)))
def test_random_damage_gives_arrays_or_a_value_error(tmp_path, data, ending):
    content = bytearray(WHOLE[ending])
    places = st.integers(0, len(content) - 1)
    for position, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        content[position] = value
    path = tmp_path / f"damaged.{ending}"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        read(path)
    except ValueError:
        return
