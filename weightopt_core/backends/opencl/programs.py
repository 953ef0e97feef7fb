"""Programs, compiled once for each context and device, and their kernels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import pyopencl as cl
from pyopencl.tools import first_arg_dependent_memoize

from .traits import traits_of

_kernels: dict[Hashable, Kernels] = {}
#: Taken again by a signal's handler that steps while a program is compiled.
_compiling = threading.RLock()


class Kernels:
    """Equal kernels. Arguments are set in a kernel itself, so each serves one launch at a time.

    To make one takes a hundred times as long as to launch it, so they are used again.

    Parameters
    ----------
    program : pyopencl.Program
        What they are of.
    name : str
        Their name in it.
    types : sequence of numpy.dtype or None
        The type of each argument that is a number; None for buffers.
    """

    def __init__(self, program: cl.Program, name: str, types: Sequence[Any]):
        self.program, self.name, self.types = program, name, types
        self.free: list[cl.Kernel] = []

    def take(self) -> cl.Kernel:
        """Return a kernel that nobody else uses until it is given back."""
        try:
            return self.free.pop()
        except IndexError:
            made = cl.Kernel(self.program, self.name)
            made.set_scalar_arg_dtypes(self.types)
            return made

    def give_back(self, kernel: cl.Kernel) -> None:
        """Let others use `kernel`, whose launch has its arguments."""
        self.free.append(kernel)

    def __call__(self, *arguments: Any, wait_for: Any = None) -> cl.Event:
        """Launch one: queue, work-items, those of a group, and its arguments."""
        kernel = self.take()
        done = kernel(*arguments, wait_for=wait_for)
        self.give_back(kernel)
        return done


def kernel(
    queue: cl.CommandQueue, key: Hashable, text: Callable[[], str], name: str, types: Sequence[Any]
) -> Kernels:
    """Return the kernels of one name.

    Parameters
    ----------
    queue : pyopencl.CommandQueue
        Where they are to run.
    key : hashable
        What tells their program from others.
    text : callable
        Returns the program, whole; called when it is needed first.
    name : str
        Of the kernel.
    types : sequence of numpy.dtype or None
        The type of each argument that is a number; None for buffers.

    Raises
    ------
    RuntimeError
        The program does not compile; the message has the compiler's.
    """
    key = queue.context, queue.device, name, key
    found = _kernels.get(key)
    if found is None:
        with _compiling:
            program = _program(queue.context, queue.device, text())
        made = Kernels(program, name, types)
        found = _kernels.setdefault(key, made)
        found.give_back(found.take())  # fails here, before anything depends on it
    return found


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
