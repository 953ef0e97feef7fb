"""OpenCL platforms and devices: which there are, and which one to take."""

from __future__ import annotations

import contextlib
import os
import re
from typing import Any, NamedTuple

from .errors import wording

INSTALL = 'pip install "weightopt-core[opencl]"'
#: What to do where there is no device.
HINT = """\
install an implementation: pip install "weightopt-core[pocl]" brings one for processors; a GPU has
one in its driver. The command clinfo lists what is installed. In a container the driver's file may
be there without an entry in /etc/OpenCL/vendors; OCL_ICD_VENDORS=libnvidia-opencl.so.1 names it.\
"""


class Device(NamedTuple):
    """What one device is and can do.

    Attributes
    ----------
    platform, version, name, driver : str
        As the implementation says.
    float64 : bool
        Whether it computes in double.
    exact : str
        Whether float32 division and square root are rounded correctly: ``yes``, or ``unknown``
        where the device does not say so.
    group : int
        Work-items in a work-group of a step.
    chosen : bool
        Whether `choose` returns it.
    """

    platform: str
    version: str
    name: str
    driver: str
    float64: bool
    exact: str
    group: int
    chosen: bool


def find() -> list[Device]:
    """Return the OpenCL devices that are present.

    Raises
    ------
    ImportError
        pyopencl is not installed; the message has the command that installs it.
    """
    present = _present()
    try:
        chosen = choose()
    except RuntimeError:
        chosen = None
    return [_describe(device, device == chosen) for device in present]


def choose() -> Any:
    """Return the OpenCL device to take where any will do.

    It is what the environment variable ``PYOPENCL_CTX`` names, as pyopencl reads it. Without that,
    a GPU is preferred to a processor, and a simulator, which is slow, comes last.

    Returns
    -------
    pyopencl.Device
        For ``pyopencl.Context([device])``.

    Raises
    ------
    ImportError
        pyopencl is not installed.
    RuntimeError
        There is no device, or none as ``PYOPENCL_CTX`` says; the message says what to do.
    """
    present = _present()
    if not present:
        raise RuntimeError(f"no OpenCL device; {HINT}")
    if os.environ.get("PYOPENCL_CTX"):
        return _named(os.environ["PYOPENCL_CTX"], present)
    return min(present, key=_rank)


def _present() -> list[Any]:
    try:
        import pyopencl as cl
    except ImportError as error:
        raise ImportError(f"OpenCL needs pyopencl; {INSTALL}") from error
    try:
        platforms = cl.get_platforms()
    except cl.Error:  # code -1001: no platform
        return []
    present = []
    for platform in platforms:
        with contextlib.suppress(cl.Error):  # one that fails takes away nothing but itself
            present += platform.get_devices()
    return present


def _named(words: str, present: list[Any]) -> Any:
    import pyopencl as cl

    try:
        return cl.create_some_context(interactive=False).devices[0]
    except (cl.Error, RuntimeError) as error:
        names = ", ".join(f"{device.platform.name.strip()}: {device.name}" for device in present)
        expected = "a number or a part of the name of a platform and, behind a colon, of a device"
        remedy = f"present are {names}"
        raise RuntimeError(wording("PYOPENCL_CTX", expected, repr(words), remedy)) from error


def _rank(device: Any) -> tuple[bool, bool]:
    """Return what devices are sorted by; the least comes first."""
    import pyopencl as cl

    simulated = re.search("simulat|emulat", f"{device.platform.name} {device.name}", re.IGNORECASE)
    return bool(simulated), not device.type & cl.device_type.GPU


def _describe(device: Any, chosen: bool) -> Device:
    from .backends.opencl.traits import traits_of

    traits = traits_of(device)
    return Device(
        device.platform.name.strip(),
        device.platform.version.strip(),
        device.name.strip(),
        device.driver_version.strip(),
        traits.float64,
        "yes" if traits.options else "unknown",
        traits.group,
        chosen,
    )
