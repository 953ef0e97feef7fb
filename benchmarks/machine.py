"""What the results were measured on, without anything that names the machine."""

import datetime
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CPU = Path("/sys/devices/system/cpu/cpu0/cache")
SIMD = ("sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512_bf16", "asimd", "sve")
PACKAGES = ("weightopt-core", "numpy", "torch", "jax", "optax", "deepspeed", "mxnet")


def describe():
    """Return the processor, its caches and vector instructions, versions and the date."""
    cpu = _cpuinfo()
    flags = (cpu.get("flags") or cpu.get("Features") or "").split()
    return {
        "processor": cpu.get("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "caches": _caches(),
        "simd": [name for name in SIMD if name in flags],
        "system": platform.system(),
        "compiler": _compiler(),
        "versions": {"python": platform.python_version(), **_versions()},
        "load": round(os.getloadavg()[0], 1),
        "date": datetime.date.today().isoformat(),
    }


def _cpuinfo():
    """Return what Linux says of the first processor."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _caches():
    """Return the sizes of the first processor's caches for data, smallest first."""
    found = {}
    for folder in sorted(CPU.glob("index*")):
        kind, level, size = (
            (folder / name).read_text().strip() for name in ("type", "level", "size")
        )
        if kind != "Instruction":
            found[f"L{level}"] = size
    return found


def _compiler():
    """Return what compiled the limit's loop."""
    try:
        command = [os.environ.get("CC", "cc"), "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.partition("\n")[0]


def _versions():
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
