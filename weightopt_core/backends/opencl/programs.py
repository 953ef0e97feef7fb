"""Programs, compiled once for each context and device, and kernels, made once for each thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import pyopencl as cl
from pyopencl.tools import first_arg_dependent_memoize

from .traits import traits_of

_local = threading.local()
_compiling = threading.Lock()


def kernel(
    queue: cl.CommandQueue, key: Hashable, text: Callable[[], str], name: str, types: Sequence[Any]
) -> cl.Kernel:
    """Return a kernel that no other thread uses: its arguments are set in the object itself.

    Parameters
    ----------
    queue : pyopencl.CommandQueue
        Where it is to run.
    key : hashable
        What tells its program from others.
    text : callable
        Returns the program, whole; called when the thread needs it first.
    name : str
        Of the kernel.
    types : sequence of numpy.dtype or None
        The type of each argument that is a number; None for buffers.

    Raises
    ------
    RuntimeError
        The program does not compile; the message has the compiler's.
    """
    kernels = vars(_local).setdefault("kernels", {})
    key = queue.context, queue.device, name, key
    if key not in kernels:
        with _compiling:
            program = _program(queue.context, queue.device, text())
        made = cl.Kernel(program, name)
        made.set_scalar_arg_dtypes(types)
        kernels[key] = made
    return kernels[key]


@first_arg_dependent_memoize
def _program(context: cl.Context, device: cl.Device, text: str) -> cl.Program:
    program = cl.Program(context, text)
    try:
        return program.build(options=list(traits_of(device).options), devices=[device])
    except cl.Error as error:
        raise RuntimeError(
            f"OpenCL device {device.name.strip()!r}: a program does not compile; please report it "
            f"with the rule and this log:\n{error}"
        ) from error
