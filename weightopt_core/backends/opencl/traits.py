"""What a device can do, and what suits it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import pyopencl as cl

from ...dtypes import NARROW
from ...errors import wording


class Traits(NamedTuple):
    """What programs and launches depend on.

    Attributes
    ----------
    float64 : bool
        Whether it computes in double.
    group : int
        Work-items in a work-group. On a processor one, whose loop the compiler vectorises.
    part : int
        Elements that a work-group computes; a multiple of it where one tensor is large.
    processors : int
        How many work-groups run at a time.
    sqrt : tuple of str
        The function for float and for double.
    restrict : str
        Says of a function's pointers that they do not overlap; empty where that is no help.
    high_product : str
        The upper half of the product of the 64-bit numbers ``a`` and ``b``.
    fixed : bool
        Whether buffers stay at one address, by which any kernel may use them.
    options : tuple of str
        For the compiler.
    """

    float64: bool
    group: int
    part: int
    processors: int
    sqrt: tuple[str, str]
    restrict: str
    high_product: str
    fixed: bool
    options: tuple[str, ...]

    def part_of(self, size: int) -> int:
        """Return how many elements of a tensor of `size` a work-group computes."""
        if self.group > 1:
            return self.part
        # Fewer and longer parts are faster on processors, as long as there are some for each.
        return self.part * min(max(1, size // (8 * self.processors * self.part)), 16)


@lru_cache(None)
def traits_of(device: cl.Device) -> Traits:
    """Return the traits of `device`."""
    exact = device.single_fp_config & cl.device_fp_config.CORRECTLY_ROUNDED_DIVIDE_SQRT
    # PoCL's own sqrt is a call, which keeps the loop from being vectorised: six times the time.
    # Its mul_hi takes four multiplications.
    pocl = is_pocl(device) and bool(device.type & cl.device_type.CPU)
    return Traits(
        float64=has_float64(device),
        group=1 if pocl else 64,
        part=16384 if pocl else 256,
        processors=device.max_compute_units,
        sqrt=("__builtin_sqrtf", "__builtin_sqrt") if pocl else ("sqrt", "sqrt"),
        # Oclgrind's compiler stumbles over restrict in functions other than kernels.
        restrict="restrict" if pocl else "",
        high_product="(ulong)((__uint128_t)(a) * (b) >> 64)" if pocl else "mul_hi(a, b)",
        # Where a processor is the whole context, PoCL's buffers are memory of the host. Its later
        # versions say so by offering the extension cl_ext_buffer_device_address.
        fixed=pocl,
        options=("-cl-fp32-correctly-rounded-divide-sqrt",) if exact else (),
    )


def is_pocl(device: cl.Device) -> bool:
    """Whether the device is one of the Portable Computing Language."""
    return bool(device.platform.name == "Portable Computing Language")


def has_float64(device: cl.Device) -> bool:
    """Whether the device computes in double."""
    return "cl_khr_fp64" in device.extensions or bool(device.double_fp_config)


def check_float64(device: cl.Device, argument: str) -> None:
    """Raise TypeError where `device` cannot compute in double."""
    if not traits_of(device).float64:
        remedy = f"the device {device.name.strip()!r} has no float64"
        raise TypeError(wording(f"dtype of {argument}", NARROW, "float64", remedy))
