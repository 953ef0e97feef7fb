"""The contract of backends, and a stranger's backend that is found by the type of its arrays."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
from boxed_arrays import Box

import weightopt_core as mx
from weightopt_core.backends import backend_of, cpu, interface
from weightopt_core.errors import PluginError
from weightopt_core.registry import installed
from weightopt_core.testing import arrays
from weightopt_core.testing.subject import Subject
from weightopt_core.testing.suite import cases

ENTRY = "[weightopt.backends]\n{module} = {value}\n"


def install(folder, module, value):
    """Write what pip leaves of a package with one backend."""
    info = folder / "boxed_backend-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: boxed-backend\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY.format(module=module, value=value))


@pytest.fixture
def boxed(tmp_path, monkeypatch):
    install(tmp_path, "boxed_arrays", "boxed_arrays")
    monkeypatch.syspath_prepend(tmp_path)
    installed.refresh()
    yield
    monkeypatch.undo()
    installed.refresh()


def functions_of(protocol):
    return {
        name: function
        for name, function in vars(protocol).items()
        if inspect.isfunction(function) and not name.startswith("_")
    }


def names_of(function):
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize("name", ["cpu", "opencl"])
def test_backends_have_the_functions_of_the_interface(name):
    backend = pytest.importorskip(f"weightopt_core.backends.{name}")
    expected = functions_of(interface.Backend)
    assert set(backend.__all__) == set(expected)
    for function, declared in expected.items():
        assert names_of(getattr(backend, function)) == names_of(declared), function


def test_bound_steps_have_the_methods_of_the_interface():
    opencl = pytest.importorskip("weightopt_core.backends.opencl.device_step")
    for bound in (opencl.DeviceStep, cpu.step.Interpreted):
        for name, declared in functions_of(interface.BoundStep).items():
            found = names_of(getattr(bound, name))
            assert found in (names_of(declared), ["given"]), (bound, name)
    for name in functions_of(interface.BoundStep):
        assert callable(getattr(cpu.step.compiled_step.CompiledStep, name))


def train(place, fetch):
    """Initialize, schedule, clip, step and save; return weights, norms and what is saved."""
    mx.random.seed(3)
    rng = np.random.default_rng(4)
    weights = [place(np.zeros(shape, dtype)) for shape, dtype in SHAPES]
    for i, weight in enumerate(weights):
        mx.init.create("xavier")(f"fc{i}_weight", weight)
    schedule = mx.lr_scheduler.create("factor", step=2, factor=0.5)
    optimizer = mx.optimizer.create("adam", lr_scheduler=schedule, multi_precision=True, wd=0.01)
    updater = mx.optimizer.get_updater(optimizer)
    norms = []
    for _ in range(4):
        grads = [place(rng.normal(size=shape).astype(dtype)) for shape, dtype in SHAPES]
        norms.append(mx.optimizer.clip_global_norm(grads, 1.0))
        updater([*range(len(weights))], grads, weights)
        resumed = mx.optimizer.get_updater(
            mx.optimizer.create("adam", lr_scheduler=schedule, multi_precision=True, wd=0.01)
        )
        resumed.set_states(updater.get_states())
        updater = resumed
    return [fetch(weight) for weight in weights], norms, updater.get_states()


SHAPES = [((4, 3), np.float32), ((30, 40), np.float64), ((5, 2), np.float16)]


def test_a_whole_training_run_through_a_strangers_backend(boxed):
    found, norms, states = train(Box, lambda box: box.values)
    expected, host_norms, host_states = train(np.copy, np.copy)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert norms == host_norms
    assert states == host_states


@pytest.mark.parametrize(
    "name", ["optimizer.adam", "optimizer.lamb", "optimizer.sgld", "init.normal", "init.orthogonal"]
)
def test_the_kit_checks_a_strangers_backend(boxed, monkeypatch, name):
    boxes = arrays.Maker("boxes", Box, lambda box: box.values.copy(), arrays.storage_types())
    monkeypatch.setattr(arrays, "_SOURCES", [lambda: [boxes]])
    # A backend is given numbers, whichever settings they come from.
    monkeypatch.setattr(Subject, "settings", lambda self: [{}])
    arrays.makers.cache_clear()
    try:
        kind, _, name = name.partition(".")
        checked = [
            case for case in cases(getattr(mx, kind).registry.find(name)) if case.maker is boxes
        ]
        assert checked
        for case in checked:
            case()
    finally:
        arrays.makers.cache_clear()


def test_arrays_of_two_backends_in_one_call(boxed):
    optimizer = mx.optimizer.create("sgd")
    with pytest.raises(TypeError, match="weight: expected a Box, got ndarray"):
        optimizer.update([0, 1], [Box([1.0]), np.ones(1)], [Box([1.0])] * 2, [None] * 2)
    with pytest.raises(TypeError, match="weight: expected an array in host memory, got Box"):
        optimizer.update([0, 1], [np.ones(1), Box([1.0])], [np.ones(1)] * 2, [None] * 2)
    assert optimizer.num_update == 0


def test_a_subclass_of_such_an_array(boxed):
    class Labelled(Box):
        pass

    assert backend_of(Labelled([1.0])) is backend_of(Box([1.0]))


def test_without_the_package_nothing_takes_its_arrays():
    with pytest.raises(TypeError, match="weight: expected an array, got Box"):
        backend_of(Box([1.0]))


def test_a_backend_that_does_not_load(tmp_path, monkeypatch):
    install(tmp_path, "boxed_arrays", "boxed_backend_that_is_gone")
    monkeypatch.syspath_prepend(tmp_path)
    installed.refresh()
    try:
        with pytest.raises(PluginError, match="package boxed-backend does not load"):
            backend_of(Box([1.0]))
        assert backend_of(np.ones(1)) is cpu
    finally:
        monkeypatch.undo()
        installed.refresh()


NOT_LOADED = """
import array, sys, numpy as np, weightopt_core as mx
sgd = mx.optimizer.create("sgd")
sgd.update(0, np.ones(2), np.ones(2), None)
assert "importlib_metadata" in sys.modules  # of the look-up by name
sgd.update(1, array.array("f", [1]), array.array("f", [1]), None)
assert not [name for name in sys.modules if name.partition(".")[0] == "pyopencl"]
"""


def test_a_backend_is_loaded_when_its_arrays_arrive():
    subprocess.run([sys.executable, "-c", NOT_LOADED], check=True)
