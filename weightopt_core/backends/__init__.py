"""Where arrays live, and rules run over them; `interface` says what a backend is.

A backend is found by the top-level module that defines the type of an array or one of its bases.
What is installed under the entry point ``weightopt.backends`` belongs to the table::

    [project.entry-points."weightopt.backends"]
    cupy = "weightopt_cupy.backend"

It is imported when such an array arrives, and not before.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import PluginError, wording
from ..registry import installed
from . import cpu
from .interface import Backend

if TYPE_CHECKING:  # each is held against the interface
    from . import opencl

    CHECKED: tuple[Backend, ...] = (cpu, opencl)

GROUP = "weightopt.backends"
#: The backends of the core, by the module of the arrays.
OWN = {"pyopencl": "weightopt_core.backends.opencl"}


def backend_of(array: Any, argument: str = "weight") -> Backend:
    """Return the backend that `array` belongs to.

    Raises
    ------
    TypeError
        No backend takes it.
    PluginError
        The installed backend for such arrays cannot be imported.
    """
    kind = type(array)
    if kind is np.ndarray:
        return cpu
    for name in _table.of(kind):
        backend = _imported(name)
        if backend.accepts(array):
            return backend
    if cpu.accepts(array):
        return cpu
    remedy = "pass a NumPy array, one that shares its memory, or a pyopencl.array.Array"
    raise TypeError(wording(argument, "an array", kind.__name__, remedy))


class Table:
    """Which backends may take arrays of a type, as long as the same packages are installed."""

    def __init__(self) -> None:
        self.plugins: Any = None
        self.known: dict[type, tuple[str, ...]] = {}

    def of(self, kind: type) -> tuple[str, ...]:
        """Return the names of modules: those for the type itself before those for its bases."""
        plugins = installed.plugins()
        if plugins is not self.plugins or len(self.known) > 256:
            self.plugins, self.known = plugins, {}
        if kind not in self.known:
            table = OWN | {point.name: point.value for point in plugins if point.group == GROUP}
            tops = dict.fromkeys(base.__module__.partition(".")[0] for base in kind.__mro__)
            self.known[kind] = tuple(table[top] for top in tops if top in table)
        return self.known[kind]


_table = Table()


def _imported(name: str) -> Any:
    """Import an installed backend; whatever it raises is its own."""
    try:
        return importlib.import_module(name)
    except Exception as error:  # it is another package's, and may raise anything
        owners = [point.dist.name for point in installed.plugins() if point.value == name]
        package = ", ".join(owners) or name
        cause = f"{type(error).__name__}: {error}"
        remedy = f"pip install --upgrade {package}, or pip uninstall {package}"
        raise PluginError(
            f"backend {name!r} of package {package} does not load: {cause}; {remedy}"
        ) from error
