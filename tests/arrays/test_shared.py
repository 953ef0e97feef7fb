"""What shares its memory by DLPack or as a buffer: taken, or refused with one clear error."""

import array
import ctypes
import subprocess
import sys

import numpy as np
import pytest

import weightopt_core as mx


class Exported:
    """What shares the memory of a NumPy array by DLPack, with the answers that it is given."""

    def __init__(self, values, device=(1, 0), capsule=None):
        self.values, self.device, self.capsule = values, device, capsule
        self.asked = 0

    def __dlpack__(self, **given):
        self.asked += 1
        if isinstance(self.capsule, Exception):
            raise self.capsule
        return self.values.__dlpack__(**given) if self.capsule is None else self.capsule

    def __dlpack_device__(self):
        if isinstance(self.device, Exception):
            raise self.device
        return self.device


def step(weight, grad):
    mx.optimizer.create("sgd", learning_rate=0.5).update(0, weight, grad, None)


@pytest.mark.parametrize("kind", [2, 4, 7, 8, 10, 12, 13, 14, 0, -1, 2**70])
def test_memory_of_a_device_is_not_asked_for(kind):
    given = Exported(np.ones(4, np.float32), (kind, 0))
    for weight, grad, name in (
        (given, np.ones(4, np.float32), "weight"),
        (np.ones(4), given, "grad"),
    ):
        with pytest.raises(
            TypeError, match=f"{name}: expected an array in host memory, got Exported"
        ):
            step(weight, grad)
    assert given.asked == 0
    assert (given.values == 1).all()


BROKEN = {
    "device raises ValueError": {"device": ValueError("Unknown device")},
    "device raises BufferError": {"device": BufferError("no strides")},
    "device raises KeyError": {"device": KeyError("x")},
    "device raises ZeroDivisionError": {"device": ZeroDivisionError()},
    "no device": {"device": None},
    "half a device": {"device": (1,)},
    "a device of text": {"device": "10"},
    "a device of floats": {"device": (1.0, 0.0)},
    "memory raises": {"capsule": RuntimeError("not now")},
    "memory raises AttributeError": {"capsule": AttributeError("not there")},
    "no capsule": {"capsule": 3},
    "a list for a capsule": {"capsule": [1.0, 2.0]},
    "an array for a capsule": {"capsule": np.ones(4)},
}


@pytest.mark.parametrize("answers", BROKEN.values(), ids=BROKEN)
def test_wrong_answers_are_one_clear_error(answers):
    good = np.ones(4, np.float32)
    for weight, grad, name in (
        (Exported(good, **answers), np.ones(4, np.float32), "weight"),
        (good, Exported(np.ones(4, np.float32), **answers), "grad"),
    ):
        with pytest.raises(TypeError, match=f"^{name}: expected an array in host memory, got Exp"):
            step(weight, grad)
    with pytest.raises(TypeError, match=r"^arrays\[1\]: expected an array in host memory"):
        mx.optimizer.clip_global_norm([good, Exported(good.copy(), **answers)], 0.1)
    with pytest.raises(TypeError, match=r"^array of 'a_weight': expected an array in host memory"):
        mx.init.One()("a_weight", Exported(good, **answers))
    assert (good == 1).all()


class Frozen(Exported):
    """A writable array whose DLPack, in the old form, gives NumPy read-only memory."""

    def __dlpack__(self, stream=None):
        return self.values.__dlpack__()


class Witnessed(Frozen):
    """The same with a second way to its memory, or to what it says is that."""

    def __init__(self, values, other=None):
        super().__init__(values)
        self.other = values if other is None else other

    def __array__(self, dtype=None, copy=None):
        if isinstance(self.other, Exception):
            raise self.other
        return self.other


@pytest.mark.parametrize("kind", [1, 3, 11])
def test_host_memory_is_taken_pinned_or_not(kind):
    values = np.ones(4, np.float32)
    weight = Witnessed(values)
    weight.device = kind, 0
    step(weight, Exported(np.ones(4, np.float32), (kind, 1)))
    assert (values == 0.5).all()


def test_a_second_way_to_the_same_memory_may_be_written_to():
    """NumPy before 2.2.5 takes the memory of others by DLPack as read-only."""
    values = np.ones(4, np.float32)
    step(Witnessed(values), np.ones(4, np.float32))
    assert (values == 0.5).all()


@pytest.mark.parametrize(
    "other",
    [np.ones(4, np.float32), np.ones(2), np.ones(4, np.int32), [1.0]],
    ids=["a copy", "shorter", "other numbers", "a list"],
)
def test_a_second_way_to_other_memory_is_not_written_to(other):
    if np.from_dlpack(Frozen(np.ones(4))).flags.writeable:
        pytest.skip("this NumPy takes such memory as writable")
    values = np.ones(4, np.float32)
    with pytest.raises((TypeError, ValueError), match=r"^weight: expected"):
        step(Witnessed(values, other), np.ones(4, np.float32))
    assert (values == 1).all()
    assert np.array_equal(other, np.ones(np.shape(other)))


def test_what_says_that_it_is_no_array_is_refused():
    """As a negated view of torch does, whose DLPack leaves the sign out."""
    given = Witnessed(np.ones(4, np.float32), RuntimeError("Use resolve_neg()"))
    with pytest.raises(TypeError, match=r"grad: .* does not share its memory \(Use resolve_neg"):
        step(np.ones(4, np.float32), given)


def test_memory_that_may_not_be_written_to():
    frozen = np.ones(4, np.float32)
    frozen.flags.writeable = False
    with pytest.raises(
        ValueError, match=r"^weight: expected a writable array, got a read-only one$"
    ):
        step(frozen, np.ones(4, np.float32))
    text = (
        "weight: expected a writable array, got bytes, which is read-only; pass a copy, numpy.arr"
    )
    with pytest.raises(ValueError, match=text):
        step(bytes(16), np.ones(4, np.float32))
    step(np.ones(4, np.float32), frozen)


@pytest.mark.parametrize("kind", [np.asarray, memoryview])
def test_a_read_only_gradient_is_fine_beside_a_wrong_state(kind):
    frozen = np.ones(4, np.float32)
    frozen.flags.writeable = False
    optimizer = mx.optimizer.create("sgd", momentum=0.9)
    with pytest.raises(ValueError, match=r"^shape of state 'mom': expected \(4,\), got \(5,\)"):
        optimizer.update(0, np.ones(4, np.float32), kind(frozen), np.zeros(5, np.float32))


def test_buffers():
    weight = (ctypes.c_float * 3)(1, 2, 3)
    step(weight, array.array("f", [2, 2, 2]))
    assert list(weight) == [0, 1, 2]
    with pytest.raises(TypeError, match=r"dtype of weight: expected float16 or .*, got uint8"):
        step(bytearray(4), np.ones(4, np.float32))
    for wrong in (np.ndarray, "text", 3.0, None, [1.0], {}):
        with pytest.raises(TypeError, match=r"^weight: expected an array"):
            step(wrong, np.ones(4, np.float32))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="classes have no __buffer__")
def test_a_buffer_that_raises():
    class Raises:
        def __buffer__(self, flags):
            raise ZeroDivisionError("never")

    with pytest.raises(TypeError, match=r"weight: expected an array in host memory, got Raises"):
        step(Raises(), np.ones(4, np.float32))


class Pretended:
    """What says that it is an array, and is none."""

    @property
    def __class__(self):
        return np.ndarray


def test_what_only_says_that_it_is_an_array():
    with pytest.raises(TypeError, match=r"expected an array"):
        step(Pretended(), np.ones(4, np.float32))
    with pytest.raises(TypeError, match=r"grad: expected an array"):
        step(np.ones(4, np.float32), Pretended())


class BrainFloats(Exported):
    dtype = "torch.bfloat16"

    def __dlpack__(self, **given):
        raise RuntimeError("Unsupported dtype in DLTensor.")


def test_bfloat16_of_others_is_refused_with_what_to_do(monkeypatch):
    match = "pass its bits as a NumPy array of 16-bit integers, .view.ml_dtypes.bfloat16.$"
    with pytest.raises(TypeError, match=match):
        step(BrainFloats(None), np.ones(4, np.float32))


def test_an_installed_bridge_is_named(tmp_path):
    """In a process of its own, as found packages are remembered."""
    info = tmp_path / "stranger_bridge-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger-bridge\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[weightopt.bridges]\nstranger = stranger_bridge\n")
    (tmp_path / "stranger.py").write_text(
        "class Array(bytes):\n    dtype = 'bfloat16'\n"
        "class Brain:\n    dtype = 'bfloat16'\n"
        "    def __dlpack__(self, **given): raise RuntimeError('no such type')\n"
        "    def __dlpack_device__(self): return 1, 0\n"
    )
    code = (
        "import numpy as np, weightopt_core as mx, stranger\n"
        "from weightopt_core.backends import cpu\n"
        "for given in (stranger.Array(16), stranger.Brain()):\n"
        "    try: cpu.check(given, 'weight', dtypes=None)\n"
        "    except (TypeError, ValueError) as error: print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.count(", or use stranger-bridge") == 2, found
