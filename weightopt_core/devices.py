"""OpenCL platforms and devices, as the command ``weightopt devices`` shows them."""

from __future__ import annotations

from typing import Any, NamedTuple

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
        Whether ``pyopencl.create_some_context(interactive=False)`` takes it.
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
    try:
        import pyopencl as cl
    except ImportError as error:
        raise ImportError(f"OpenCL needs pyopencl; {INSTALL}") from error
    try:
        platforms = cl.get_platforms()
    except cl.Error:  # code -1001: no platform
        return []
    try:
        chosen = list(cl.create_some_context(interactive=False).devices)
    except (cl.Error, RuntimeError):
        chosen = []
    devices = [device for platform in platforms for device in platform.get_devices()]
    return [_describe(device, device in chosen) for device in devices]


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
