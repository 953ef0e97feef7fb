"""Which OpenCL device is taken where any will do."""

from types import SimpleNamespace

import pytest

from weightopt_core import devices

cl = pytest.importorskip("pyopencl")


def device(platform, name, kind):
    kind = getattr(cl.device_type, kind)
    return SimpleNamespace(platform=SimpleNamespace(name=platform), name=name, type=kind)


GPU = device("NVIDIA CUDA", "NVIDIA H100", "GPU")
CPU = device("Portable Computing Language", "pthread-AMD EPYC", "CPU")
SIMULATORS = [
    device("Oclgrind", "Oclgrind Simulator", "CPU"),
    device("Oclgrind", "Oclgrind Simulator", "GPU"),
    device("Intel(R) FPGA Emulation Platform", "Intel(R) FPGA Emulation Device", "ACCELERATOR"),
]


@pytest.mark.parametrize("simulator", SIMULATORS, ids=lambda device: device.platform.name)
def test_a_simulator_comes_last_and_a_gpu_first(monkeypatch, simulator):
    monkeypatch.delenv("PYOPENCL_CTX", raising=False)
    present = []
    monkeypatch.setattr(devices, "_present", lambda: present)
    for better in (simulator, CPU, GPU):
        present.append(better)
        assert devices.choose() is better
        assert devices.choose() is better
    present.reverse()
    assert devices.choose() is GPU


def test_a_platform_that_fails_takes_away_nothing_else(monkeypatch):
    def fail():
        raise cl.RuntimeError("clGetDeviceIDs failed: OUT_OF_HOST_MEMORY")

    platforms = [SimpleNamespace(get_devices=fail), SimpleNamespace(get_devices=lambda: [CPU])]
    monkeypatch.setattr(cl, "get_platforms", lambda: platforms)
    monkeypatch.delenv("PYOPENCL_CTX", raising=False)
    assert devices.choose() is CPU


def test_no_device(monkeypatch):
    monkeypatch.setattr(devices, "_present", list)
    assert devices.find() == []
    with pytest.raises(RuntimeError, match=r"no OpenCL device; install an implementation: pip"):
        devices.choose()


@pytest.mark.skipif(not devices.find(), reason="no OpenCL device")
def test_the_environment_goes_first(monkeypatch):
    for platform in cl.get_platforms():
        monkeypatch.setenv("PYOPENCL_CTX", platform.name)
        assert devices.choose().platform == platform
        assert sum(device.chosen for device in devices.find()) == 1
    monkeypatch.setenv("PYOPENCL_CTX", "no such name")
    assert not any(device.chosen for device in devices.find())
    with pytest.raises(
        RuntimeError, match=r"PYOPENCL_CTX: expected .*, got 'no such name'; present"
    ):
        devices.choose()
